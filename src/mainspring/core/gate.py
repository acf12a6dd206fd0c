"""`Gate`: has the loop get the GIL when it wants it. What it does, and how, stands in gate.h.

One belongs to each loop. Its mode says how much it can do here: `gate`, all of it; `request`, where
the interpreter has no pending calls for any thread: the idle thread is asked for the GIL as any
other is, and doesn't park; `none`, where the GIL isn't known at all.
"""

import atexit
import os

import cython
from cython.cimports.mainspring.core.gate import PyThreadState
from cython.cimports.mainspring.core.gate_h import (
    GateState,
    gate_begin,
    gate_end,
    gate_enter,
    gate_forget_refusal,
    gate_free,
    gate_give,
    gate_leave,
    gate_lift,
    gate_new,
    gate_release,
    gate_repeats,
    gate_retake,
    gate_start_helper,
    gate_step_in,
    gate_step_out,
    gate_switch_off,
    gate_turn_is_due,
)


class Gate:
    """The way to the GIL of one loop, and of its idle thread.

    Parameters:
        mode: the most that it is to do: "gate", "request" or "none"; by default what the variable
            MAINSPRING_GATE of the environment says, else "gate".

    Raises:
        ValueError: `mode` is none of the three.
    """

    def __cinit__(self, mode=None):
        if mode is None:
            mode = os.environ.get("MAINSPRING_GATE", "gate")
        if mode not in ("gate", "request", "none"):
            raise ValueError(f'the gate\'s mode must be "gate", "request" or "none", not {mode!r}')
        self.state = gate_new()
        if self.state == cython.NULL:
            raise MemoryError
        if mode != "gate":
            _fields(self).can_park = False
        if mode == "none":
            _fields(self).gil = cython.NULL

    def __dealloc__(self):
        if self.state != cython.NULL:
            gate_free(self.state)

    def begin(self):
        """The loop begins to run, in the calling thread."""
        gate_begin(self.state)

    def end(self):
        """The loop doesn't run any more."""
        gate_end(self.state)

    def turn_is_due(self, now: cython.longlong):
        """Returns True when no other thread has had a turn for a while; asked while some live."""
        return gate_turn_is_due(self.state, now)

    def give(self, now: cython.longlong):
        """Gives the GIL to whoever waits for it, for a slice."""
        gate_give(self.state, now)

    def prepare(self):
        """The calling thread, not an idle one, has work for the loop's idle thread."""
        gate_start_helper(self.state)

    def enter(self):
        """The calling thread is the loop's idle thread from now on."""
        gate_enter(self.state)

    def leave(self):
        """The calling thread is no idle thread any more."""
        gate_leave(self.state)

    def lift(self, is_lifted: cython.bint):
        """Has the idle thread treated as any other, and no longer when `is_lifted` is False."""
        gate_lift(self.state, is_lifted)

    @property
    def mode(self):
        """What the gate does here: "gate", "request" or "none"."""
        if _fields(self).gil == cython.NULL:
            return "none"
        return "gate" if _fields(self).can_park else "request"

    @property
    def is_parked(self):
        """True while the idle thread stands aside."""
        return bool(_fields(self).is_parked)

    def counts(self):
        """Returns what happened so far, by name; nanoseconds where the name ends in `_ns`."""
        return {
            "requests": _fields(self).requests,
            "repeats": gate_repeats(self.state),
            "parks": _fields(self).parks,
            "expired_parks": _fields(self).expired,
            "offers": _fields(self).offers,
            "turns": _fields(self).turns,
            "waited_ns": _fields(self).waited,
            "parked_ns": _fields(self).parked,
            "longest_wait_ns": _fields(self).longest,
        }

    def restart_maximum(self):
        """Begins anew with the longest wait."""
        gate_forget_refusal(self.state)

    def set_limits(self, *, away_ns, park_ns):
        """Sets the bounds of a park; for tests.

        Parameters:
            away_ns: nanoseconds; the idle thread goes on when the loop is seen twice, that far
                apart, without the GIL.
            park_ns: nanoseconds after which it goes on in any case.
        """
        _fields(self).away_ns = away_ns
        _fields(self).park_ns = park_ns

    def longest_refusal(self):
        """Returns the code object in which another thread kept the GIL longest, or None."""
        if _fields(self).longest_code == cython.NULL:
            return None
        return cython.cast(object, _fields(self).longest_code)


def release(gate: cython.p_void) -> cython.pointer(PyThreadState):
    """Releases the GIL for a poll that may sleep."""
    return gate_release(gate)


def retake(gate: cython.p_void, state: cython.pointer(PyThreadState)) -> cython.void:
    """Takes the GIL that `release` released."""
    gate_retake(gate, state)


def step_out(gate: cython.p_void) -> cython.pointer(PyThreadState):
    """Releases the GIL for another library's callbacks, which take it when they are Python's."""
    return gate_step_out(gate)


def step_in(gate: cython.p_void, state: cython.pointer(PyThreadState)) -> cython.void:
    """Takes the GIL that `step_out` released."""
    gate_step_in(gate, state)


@cython.cfunc
@cython.inline
def _fields(gate: Gate) -> cython.pointer(GateState):
    return cython.cast(cython.pointer(GateState), gate.state)


# A thread that is asked for the GIL while the interpreter ends might wait for a taker for ever.
atexit.register(lambda: gate_switch_off())
