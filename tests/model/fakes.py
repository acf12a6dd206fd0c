"""A clock and a selector under the test's control.

With both, `ModelLoop.step()` is a pure function of what the test set up: time moves only when
the test (or a callback of it) says so, and a file descriptor is ready exactly when named.
"""

import selectors
from collections.abc import Iterator, Mapping
from typing import Any


class FakeClock:
    """Seconds that stand still until someone moves them."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Moves the clock forward."""
        self.now += seconds


class FakeSelector(selectors.BaseSelector):
    """A selector that reports what `ready` was told, and records each timeout it was given."""

    def __init__(self) -> None:
        self._keys: dict[int, selectors.SelectorKey] = {}
        self._ready: list[tuple[int, int]] = []
        self.timeouts: list[float | None] = []

    def ready(self, fd: int, events: int = selectors.EVENT_READ) -> None:
        """Makes the next poll report `fd`."""
        self._ready.append((fd, events))

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = selectors.SelectorKey(fileobj, int(fileobj), events, data)
        self._keys[key.fd] = key
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._keys.pop(int(fileobj))

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.timeouts.append(timeout)
        ready, self._ready = self._ready, []
        return [(self._keys[fd], events) for fd, events in ready if fd in self._keys]

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._keys

    def __iter__(self) -> Iterator[int]:
        return iter(self._keys)
