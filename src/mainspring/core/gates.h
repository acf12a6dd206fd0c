/* The life of gates: made with a loop, begun and ended with each of its runs, used again by another.
 *
 * None is ever freed: the interpreter may still have a pending call under way that leads to it. */
#ifndef MAINSPRING_GATES_H
#define MAINSPRING_GATES_H

#include "gate.h"

static Gate *all_gates, *spare_gates;

/* The loop begins to run in the calling thread. */
static void gate_begin(Gate *gate)
{
#ifdef __linux__
    cpu_set_t cores;
    gate->can_spin = sched_getaffinity(0, sizeof cores, &cores) == 0 && CPU_COUNT(&cores) > 1;
#else
    gate->can_spin = 1;
#endif
    gate_set_thread(&gate->loop, PyThreadState_Get());
    gate_close(gate);
}

/* The loop doesn't run any more: idle work may. */
static void gate_end(Gate *gate)
{
    gate_set_thread(&gate->loop, NULL);
    gate_open(gate, OPEN_ASLEEP);
}

/* In a forked child: the threads of the parent are not here. */
static void gate_after_fork(void)
{
    Gate *gate;
    for (gate = all_gates; gate != NULL; gate = gate->next) {
        gate->is_wanted = gate->is_parked = gate->is_knocking = 0;
        gate->has_helper = gate->is_call_queued = 0;
        gate->helper = HELPER_SLEEPS;
        gate->is_open &= ~OPEN_LIFTED;
        gate->idle = gate->refused = NULL;
    }
}

/* Returns a gate for a loop of the calling thread's interpreter, or NULL when memory is short. */
static Gate *gate_new(void)
{
    Gate *gate = spare_gates;
    if (gate != NULL)
        spare_gates = gate->next_spare;
    else {
        gate = PyMem_RawCalloc(1, sizeof *gate);
        if (gate == NULL)
            return NULL;
        if (all_gates == NULL)
            pthread_atfork(NULL, NULL, gate_after_fork);
        gate->next = all_gates;
        all_gates = gate;
    }
    gate->interp = PyInterpreterState_Get();
    gate->gil = gil_find(gate->interp);
    gate->can_park = gate->gil != NULL && _PyEval_AddPendingCall != NULL;
    gate->had_turn = 1;
    gate->away_ns = GATE_AWAY_NS;
    gate->park_ns = GATE_PARK_NS;
    gate_store(&gate->is_open, OPEN_ASLEEP);
    return gate;
}

/* Ends the helper and keeps the gate for another loop. No job runs that has entered it. */
static void gate_free(Gate *gate)
{
    Gate *next = gate->next;
    int is_call_queued;
    if (gate->has_helper) {
        gate_store(&gate->helper, HELPER_ENDS);
        gate_futex_wake(&gate->helper);
        pthread_join(gate->helper_thread, NULL);
    }
    gate_forget_refusal(gate);
    is_call_queued = gate->is_call_queued;
    memset(gate, 0, sizeof *gate);
    gate->next = next;
    gate->is_call_queued = is_call_queued;
    gate->next_spare = spare_gates;
    spare_gates = gate;
}

/* Ends all requests. Who calls this may have been asked just before, by a thread that the end of the
 * interpreter keeps from taking the GIL; so it is given away once while that thread still can. */
static void gate_switch_off(void)
{
    gate_store(&gates_are_off, 1);
    PyEval_RestoreThread(PyEval_SaveThread());
}

#endif
