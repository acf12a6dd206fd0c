"""`Bound`: what the primitives share. Each belongs to the loop in which somebody first waited."""

import asyncio
from typing import Any

__all__ = ["Bound"]


class Bound:
    """A primitive of one loop."""

    _loop: asyncio.AbstractEventLoop | None = None
    _waiters: dict[asyncio.Future[Any], Any]

    def _get_loop(self) -> asyncio.AbstractEventLoop:
        """Returns the running loop, which is the primitive's own from the first call on.

        Raises:
            RuntimeError: it belongs to another loop.
        """
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
        if loop is not self._loop:
            raise RuntimeError(f"{self!r} is bound to a different event loop")
        return loop

    def _show(self, state: str) -> str:
        """Returns what `repr` says."""
        waiting = f", waiters:{len(self._waiters)}" if self._waiters else ""
        return f"<{object.__repr__(self)[1:-1]} [{state}{waiting}]>"
