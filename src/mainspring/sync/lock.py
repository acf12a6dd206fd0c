"""`Lock`: asyncio's `Lock`, which knows its owner and lends it the priority of those that wait.

Whoever releases the lock hands it to the most urgent of those that wait, and among equals to the
one that has waited longest. From then on that task is the owner, though it has yet to run and
`locked()` says False until it does, as asyncio's lock does: nobody takes the lock in between, and
those that still wait lend the new owner their priorities at once, so that it runs soon.

The owner is held weakly. Under a loop that knows no priorities this is a plain fair lock.
"""

import asyncio
import weakref
from types import TracebackType
from typing import Any, Literal

from mainspring.loop.inheritance import Loan
from mainspring.loop.task_scheduler import LockParty, TaskScheduler
from mainspring.sync.bound import Bound

__all__ = ["Lock"]


class Lock(Bound):
    """A lock for tasks of one loop: at most one has it.

    It isn't tied to its owner: any task may release it. Use it with `async with lock:`.
    """

    def __init__(self) -> None:
        # In order of arrival: the future of each that waits, the task, and what that lends.
        self._waiters: dict[asyncio.Future[Literal[True]], tuple[Any, Loan | None]] = {}
        self._locked = False
        self._owner: weakref.ref[asyncio.Task[Any]] | None = None
        # The future of the owner that has been woken and has yet to run.
        self._chosen: asyncio.Future[Literal[True]] | None = None
        self._party: LockParty | None = None

    def __repr__(self) -> str:
        return self._show("locked" if self._locked else "unlocked")

    async def __aenter__(self) -> None:
        await self.acquire()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()

    def locked(self) -> bool:
        """Returns True while a task has the lock."""
        return self._locked

    async def acquire(self) -> Literal[True]:
        """Waits until the lock is free, and takes it.

        Returns:
            True.

        Raises:
            RuntimeError: the lock belongs to another loop.
        """
        if not self._locked and self._chosen is None:
            self._locked = True
            self._set_owner(_current_task())
            return True
        loop = self._get_loop()
        task = _current_task()
        waiter: asyncio.Future[Literal[True]] = loop.create_future()
        loan = self._lend(loop, task)
        self._waiters[waiter] = task, loan
        try:
            await waiter
        except BaseException:
            if self._chosen is waiter:
                # Handed over to one that doesn't want it any more.
                self._hand_over(without=waiter)
            raise
        finally:
            del self._waiters[waiter]
            if loan is not None:
                loan.end()
        self._chosen = None
        self._locked = True
        return True

    def release(self) -> None:
        """Gives the lock to the most urgent task that waits for it, or frees it.

        Raises:
            RuntimeError: nobody has the lock.
        """
        if not self._locked:
            raise RuntimeError("Lock is not acquired.")
        self._locked = False
        self._hand_over()

    def _hand_over(self, without: asyncio.Future[Literal[True]] | None = None) -> None:
        party = self._party
        self._chosen = None
        first = None
        for waiter, (task, loan) in self._waiters.items():
            if waiter.done() or waiter is without:
                continue
            if first is None or (loan is not None and party is not None and party.is_first(loan)):
                first = waiter, task
                if loan is None or party is None or party.is_first(loan):
                    break
        if first is None:
            self._set_owner(None)
            return
        self._chosen, owner = first
        self._chosen.set_result(True)
        self._set_owner(owner)

    def _set_owner(self, task: asyncio.Task[Any] | None) -> None:
        self._owner = None if task is None else weakref.ref(task)
        if self._party is not None and self._waiters:
            self._party.give(task)

    def _lend(self, loop: asyncio.AbstractEventLoop, task: asyncio.Task[Any] | None) -> Loan | None:
        """Has a task that is about to wait lend the owner its priority."""
        if task is None or not isinstance(loop, TaskScheduler):
            return None
        if self._party is None:
            self._party = LockParty(loop)
        if not self._waiters:
            self._party.give(None if self._owner is None else self._owner())
        return self._party.wait(task)


def _current_task() -> asyncio.Task[Any] | None:
    # None, not an error, for who drives a coroutine without a loop.
    loop = asyncio._get_running_loop()
    return None if loop is None else asyncio.current_task(loop)
