"""`Program`: a Python program that a test starts, reads line by line, and ends."""

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60


class Program:
    """A running Python program, with its output and errors as one stream of lines.

    Args:
        arguments: what follows `python`.
        folder: where it runs.
    """

    def __init__(self, *arguments: str, folder: Path) -> None:
        path = os.pathsep.join([str(folder), str(ROOT / "src"), str(ROOT)])
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"},
            # Of its own, so that `kill` reaches what the program has started, too.
            start_new_session=True,
        )

    def until(self, pattern: str) -> re.Match[str]:
        """Reads on until a line matches; returns the match.

        Raises:
            AssertionError: it has ended before, or says nothing more; the message is what it said.
        """
        assert self.process.stdout is not None
        patience = threading.Timer(PATIENCE, self._kill_all)
        patience.start()
        try:
            for line in self.process.stdout:
                self.lines.append(line)
                if found := re.search(pattern, line):
                    return found
        finally:
            patience.cancel()
            patience.join()
        raise AssertionError(f"it ended without {pattern!r}:\n{''.join(self.lines)}")

    def found(self, pattern: str) -> re.Match[str]:
        """Returns the match of a line that has been read already."""
        return next(found for line in self.lines if (found := re.search(pattern, line)))

    def interrupt(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Sends a signal to the program alone."""
        self.process.send_signal(number)

    def wait(self) -> int:
        """Reads to the end and returns the exit status."""
        assert self.process.stdout is not None
        self.lines += self.process.stdout
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        """Ends it, and what it started, whatever state they are in."""
        self._kill_all()
        self.process.communicate()

    def _kill_all(self) -> None:
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
