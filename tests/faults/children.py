"""The programs of this folder that tests start, as children that obey and say things."""

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any

from tests.interop.debian import ROOT

PATIENCE = 120


class Child:
    """A process that obeys lines of JSON and says lines of JSON.

    Args:
        process: the process.
    """

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.pid = process.pid
        self.events: list[str] = []

    async def order(self, **words: Any) -> None:
        """Gives an order."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(words) + "\n")
        self.process.stdin.flush()

    async def hear(self, word: str) -> Any:
        """Waits for a line that has a word in it, and returns that line."""
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            while line := await asyncio.to_thread(self.process.stdout.readline):
                said = json.loads(line)
                if "event" in said:
                    self.events.append(said["event"])
                if word in (said.get("said"), said.get("event")) or word in said:
                    return said
        raise AssertionError(f"{self.process.args!r} ended before it said {word!r}")


@contextlib.asynccontextmanager
async def caller(
    url: str, topic: str, before: Callable[[], object] | None = None
) -> AsyncIterator[Child]:
    """Starts `tests.faults.caller`; it has ended when the block has.

    Args:
        url: where to.
        topic: what it calls.
        before: called in the child before the program begins.
    """
    command = [sys.executable, "-m", "tests.faults.caller", url, topic]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=before,
    ) as process:
        try:
            child = Child(process)
            await child.hear("ready")
            yield child
        finally:
            process.kill()
