"""What the bootstrap scripts print, and how they fail.

The scripts in this folder run on whatever `python3` a machine has (3.6 and newer), before
anything of the project is installed, so they use the standard library only. Every failure
ends with one sentence that tells the reader what to do; none ends with a traceback.
"""

import subprocess
import sys


class BootstrapError(Exception):
    """Something that the reader has to put right; the message says what and how."""


def step(text):
    """Prints one progress line.

    Args:
        text (str): what is about to be done, without a full stop.
    """
    # stderr, so that a target's own output (a report on standard output) stays clean.
    print(">> " + text, file=sys.stderr)
    sys.stderr.flush()


def run(command, advice, env=None, cwd=None):
    """Runs a command quietly and shows its output only when it fails.

    Args:
        command (list of str): the program and its arguments.
        advice (str): the sentence that helps when the command fails.
        env (dict of str to str, or None): the environment; None for this process's own.
        cwd (str or None): the folder to run in; None for the current one.

    Returns:
        str: what the command printed, its errors included.

    Raises:
        BootstrapError: the command failed or doesn't exist.
    """
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            universal_newlines=True,
            env=env,
            cwd=cwd,
        )
    except OSError as exc:
        raise BootstrapError("{}: {}\n{}".format(command[0], exc, advice)) from exc
    if done.returncode != 0:
        raise BootstrapError(
            "{}\n`{}` ended with code {}.\n{}".format(
                done.stdout.rstrip(), " ".join(command), done.returncode, advice
            )
        )
    return done.stdout
