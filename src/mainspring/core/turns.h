/* Turns: what a loop that never sleeps owes the threads that wait for the GIL.
 *
 * It gives the GIL away before a switch interval is over, so that nobody has to force it out in the
 * middle of a callback: to a worker for a millisecond, to the idle thread, when its park has expired,
 * for a fifth of that. Nobody can see whether a thread waits for the GIL; so it is offered, and where
 * nobody takes it offers become rarer, until somebody else has had it again. */
#ifndef MAINSPRING_TURNS_H
#define MAINSPRING_TURNS_H

#include "gate.h"

#define GATE_TURN_NS 4000000LL      /* less than a switch interval */
#define GATE_TURN_MAX_NS 64000000LL /* between offers that nobody takes */
#define GATE_OFFER_NS 60000LL       /* how long it takes a waiter to wake up */
#define GATE_SLICE_NS 1000000LL
#define GATE_IDLE_SLICE_NS 200000LL

/* Whether a loop that doesn't sleep owes the other threads a turn. */
static inline int gate_turn_is_due(Gate *gate, long long now)
{
    if (gate->had_turn) {
        gate->had_turn = 0;
        gate->turn_span = GATE_TURN_NS;
        gate->turn_at = now + gate->turn_span;
    }
    return now >= gate->turn_at || gate_load(&gate->is_knocking);
}

/* Gives the GIL to whoever waits for it, for a slice. Where nobody does, offers become rarer, until
 * somebody has had it again. */
static void gate_give(Gate *gate, long long now)
{
    PyThreadState *state;
    long long began, slice;
    int is_taken = 0, is_owed = gate_load(&gate->is_knocking);
    gate->offers += 1;
    if (gate->gil == NULL) {
        state = PyEval_SaveThread();
        sched_yield();
        PyEval_RestoreThread(state);
        gate->turn_at = now + GATE_TURN_NS;
        return;
    }
    state = PyEval_SaveThread();
    if (is_owed)
        gate_open(gate, OPEN_ASLEEP);
    began = monotonic_ns();
    for (;;) {
        if (!gil_is_locked(gate->gil)) {
            /* Nobody has it: either nobody wants it, or whoever does is on the way. */
            if (is_taken || monotonic_ns() - began > (is_owed ? GATE_SLICE_NS : GATE_OFFER_NS))
                break;
            if (is_owed)
                gate_nap(GATE_REPEAT_NS); /* a nice thread doesn't come by while this one yields */
            else
                sched_yield();
            continue;
        }
        if (!is_taken)
            began = monotonic_ns();
        is_taken = 1;
        slice = GATE_SLICE_NS;
        if (gate_is_thread(&gate->idle, gil_holder(gate->gil)) && !gate_is_lifted(gate))
            slice = GATE_IDLE_SLICE_NS;
        if (monotonic_ns() - began >= slice)
            break;
        gate_nap(GATE_REPEAT_NS);
    }
    gate_take(gate, state);
    gate->turns += is_taken;
    if (!is_taken && gate->turn_span < GATE_TURN_MAX_NS)
        gate->turn_span *= 2;
    gate->turn_at = now + gate->turn_span;
}

/* Releases the GIL for another library's callbacks, which take it themselves when they are Python's;
 * `gate_step_in` is its other half. The gate stays closed: what they do is the loop's work. */
static PyThreadState *gate_step_out(Gate *gate)
{
    if (gate == NULL || gate->gil == NULL)
        return PyEval_SaveThread();
    gate->has_company = other_threads_live(gate->interp);
    if (gate->has_company) {
        gate->out_at = monotonic_ns();
        gate->out_switches = gil_switches(gate->gil);
        /* Nobody sees whether a callback waits for the GIL; the helper, if it is awake, asks for it. */
        gate_store(&gate->is_wanted, 1);
    }
    return PyEval_SaveThread();
}

static void gate_step_in(Gate *gate, PyThreadState *state)
{
    int is_late;
    if (gate == NULL || gate->gil == NULL || !gate->has_company) {
        gate_retake(gate, state);
        return;
    }
    is_late = gil_switches(gate->gil) != gate->out_switches &&
              monotonic_ns() - gate->out_at > GATE_LATE_NS;
    gate_retake(gate, state);
    /* Somebody else had the GIL for long, perhaps while a callback waited: the next ones have help. */
    if (is_late) {
        gate_start_helper(gate);
        gate_ask_helper(gate, monotonic_ns());
    }
}

#endif
