"""A clock, a poller and a loop on both, under the test's control.

Time moves only when the test (or a callback of it) says so, and an fd is ready exactly when the
test named it, so what a single step runs is a pure function of what was set up.
"""

from collections.abc import Callable
from typing import Any, Self

import mainspring
from mainspring import Priority
from mainspring.core.clock import Clock
from mainspring.core.poller import Poller

URGENT, HIGH, DEFAULT, LOW, IDLE = Priority

READ, WRITE = 1, 2


class FakeClock(Clock):
    """Nanoseconds that stand still until someone moves them."""

    def __init__(self, seconds: int = 1000) -> None:
        self.nanoseconds = seconds * 10**9
        self.reads = 0

    def now(self) -> int:
        self.reads += 1
        return self.nanoseconds

    def advance(self, seconds: float) -> None:
        """Moves the clock forward."""
        self.nanoseconds += round(seconds * 1e9)


class FakePoller(Poller):
    """Reports what `ready` was told; records every wait, and what is registered."""

    def __init__(self) -> None:
        self.registered: dict[int, tuple[int, int]] = {}
        self.waits: list[tuple[int, bool]] = []
        self.resets = 0
        self.during_wait: Callable[[], object] | None = None
        self.refuse: Callable[..., object] | None = None
        self._ready: list[tuple[int, int]] = []

    @property
    def timeouts(self) -> list[int]:
        """The timeout of each wait so far."""
        return [timeout for timeout, _ in self.waits]

    def ready(self, fd: int, mask: int = READ) -> None:
        """Makes the next wait report `fd`."""
        self._ready.append((fd, mask))

    def set(self, fd: int, mask: int, registered: int, generation: int) -> int:
        if self.refuse is not None:
            self.refuse(fd, mask)
        if mask:
            self.registered[fd] = mask, generation
        else:
            self.registered.pop(fd, None)
        return 0

    def wait(self, timeout: int, release_gil: bool) -> int:
        self.begin()
        self.waits.append((timeout, bool(release_gil)))
        if self.during_wait is not None:
            self.during_wait()
        reported = 0
        for fd, mask in self._ready:
            if fd in self.registered:
                wanted, generation = self.registered[fd]
                reported = self.report(fd, mask & wanted, generation)
        self._ready.clear()
        return reported

    def reset(self) -> int:
        self.registered.clear()
        self.resets += 1
        return 0

    def close(self) -> int:
        return 0


class Bench:
    """A loop on fakes, and the record of what ran."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.poller = FakePoller()
        self.loop = mainspring.Loop(poller=self.poller, clock=self.clock)
        self.ran: list[Any] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.loop.close()

    def note(self, name: Any, took: float = 0.0) -> None:
        """A callback that records that it ran, and how long it took."""
        self.ran.append(name)
        self.clock.advance(took)

    def step(self, *, may_sleep: bool = False) -> list[Any]:
        """Runs one iteration and returns what ran in it."""
        before = len(self.ran)
        self.loop.step(may_sleep=may_sleep)
        return self.ran[before:]

    def steps(self, count: int) -> list[list[Any]]:
        """Runs several iterations and returns what ran in each."""
        return [self.step() for _ in range(count)]
