"""`Hub`: eventlet's hub on a Mainspring loop; eventlet programs run as they are, beside coroutines.

    EVENTLET_HUB=mainspring.compat.eventlet:Hub python program.py

The hub's greenlet runs the loop; green threads are switched to from the loop's callbacks. Eventlet
keeps its books (who listens to what, who is closed) and this class has them followed:

- while an fd has a listener in one direction, the loop watches it, once, for the first of them;
  eventlet has the next one take its place;
- a pending timer is a timer of the loop, so timers run in the order of their times, then of their
  arrival, and one that is added by a timer waits for the next iteration, as in eventlet's own hubs;
- what a callback raises is printed and the loop goes on; KeyboardInterrupt and SystemExit end the
  run and are raised in the hub's parent; the next switch to the hub goes on with what is pending.

It is an `eventlet.hubs.asyncio.Hub` to eventlet, which so lets coroutines and green threads wait
for one another: `eventlet.asyncio.spawn_for_awaitable`, `await green_thread`. `mainspring.await_`
serves in its green threads too, and so do the primitives of `mainspring.sync`.
"""

import asyncio
import os
import sys
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

import greenlet

try:
    import eventlet
except ModuleNotFoundError as error:
    if error.name != "eventlet":
        raise
    raise ModuleNotFoundError(
        "mainspring.compat.eventlet needs eventlet: pip install 'mainspring[eventlet]'",
        name="eventlet",
    ) from None
import eventlet.debug
import eventlet.hubs
from eventlet import patcher
from eventlet.hubs.asyncio import Hub as AsyncioHub
from eventlet.hubs.hub import READ, WRITE, BaseHub
from eventlet.hubs.timer import Timer

from mainspring.compat.originals import use_originals
from mainspring.green.foreign import add_greenlets
from mainspring.loop.loop import Loop

__all__ = ["Hub", "is_available", "wait_for_awaitable"]

_hubs: weakref.WeakSet["Hub"] = weakref.WeakSet()


def is_available() -> bool:
    """Returns True: the hub works wherever Mainspring does. Eventlet asks."""
    return True


class _HubLoop(Loop):
    """A loop that nobody is asked to close: eventlet's hubs have no end but their last reference's.

    When the interpreter ends, what is needed to close it may be gone; its fds close by themselves.
    """

    def __del__(self, _warn: object = None) -> None:
        if not sys.is_finalizing() and not self.is_running():
            self.close()


class Hub(AsyncioHub):
    """An eventlet hub that runs a Mainspring loop of its own; one for each OS thread.

    Attributes:
        loop: the `mainspring.Loop`. It is asyncio's running loop in coroutines, callbacks and green
            threads alike.
    """

    is_available = staticmethod(is_available)

    def __init__(self) -> None:
        # Not eventlet's asyncio hub, which has nothing to begin with.
        BaseHub.__init__(self)
        self.loop: Loop
        self.running: bool
        self._watches: dict[str, dict[int, asyncio.Handle]] = {READ: {}, WRITE: {}}
        self._timers: dict[Timer, asyncio.TimerHandle] = {}
        self._forking_task: asyncio.Task[Any] | None = None

    def _post_initialize(self) -> None:
        # Called by `get_hub` once it knows this hub: what follows may ask for it.
        patcher._unmonkey_patch_asyncio_all()
        use_originals(patcher.original)
        self.loop = _HubLoop()
        asyncio.set_event_loop(self.loop)
        self.clock = self.loop.time
        _hubs.add(self)

    # Running.

    def run(self, *args: Any, **kwargs: Any) -> None:
        """Runs the loop until `abort()` is called; the hub's greenlet is in here.

        Raises:
            RuntimeError: it runs already, or another loop runs in this thread.
        """
        if self.running:
            raise RuntimeError("Already running!")
        self.running = True
        try:
            self.loop.run_forever()
            self._forget_timers()
        finally:
            self.running = False
            self.stopping = False

    def abort(self, wait: bool = False) -> None:
        """Ends the run after the iteration that runs; what timers are pending then never fire.

        Parameters:
            wait: True to switch to the hub and wait for the end; for the main green thread only.
        """
        if self.running:
            self.loop.stop()
        BaseHub.abort(self, wait)

    # Timers.

    @property
    def timers(self) -> list[tuple[float, Timer]]:
        """The pending timers and when they are due, soonest first; for eventlet's debug module."""
        return sorted(
            ((handle.when(), timer) for timer, handle in self._timers.items()),
            key=lambda pair: pair[0],
        )

    @timers.setter
    def timers(self, nothing: list[Any]) -> None:
        # `BaseHub` begins with an empty list.
        pass

    def get_timers_count(self) -> int:
        """Returns how many timers are pending."""
        return len(self._timers)

    def schedule_call_global(
        self, seconds: float, cb: Callable[..., object], *args: Any, **kw: Any
    ) -> Timer:
        """Calls `cb` with the rest of the arguments after so many seconds.

        Returns:
            The timer, by which the call can be cancelled.
        """
        # Every sleep and every switch comes by here, so it does without `add_timer` and, when it is
        # time, without the timer's own frame: greenlet walks all frames of the hub at each switch.
        timer = Timer(seconds, cb, *args, **kw)
        self._timers[timer] = self.loop.call_later(seconds, self._fire_global, timer)
        return timer

    def add_timer(self, timer: Timer) -> float:
        """Has a timer fire when its time is up.

        Returns:
            When that is, by `loop.time()`.
        """
        handle = self.loop.call_later(timer.seconds, self._fire, timer)
        self._timers[timer] = handle
        return handle.when()

    def timer_canceled(self, timer: Timer) -> None:
        """Lets go of a timer that has just been cancelled."""
        handle = self._timers.pop(timer, None)
        if handle is not None:
            handle.cancel()

    def _fire(self, timer: Timer) -> None:
        self._timers.pop(timer, None)
        try:
            if self.debug_blocking:
                self._detect_blocking(timer)
            else:
                timer()
        except self.SYSTEM_EXCEPTIONS:
            raise
        except BaseException:
            self.squelch_timer_exception(timer, sys.exc_info())

    def _fire_global(self, timer: Timer) -> None:
        self._timers.pop(timer, None)
        if timer.called:
            return
        timer.called = True
        callback, args, kwargs = timer.tpl
        del timer.tpl
        try:
            if self.debug_blocking:
                self._detect_blocking(callback, *args, **kwargs)
            elif kwargs:
                callback(*args, **kwargs)
            else:
                callback(*args)
        except self.SYSTEM_EXCEPTIONS:
            raise
        except BaseException:
            self.squelch_timer_exception(timer, sys.exc_info())

    def _detect_blocking(self, call: Callable[..., object], *args: object, **kw: object) -> None:
        self.block_detect_pre()
        try:
            call(*args, **kw)
        finally:
            self.block_detect_post()

    def _forget_timers(self) -> None:
        for handle in self._timers.values():
            handle.cancel()
        self._timers.clear()

    # Fds.

    def add(
        self,
        evtype: str,
        fileno: int,
        cb: Callable[[int], object],
        tb: Callable[..., object],
        mark_as_closed: Callable[[], object] | None,
    ) -> Any:
        """Calls `cb` whenever an fd is ready, until the listener is removed.

        Parameters:
            evtype: `READ` or `WRITE`.
            fileno: the fd.
            cb: called with the fd; as a rule it switches to a green thread.
            tb: called with an exception when the fd turns out to have been closed.
            mark_as_closed: called then, to have the fd's object know.

        Returns:
            The listener.

        Raises:
            RuntimeError: it has a listener for that already, and eventlet is to prevent a second;
                or a transport of the loop owns the fd.
            OSError: the fd can't be watched: it isn't open, or (PermissionError) is a regular file.
            ValueError: no fd has that number.
        """
        listener = BaseHub.add(self, evtype, fileno, cb, tb, mark_as_closed)
        watches = self._watches[evtype]
        if fileno not in watches:
            try:
                watches[fileno] = self.loop._watch(
                    fileno, evtype is WRITE, self._ready, evtype, fileno
                )
            except BaseException:
                BaseHub.remove(self, listener)
                raise
        return listener

    def remove(self, listener: Any) -> None:
        """Ends a listener; the fd's next one for the same takes its place."""
        if listener.spent:
            return
        BaseHub.remove(self, listener)
        if listener.fileno not in self.listeners[listener.evtype]:
            self._unwatch(listener.evtype, listener.fileno)

    def remove_descriptor(self, fileno: int) -> None:
        """Calls the listeners of an fd a last time, and ends them."""
        BaseHub.remove_descriptor(self, fileno)
        self._unwatch(READ, fileno)
        self._unwatch(WRITE, fileno)

    def _unwatch(self, evtype: str, fileno: int) -> None:
        watch = self._watches[evtype].pop(fileno, None)
        if watch is not None:
            watch.cancel()

    def _obsolete(self, fileno: int) -> bool:
        # The number belongs to another file by now; who waited for the one before is told in the
        # next iteration.
        found: bool = BaseHub._obsolete(self, fileno)
        if found:
            self.loop.call_soon(self._close_all)
        return found

    def _close_all(self) -> None:
        while self.closed:
            try:
                self.close_one()
            except self.SYSTEM_EXCEPTIONS:
                raise
            except BaseException:
                self.squelch_generic_exception(sys.exc_info())

    def _ready(self, evtype: str, fileno: int) -> None:
        try:
            call = self.listeners[evtype][fileno].cb
            if self.debug_blocking:
                self._detect_blocking(call, fileno)
            else:
                call(fileno)
        except self.SYSTEM_EXCEPTIONS:
            raise
        except BaseException:
            self.squelch_exception(fileno, sys.exc_info())


def wait_for_awaitable[T](awaitable: Awaitable[T]) -> T:
    """Has the current green thread wait for a coroutine, a future or anything else awaitable.

    `mainspring.await_` does it where a green thread of eventlet's runs.

    Parameters:
        awaitable: what to wait for; a coroutine becomes a task of the hub's loop, in a copy of the
            green thread's context.

    Returns:
        Its result.

    Raises:
        BaseException: what it raises. What is thrown into the green thread meanwhile, such as an
            `eventlet.Timeout`, cancels it first.
    """
    hub = eventlet.hubs.get_hub()
    future = asyncio.ensure_future(awaitable, loop=hub.loop)
    switch = greenlet.getcurrent().switch
    is_waiting = True

    def go_on(_: object) -> None:
        # Who has been thrown out meanwhile waits for something else by now.
        if is_waiting:
            switch()

    if not future.done():
        future.add_done_callback(go_on)
    try:
        while not future.done():
            hub.switch()
    except BaseException:
        future.cancel()
        raise
    finally:
        is_waiting = False
    return future.result()


def _find_wait() -> Callable[[Any], Any] | None:
    hub = getattr(eventlet.hubs._threadlocal, "hub", None)
    if not isinstance(hub, Hub) or greenlet.getcurrent() is hub.greenlet:
        return None
    return wait_for_awaitable if asyncio._get_running_loop() in (None, hub.loop) else None


def _before_fork() -> None:
    loop = asyncio._get_running_loop()
    for hub in list(_hubs):
        hub._forking_task = asyncio.current_task() if hub.running and hub.loop is loop else None


def _go_on_in_child() -> None:
    for hub in list(_hubs):
        if hub.running:
            hub.loop._go_on_after_fork(hub._forking_task)


def _prevent_multiple_readers(state: bool = True) -> None:
    if isinstance(eventlet.hubs.get_hub(), Hub):
        eventlet.hubs.hub.g_prevent_multiple_readers = state
    else:
        _prevent_multiple_readers_of_eventlet(state)


# A forked child may go on with what its parent's green threads did: eventlet's users rely on it.
os.register_at_fork(before=_before_fork, after_in_child=_go_on_in_child)

add_greenlets(_find_wait)

# Eventlet refuses several readers to every asyncio hub, because asyncio's loops have one reader an
# fd. Here an fd has as many as it likes.
_prevent_multiple_readers_of_eventlet = eventlet.debug.hub_prevent_multiple_readers
eventlet.debug.hub_prevent_multiple_readers = _prevent_multiple_readers
