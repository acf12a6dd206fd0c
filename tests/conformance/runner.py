"""Runs each test in a process of its own, a few at a time, each with a time limit.

The processes are forked from this one, which has imported the tests but never made a loop,
a thread or a socket; so a fork is a fresh interpreter without the half second that importing
costs. The invariant: whatever a test does (hang, crash, leave children behind) is over, and is
known by one outcome, before its slot is used again.
"""

import contextlib
import faulthandler
import gc
import json
import mmap
import os
import selectors
import shutil
import signal
import tempfile
import time
import traceback
import unittest
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .suites import Factory, install


@dataclass
class Outcome:
    """What became of one test: passed, skipped, failed, hung or crashed."""

    outcome: str
    seconds: float = 0.0
    detail: str = ""
    asked: bool = True  # for a loop; a test that never did says nothing about it


Judge = Callable[[unittest.TestCase, Factory], Outcome]


@dataclass
class Running:
    """A test under way."""

    identity: str
    pid: int
    folder: Path
    asked: mmap.mmap
    began: float
    limit: float
    heard: bytearray = field(default_factory=bytearray)


class Runner:
    """Runs tests in forked processes.

    Args:
        factory: makes the loop under test.
        jobs: how many processes at a time.
        limit: seconds after which a test has hung.
        judge: runs one test, in its process, and says how it ended; by default with asyncio's loops
            replaced by the factory's.
        limits: other limits than that, by the ids of tests.
    """

    def __init__(
        self,
        factory: Factory,
        jobs: int,
        limit: float,
        judge: Judge | None = None,
        limits: Mapping[str, float] | None = None,
    ) -> None:
        self._judge = judge or judge_on_loop
        self._factory = factory
        self._jobs = jobs
        self._limit = limit
        self._limits = limits or {}
        self._running: dict[int, Running] = {}
        self._selector = selectors.DefaultSelector()

    def run(self, tests: dict[str, unittest.TestCase]) -> Iterator[tuple[str, Outcome]]:
        """Yields each test's id and outcome, in the order in which they end."""
        gc.collect()
        gc.freeze()
        waiting = list(reversed(tests.items()))
        try:
            while waiting or self._running:
                while waiting and len(self._running) < self._jobs:
                    self._start(*waiting.pop())
                yield from self._wait()
        finally:
            for pipe in list(self._running):
                self._end(pipe)

    def _start(self, identity: str, test: unittest.TestCase) -> None:
        # every child works in a folder of its own: upstream's scratch file names were chosen
        # when the modules were imported, so all the children share them
        folder = Path(tempfile.mkdtemp(prefix="conformance-"))
        # shared with the child, and with the children that it forks
        asked = mmap.mmap(-1, 1)
        ours, theirs = os.pipe()
        pid = os.fork()
        if pid == 0:
            for pipe in (ours, *self._running):
                os.close(pipe)
            self._selector.close()
            run_in_child(self._judge, test, noting(self._factory, asked), folder, theirs)
        os.close(theirs)
        with contextlib.suppress(OSError):  # the child does the same; whoever is first
            os.setpgid(pid, pid)
        limit = self._limits.get(identity, self._limit)
        self._running[ours] = Running(identity, pid, folder, asked, time.monotonic(), limit)
        self._selector.register(ours, selectors.EVENT_READ)

    def _wait(self) -> Iterator[tuple[str, Outcome]]:
        deadline = min(test.began + test.limit for test in self._running.values())
        for key, _ in self._selector.select(max(deadline - time.monotonic(), 0)):
            test = self._running[key.fd]
            data = os.read(key.fd, 65536)
            test.heard += data
            if not data or test.heard.endswith(b"\n"):
                yield test.identity, self._end(key.fd)
        now = time.monotonic()
        for pipe, test in list(self._running.items()):
            if now - test.began >= test.limit:
                os.kill(test.pid, signal.SIGABRT)  # faulthandler writes where it hangs
                yield test.identity, self._end(pipe, hung=True)

    def _end(self, pipe: int, hung: bool = False) -> Outcome:
        """Reaps one process and everything it started."""
        test = self._running.pop(pipe)
        self._selector.unregister(pipe)
        os.close(pipe)
        # One that has hung may not even end when it is told to abort.
        _, status = os.waitpid(test.pid, 0) if test.heard else reap(test.pid)
        with contextlib.suppress(OSError):
            os.killpg(test.pid, signal.SIGKILL)
        output = (test.folder / "output").read_text(errors="replace")[-6000:]
        shutil.rmtree(test.folder, ignore_errors=True)
        seconds, asked = round(time.monotonic() - test.began, 3), test.asked[0] == 1
        test.asked.close()
        if hung:
            return Outcome("hung", seconds, output, asked)
        try:
            return Outcome(seconds=seconds, asked=asked, **json.loads(test.heard))
        except ValueError:
            return Outcome("crashed", seconds, f"wait status {status}\n{output}", asked)


def noting(factory: Factory, asked: mmap.mmap) -> Factory:
    """Returns a factory that leaves a note when it is asked for a loop."""

    def make(*arguments: Any, **options: Any) -> Any:
        asked[0] = 1
        return factory(*arguments, **options)

    return make


def reap(pid: int) -> tuple[int, int]:
    """Waits for a process that closed its pipe without a word; it is ending, or is made to."""
    for _ in range(200):
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return found, status
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    return os.waitpid(pid, 0)


def run_in_child(
    judge: Judge, test: unittest.TestCase, factory: Factory, folder: Path, pipe: int
) -> None:
    """Runs one test in this fresh process, reports through `pipe`, and never returns."""
    try:
        os.setpgid(0, 0)
        os.chdir(folder)
        output = os.open(folder / "output", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        null = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((null, 0), (output, 1), (output, 2)):
            os.dup2(source, target)
        os.close(output)
        os.close(null)
        faulthandler.enable(2)
        # a shell starts background jobs with it ignored
        signal.signal(signal.SIGINT, signal.default_int_handler)
        warnings.simplefilter("default")
        found = judge(test, factory)
    except BaseException:
        found = Outcome("failed", detail=traceback.format_exc())
    reply = asdict(found)
    del reply["seconds"], reply["asked"]
    os.write(pipe, json.dumps(reply).encode() + b"\n")
    os._exit(0)


def judge_on_loop(test: unittest.TestCase, factory: Factory) -> Outcome:
    """Runs one test with its class's fixtures, on loops of a factory, and says how it ended."""
    install(factory, test)
    result = unittest.TestResult()
    unittest.TestSuite([test]).run(result)
    return outcome_of(result)


def outcome_of(result: unittest.TestResult) -> Outcome:
    """Says how the one test of a result ended."""
    problems = [text for _, text in result.errors + result.failures]
    problems += ["passed, though the test expects a failure"] * len(result.unexpectedSuccesses)
    if problems:
        return Outcome("failed", detail="\n".join(problems)[-6000:])
    if result.skipped:
        return Outcome("skipped", detail=result.skipped[0][1])
    return Outcome("passed")
