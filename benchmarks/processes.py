"""Child processes that answer lines: every server and every load client is one of them.

A child prints one line of JSON when it is ready and one for each line it is sent; it ends when
its stdin does. The invariant: no child outlives the runner. Whatever happens to the runner, the
pipe closes and the child leaves by itself; and a child that hangs is killed by its own pid.
"""

import importlib.util
import json
import os
import selectors
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parent.parent
LEAVE_SECONDS = 5.0


class BenchmarkError(Exception):
    """A server or client didn't do its part; the message says which and how."""


def child_environment() -> dict[str, str]:
    """Returns the environment of a child: the repository importable, hashes fixed.

    An installed Mainspring is used as it is; without one, the tree's own `src` is, which works
    after an in-place build.
    """
    paths = [str(ROOT)]
    if importlib.util.find_spec("mainspring") is None:
        paths.append(str(ROOT / "src"))
    if inherited := os.environ.get("PYTHONPATH"):
        paths.append(inherited)
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONHASHSEED": "0"}


def start(
    command: Sequence[str], cpu: int | None, extra: Mapping[str, str] | None = None, **options: Any
) -> "subprocess.Popen[bytes]":
    """Starts a process that runs on one core from its first instruction.

    The runner moves itself there for the moment of the fork, so that every thread of the child
    inherits the core, with no race and nothing for the child to do.

    Args:
        command: the program and its arguments.
        cpu: the number of the core, or None for any.
        extra: environment variables to add.
        options: handed to `subprocess.Popen`.

    Returns:
        The running process.

    Raises:
        BenchmarkError: the program isn't there.
    """
    before = os.sched_getaffinity(0)
    if cpu is not None:
        os.sched_setaffinity(0, {cpu})
    try:
        return subprocess.Popen(command, env={**child_environment(), **(extra or {})}, **options)
    except FileNotFoundError as error:
        raise BenchmarkError(f"{command[0]} isn't installed ({error.strerror}).") from error
    finally:
        os.sched_setaffinity(0, before)


class LineProcess:
    """A child that answers lines of text with lines of JSON."""

    def __init__(
        self,
        command: Sequence[str],
        cpu: int | None = None,
        name: str = "",
        extra: Mapping[str, str] | None = None,
    ) -> None:
        """Starts the child.

        Args:
            command: the program and its arguments.
            cpu: the core it is pinned to, or None.
            name: what to call it in messages; the program's file name by default.
            extra: environment variables to add.
        """
        self.name = name or Path(command[0]).name
        self._buffer = b""
        self._process = start(command, cpu, extra, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def tell(self, line: str) -> None:
        """Sends one line.

        Args:
            line: the text, without its newline.

        Raises:
            BenchmarkError: the child is gone.
        """
        stdin = self._process.stdin
        assert stdin is not None
        try:
            stdin.write(line.encode() + b"\n")
            stdin.flush()
        except BrokenPipeError as error:
            raise BenchmarkError(f"{self.name} has ended (status {self._status()}).") from error

    def read(self, timeout: float) -> dict[str, Any]:
        """Waits for the next line.

        Args:
            timeout: seconds.

        Returns:
            The line, decoded.

        Raises:
            BenchmarkError: the child ended, or said nothing in time.
        """
        stdout = self._process.stdout
        assert stdout is not None
        deadline = time.monotonic() + timeout
        with selectors.DefaultSelector() as selector:
            selector.register(stdout, selectors.EVENT_READ)
            while b"\n" not in self._buffer:
                left = deadline - time.monotonic()
                if left <= 0 or not selector.select(left):
                    raise BenchmarkError(f"{self.name} said nothing for {timeout:.0f} s.")
                chunk = os.read(stdout.fileno(), 65536)
                if not chunk:
                    raise BenchmarkError(f"{self.name} has ended (status {self._status()}).")
                self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def ask(self, line: str, timeout: float = 20.0) -> dict[str, Any]:
        """Sends one line and waits for the answer; parameters as `tell` and `read` have them."""
        self.tell(line)
        return self.read(timeout)

    def close(self) -> None:
        """Closes the child's stdin and waits for it to leave; kills it if it doesn't."""
        process = self._process
        if process.stdin is not None and not process.stdin.closed:
            try:
                process.stdin.close()
            except BrokenPipeError:
                pass
        end(process)
        if process.stdout is not None:
            process.stdout.close()

    def _status(self) -> str:
        try:
            return str(self._process.wait(LEAVE_SECONDS))
        except subprocess.TimeoutExpired:
            return "unknown"


def end(process: "subprocess.Popen[bytes]", patience: float = LEAVE_SECONDS) -> None:
    """Waits for a process that was asked to leave, then kills it.

    Args:
        process: one that this runner started.
        patience: seconds.
    """
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
