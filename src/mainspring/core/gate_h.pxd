# gate.h, turns.h and gates.h, for the one module that includes them.

from cpython.ref cimport PyObject

from mainspring.core.gate cimport PyThreadState

cdef extern from "turns.h":
    ctypedef struct GateState "Gate":
        void* gil
        bint can_park
        int is_parked
        long long away_ns, park_ns
        unsigned long long requests, parks, expired, offers, turns
        long long waited, longest, parked
        PyObject* longest_code
    bint gate_turn_is_due(void*, long long now) noexcept
    void gate_give(void*, long long now) noexcept
    PyThreadState* gate_release(void*) noexcept
    void gate_retake(void*, PyThreadState*) noexcept
    PyThreadState* gate_step_out(void*) noexcept
    void gate_step_in(void*, PyThreadState*) noexcept
    void gate_enter(void*) noexcept
    void gate_leave(void*) noexcept
    void gate_start_helper(void*) noexcept
    unsigned long long gate_repeats(void*) noexcept
    void gate_forget_refusal(void*) noexcept
    void gate_lift(void*, bint is_lifted) noexcept

cdef extern from "gates.h":
    void* gate_new() noexcept
    void gate_free(void*) noexcept
    void gate_begin(void*) noexcept
    void gate_end(void*) noexcept
    void gate_switch_off() noexcept
