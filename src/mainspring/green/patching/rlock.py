"""`SharedRLock`: an `RLock` that excludes green threads from one another as well as OS threads.

To the interpreter's own, all green threads of an OS thread are one owner. Here they take turns
before they take that one. Code that can't wait, a callback of the loop or a step of a coroutine,
passes a green thread of its own OS thread as it always did: refused or blocked it would be lost,
and what it logs would be, too. Logging uses it, and locks that were made before patching become it.
"""

import asyncio
import collections
from types import TracebackType

from mainspring.green.call import current
from mainspring.green.patching.natives import NativeRLock, native_local
from mainspring.green.waiting import await_

__all__ = ["SharedRLock"]


class _Turns(native_local):
    """The green threads of one OS thread that hold a lock, or wait for it."""

    def __init__(self) -> None:
        self.owner: object = None
        self.depth = 0
        self.waiting: collections.deque[tuple[object, asyncio.Future[None]]]
        self.waiting = collections.deque()


class SharedRLock:
    """A re-entrant lock with the methods of `threading.RLock`."""

    __slots__ = ("_threads", "_turns")

    def __init__(self) -> None:
        self._threads = NativeRLock()
        self._turns = _Turns()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Takes the lock, once more if it is held here; see `threading.RLock.acquire`."""
        if current() is None:
            return self._threads.acquire(blocking, timeout)
        me = asyncio.current_task()
        turns = self._turns
        if turns.owner is not me:
            has_turn = turns.owner is None or (blocking and self._wait(turns, me, timeout))
            if not has_turn:
                return False
            turns.owner = me
        if not self._threads.acquire(blocking, timeout):
            if turns.depth == 0:
                self._pass_on(turns)
            return False
        turns.depth += 1
        return True

    def release(self) -> None:
        """Gives the lock back.

        Raises:
            RuntimeError: it isn't held here.
        """
        turns = self._turns
        is_green = current() is not None
        if is_green and turns.owner is not asyncio.current_task():
            raise RuntimeError("cannot release un-acquired lock")
        self._threads.release()
        if is_green:
            turns.depth -= 1
            if turns.depth == 0:
                self._pass_on(turns)

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()

    def _is_owned(self) -> bool:
        if current() is None:
            return self._threads._is_owned()  # type: ignore[attr-defined, no-any-return]
        return self._turns.owner is asyncio.current_task()

    def _at_fork_reinit(self) -> None:
        self._threads._at_fork_reinit()  # type: ignore[attr-defined]
        self._turns = _Turns()

    def _wait(self, turns: _Turns, me: object, timeout: float) -> bool:
        """Waits for a turn; False when the time is over first."""
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        waiter = me, turn
        turns.waiting.append(waiter)
        timer = None if timeout < 0 else loop.call_later(timeout, turn.cancel)
        try:
            await_(turn)
        except BaseException:
            if waiter in turns.waiting:
                turns.waiting.remove(waiter)
            elif turns.owner is me:
                # The turn came, and so did the end.
                self._pass_on(turns)
            if timer is not None and timer.when() <= loop.time() and turn.cancelled():
                return False
            raise
        finally:
            if timer is not None:
                timer.cancel()
        return True

    def _pass_on(self, turns: _Turns) -> None:
        turns.owner = None
        while turns.waiting:
            owner, turn = turns.waiting.popleft()
            if not turn.done():
                turns.owner = owner
                turn.set_result(None)
                return
