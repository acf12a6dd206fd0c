/* What the gate needs of CPython's GIL and has no public call for: who holds it, and a word to that
 * thread that it is wanted. All that is private to CPython stands in this file.
 *
 *                          3.12                      3.13, 3.14, 3.15
 *   the GIL                interp->ceval.gil         the same; `ceval` comes first in the interpreter
 *   its fields             interval, last_holder, locked, switch_number, cond, mutex: alike in all
 *   to ask for it          ceval.gil_drop_request    bit 0 of the holder's tstate->eval_breaker
 *                          and ceval.eval_breaker
 *   is the layout right?   only in the release that  _PyRuntime.debug_offsets of the running
 *                          this was compiled for     interpreter agrees with what was compiled
 *   pending calls          _PyEval_AddPendingCall(interp, f, arg, 0): f runs in the holder's thread
 *   who is in one          ceval.pending.busy        ceval.pending.handling_thread
 *
 * A thread that waits for the GIL asks the same, but only after a switch interval (5 ms) in which
 * nobody took it. Elsewhere (another version, a build without the GIL, a layout that doesn't agree)
 * `gil_find` returns NULL, and the gate does without. */
#ifndef MAINSPRING_GIL_H
#define MAINSPRING_GIL_H

#include <Python.h>
#include <pthread.h>
#include <stdint.h>

#if PY_VERSION_HEX >= 0x030C0000 && PY_VERSION_HEX < 0x03100000 && !defined(Py_GIL_DISABLED) && \
    !defined(MAINSPRING_NO_GATE)
#define GIL_IS_KNOWN 1
#else
#define GIL_IS_KNOWN 0
#endif

#if GIL_IS_KNOWN
#ifndef Py_BUILD_CORE
#define Py_BUILD_CORE 1
#endif
#undef _PyGC_FINALIZED /* 3.12 has a function of that name inside */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wsign-compare"
#include "internal/pycore_interp.h"
#include "internal/pycore_runtime.h"
#pragma GCC diagnostic pop

typedef struct _gil_runtime_state gil_t;

static inline int gil_is_locked(gil_t *gil)
{
    return __atomic_load_n((int *)&gil->locked, __ATOMIC_ACQUIRE) == 1;
}

/* Who holds the GIL, or held it last. */
static inline PyThreadState *gil_holder(gil_t *gil)
{
    return (PyThreadState *)__atomic_load_n((uintptr_t *)&gil->last_holder, __ATOMIC_ACQUIRE);
}

static inline unsigned long gil_switches(gil_t *gil)
{
    return __atomic_load_n(&gil->switch_number, __ATOMIC_RELAXED);
}

/* Has the holder give the GIL up at its next safe point. The caller holds gil->mutex, so that the
 * holder stays the holder, and goes on to take the GIL: who gives it up waits until somebody has. */
static inline void gil_ask(PyInterpreterState *interp, PyThreadState *holder)
{
#if PY_VERSION_HEX < 0x030D0000
    (void)holder;
    __atomic_store_n((int *)&interp->ceval.gil_drop_request, 1, __ATOMIC_SEQ_CST);
    __atomic_store_n((int *)&interp->ceval.eval_breaker, 1, __ATOMIC_SEQ_CST);
#else
    (void)interp;
    __atomic_fetch_or(&holder->eval_breaker, (uintptr_t)1, __ATOMIC_SEQ_CST);
#endif
}

/* The calling thread is in a pending call, and is about to stay there: others may make pending calls
 * meanwhile. The interpreter lets one thread at a time make them, so they would wait. */
static inline void gil_leave_pending_calls(PyInterpreterState *interp)
{
#if PY_VERSION_HEX < 0x030D0000
    interp->ceval.pending.busy = 0;
#else
    interp->ceval.pending.handling_thread = NULL;
#endif
}

/* The calling thread is about to return from the call: it is the one that makes them again, as the
 * interpreter believes. Returns 0 while another one is. */
static inline int gil_resume_pending_calls(PyInterpreterState *interp)
{
#if PY_VERSION_HEX < 0x030D0000
    if (interp->ceval.pending.busy)
        return 0;
    interp->ceval.pending.busy = 1;
#else
    if (interp->ceval.pending.handling_thread != NULL)
        return 0;
    interp->ceval.pending.handling_thread = PyThreadState_Get();
#endif
    return 1;
}

/* Returns the GIL of an interpreter whose thread calls this with the GIL held, or NULL if what is
 * there isn't what was compiled for. */
static inline gil_t *gil_find(PyInterpreterState *interp)
{
    gil_t *gil;
#if PY_VERSION_HEX < 0x030D0000
    if (Py_Version != PY_VERSION_HEX)
        return NULL;
#else
    const struct _Py_DebugOffsets *offsets = &_PyRuntime.debug_offsets;
    if ((Py_Version ^ PY_VERSION_HEX) >> 16 != 0 || memcmp(offsets->cookie, "xdebugpy", 8) != 0 ||
        offsets->interpreter_state.ceval_gil != offsetof(PyInterpreterState, ceval.gil) ||
        offsets->interpreter_state.gil_runtime_state_locked -
                offsets->interpreter_state.gil_runtime_state != offsetof(gil_t, locked) ||
        offsets->interpreter_state.gil_runtime_state_holder -
                offsets->interpreter_state.gil_runtime_state != offsetof(gil_t, last_holder))
        return NULL;
#endif
    gil = interp->ceval.gil;
    if (gil == NULL || !gil_is_locked(gil) || gil_holder(gil) != PyThreadState_Get())
        return NULL;
    return gil;
}

#else /* another interpreter: nothing of its GIL is known */

typedef struct { pthread_mutex_t mutex; } gil_t;
static inline int gil_is_locked(gil_t *gil) { (void)gil; return 0; }
static inline PyThreadState *gil_holder(gil_t *gil) { (void)gil; return NULL; }
static inline unsigned long gil_switches(gil_t *gil) { (void)gil; return 0; }
static inline void gil_ask(PyInterpreterState *interp, PyThreadState *holder) { (void)interp; (void)holder; }
static inline void gil_leave_pending_calls(PyInterpreterState *interp) { (void)interp; }
static inline int gil_resume_pending_calls(PyInterpreterState *interp) { (void)interp; return 1; }
static inline gil_t *gil_find(PyInterpreterState *interp) { (void)interp; return NULL; }

#endif

/* Where the symbol isn't there it is NULL, and idle threads are treated as any other. */
extern int _PyEval_AddPendingCall(PyInterpreterState *, int (*)(void *), void *, int)
    __attribute__((weak));

#endif
