"""`watcher`: gevent's interface of what can be waited for, and the kinds that need nothing else.

Invariants: a watcher has a callback exactly from `start` to `stop`, or to the call after which it
is found ended by itself; while it is started and has `ref`, it counts in the loop's `active`.
Arguments that begin with EVENTS get the mask of what has happened in its place.
"""

import cython
from cython.cimports.cpython.ref import Py_DECREF, PyObject
from cython.cimports.mainspring.compat.gevent.events import Event, Target, delay_for, level_for
from cython.cimports.mainspring.compat.gevent.watcher_loop import WatcherLoop
from cython.cimports.mainspring.core.capi import (
    PyCallable_Check,
    PyObject_Vectorcall,
    tuple_items,
    tuple_size,
)
from cython.cimports.mainspring.core.level import IDLE_LEVEL


class _Events:
    """Stands, as the first argument of a callback, for what has happened."""

    def __repr__(self):
        return "gevent.core.EVENTS"


EVENTS = _Events()
# For the comparison at each call.
MARK = cython.declare(object, EVENTS)


class watcher(Target):  # gevent's name
    """Something that a loop waits for.

    Parameters:
        loop: the loop.
        ref: False if the loop may end although the watcher is started.
        priority: from -2 to 2, higher is more urgent; None for 0.
    """

    def __init__(self, loop: WatcherLoop, ref=True, priority=None):
        loop.check_alive()
        self.loop = loop
        self.is_referenced = bool(ref)
        self.number = number_of(priority)

    def start(self, callback, *args):
        """Has `callback(*args)` called whenever what is waited for happens, until `stop()`."""
        self.begin(callback, args)

    def stop(self):
        """Waits no more; does nothing when it isn't started."""
        self.end()

    def close(self):
        """Does what `stop` does, and gives back what the system had to provide."""
        self.end()
        self.give_back()

    def __enter__(self):
        return self

    def __exit__(self, exc_type, exc, traceback):
        self.close()

    def begin(self, callback, args: tuple):
        """Takes the callback, and starts what isn't started."""
        if callback is None or not PyCallable_Check(callback):
            raise TypeError(f"a callable object was expected by start(), got {callback!r}")
        self.loop.check_alive()
        self._callback = callback
        self._args = args
        if not self.is_active:
            self.arm()
            self.activate()
        return 0

    def end(self):
        self._callback = None
        self._args = None
        if self.is_active:
            self.deactivate()
        if self.loop.scheduler is not None:
            self.disarm()
        return 0

    def activate(self):
        self.is_active = True
        if self.is_referenced:
            self.loop.active += 1
        return 0

    def deactivate(self):
        self.is_active = False
        if self.is_referenced:
            self.loop.active -= 1
        return 0

    def arm(self):
        """Begins to wait; raises if that can't be done."""
        return 0

    def disarm(self):
        """Waits no more, and takes its event out of the run queue; harmless when it didn't wait."""
        return 0

    def give_back(self):
        """Gives back what was kept for the next start."""
        return 0

    def is_pending(self):
        """Returns True while its event is queued."""
        return False

    def fire(self, ready: cython.int):
        callback = self._callback
        args = self._args
        if callback is None:
            return 0
        if args is None:
            args = ()
        elif tuple_size(args) > 0 and args[0] is MARK:
            args = (ready, *args[1:])
        result: cython.pointer(PyObject) = PyObject_Vectorcall(
            callback, tuple_items(args, 0), tuple_size(args), cython.NULL
        )
        if result == cython.NULL:
            self.fail()
        else:
            Py_DECREF(cython.cast(object, result))
        if not self.is_active:
            self._callback = None
            self._args = None
        return 0

    def fail(self):
        """Reports the exception that is set."""
        self.loop.fail_for(self)
        return 0

    @property
    def active(self):
        """True from `start` to `stop`, or to the end of what happens only once."""
        return self.is_active

    @property
    def pending(self):
        """True while the callback is about to be called."""
        return self.is_pending()

    @property
    def ref(self):
        """False if the loop may end although the watcher is started."""
        return self.is_referenced

    @ref.setter
    def ref(self, value):
        if bool(value) == self.is_referenced:
            return
        if self.is_active:
            self.loop.active += 1 if value else -1
        self.is_referenced = bool(value)

    @property
    def priority(self):
        """From -2 to 2; higher is more urgent. It can't be changed while the watcher is started."""
        return self.number

    @priority.setter
    def priority(self, value):
        self.check_inactive("priority")
        self.number = number_of(value)

    @property
    def callback(self):
        """What is called; None while the watcher is stopped."""
        return self._callback

    @callback.setter
    def callback(self, value):
        if value is not None and not PyCallable_Check(value):
            raise TypeError(f"a callable object or None was expected, got {value!r}")
        self._callback = value

    @property
    def args(self):
        """The arguments of the callback: a tuple, or None."""
        return self._args

    @args.setter
    def args(self, value):
        if value is not None and not isinstance(value, tuple):
            raise TypeError(f"args must be a tuple or None, not {value!r}")
        self._args = value

    def check_inactive(self, name: str):
        if self.is_active:
            raise AttributeError(f"{name} of an active watcher can't be set; stop it first")
        return 0

    def _format(self):
        return ""

    def __repr__(self):
        text = f"<{type(self).__name__} at {id(self):#x}{self._format()}"
        if self.is_active:
            text += " active"
        if self.is_pending():
            text += " pending"
        if self._callback is not None:
            text += f" callback={self._callback!r}"
        if self._args is not None:
            text += f" args={self._args!r}"
        return text + ">"


class EventWatcher(watcher):
    """A watcher with an event that is queued by whoever knows; `_started` and `_stopped` tell."""

    def arm(self):
        event: Event = self.event
        if event is None:
            event = Event.__new__(Event)
            event.loop = self.loop.scheduler
            self.event = event
        event.target = self
        event.priority = self.number
        event.base_level = level_for(self.number)
        event.delay = event.left = delay_for(self.number)
        self.loop.kept.add(event)
        try:
            self._started()
        except BaseException:
            self.loop.kept.discard(event)
            event.target = None
            raise
        return 0

    def disarm(self):
        event: Event = self.event
        if event is not None and event.target is not None:
            event.unlink()
            event.target = None
            self.loop.kept.discard(event)
            self._stopped()
        return 0

    def is_pending(self):
        return self.event is not None and self.event.prev != cython.NULL

    def _started(self):
        """Begins to wait."""

    def _stopped(self):
        """Waits no more."""

    def _happened(self):
        """Has the event queued after the next poll, as libev has; from any thread with the GIL."""
        event: Event = self.event
        if event is not None and event.target is not None and event.prev == cython.NULL:
            self.loop.scheduler.inbox.post(event, event.base_level)


class async_(EventWatcher):  # gevent's name
    """Happens when any thread says so."""

    def send(self):
        """Has the callback called; from any thread. Nothing happens while it isn't started."""
        self._happened()

    def send_ignoring_arg(self, ignored):
        """Does what `send` does, where a function with one argument is called for."""
        self._happened()


class prepare(EventWatcher):  # gevent's name
    """Happens before each poll."""

    def _started(self):
        self.loop.prepares.append(self.event)

    def _stopped(self):
        self.loop.prepares.remove(self.event)


class check(EventWatcher):  # gevent's name
    """Happens after each poll."""

    def _started(self):
        self.loop.checks.append(self.event)

    def _stopped(self):
        self.loop.checks.remove(self.event)


class fork(EventWatcher):  # gevent's name
    """Happens in the child after a fork."""

    def _started(self):
        self.loop.forks.append(self.event)

    def _stopped(self):
        self.loop.forks.remove(self.event)


class idle(EventWatcher):  # gevent's name
    """Happens, again and again, while nothing else is ready."""

    def _started(self):
        self.loop.idle_turn.idles.append(self.event)
        self.loop.queue_event(self.loop.idle_turn, IDLE_LEVEL)

    def _stopped(self):
        idles: list = self.loop.idle_turn.idles
        idles.remove(self.event)
        if not idles:
            self.loop.idle_turn.unlink()


def number_of(priority):
    """Returns a priority within libev's bounds; 0 for None."""
    if priority is None:
        return 0
    return max(-2, min(2, int(priority)))
