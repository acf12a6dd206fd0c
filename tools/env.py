"""Runs a command in the project's virtual environment, which it makes or updates first.

    python3 tools/env.py [GROUP | extra:NAME ...] [-- COMMAND [ARG ...]]

The groups and extras are those of pyproject.toml. This is what each make target calls; it runs
on any python3 from 3.6 on. Without a command it only prepares the environment. A command
that is not given as a path is looked for in the environment first.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

import environment  # noqa: E402
from say import BootstrapError  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def main(arguments):
    """Prepares the environment and replaces this process by the command.

    Args:
        arguments (list of str): groups and extras, then `--` and the command.

    Returns:
        int: an exit code, if there was no command or the preparation failed.
    """
    if "--" in arguments:
        at = arguments.index("--")
        wishes, command = arguments[:at], arguments[at + 1 :]
    else:
        wishes, command = arguments, []
    try:
        venv = environment.prepare(ROOT, wishes)
    except BootstrapError as exc:
        print(exc, file=sys.stderr)
        return 1
    if not command:
        return 0
    env = dict(os.environ, VIRTUAL_ENV=venv)
    env["PATH"] = os.path.join(venv, "bin") + os.pathsep + env.get("PATH", os.defpath)
    # What chose this interpreter must not choose the program's modules too.
    env.pop("PYTHONHOME", None)
    os.environ["PATH"] = env["PATH"]
    sys.stdout.flush()
    try:
        os.execvpe(command[0], command, env)
    except OSError as exc:
        print("{}: {}".format(command[0], exc.strerror), file=sys.stderr)
        return 127


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
