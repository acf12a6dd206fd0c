"""What several files of the loop's tests share."""

import os
import subprocess
import sys
from typing import Any

PATIENCE = 60

# For programs: calls a function in a forked child, and returns the exit code of that.
FORK_AND_WAIT = """
def fork_and_wait(child):
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            child()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(wait_for_process(pid, 0)[1])
"""


def run_ready(loop: Any) -> None:
    """Runs what is queued now."""
    loop.call_soon(loop.stop)
    loop.run_forever()


def run_program(
    program: str, *, options: tuple[str, ...] = ("-X", "dev"), **environment: str
) -> tuple[int, str, str]:
    """Runs a program in a process of its own; returns its exit code, output and errors.

    Args:
        program: what to run.
        options: of the interpreter; development mode by default.
        environment: variables that the process has besides this one's.
    """
    done = subprocess.run(
        [sys.executable, *options, "-c", program],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
    )
    return done.returncode, done.stdout, done.stderr


def error_without(package: str, module: str) -> str:
    """Imports a module where a package isn't installed; returns the line that the error says.

    Args:
        package: what isn't there.
        module: what needs it.
    """
    program = f"""
import sys
class Nothing:
    def find_spec(self, name, *where):
        if name == {package!r}:
            raise ModuleNotFoundError(name=name)

sys.meta_path.insert(0, Nothing())
try:
    import {module}
except ImportError as exc:
    print(exc)
"""
    code, output, errors = run_program(program)
    assert (code, errors) == (0, "")
    return output
