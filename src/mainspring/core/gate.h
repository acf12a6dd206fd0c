/* The gate: the loop has the GIL whenever it wants it, and the idle thread only while it doesn't.
 *
 * In CPython a thread that wants the GIL waits for a whole switch interval (5 ms) before it even asks
 * for it. The loop asks at once, when its poll returns (`gate_take`): the holder gives the GIL up at
 * its next safe point, usually within a microsecond. Where the loop has another core to wait on, it
 * watches for that moment and takes the GIL before any other waiter has woken up. If it still waits
 * long, because others were faster, a helper thread that never takes the GIL repeats the request.
 *
 * The idle thread is told by a pending call, in which it parks: it stays out of the way until the loop
 * sleeps again. It may hold a lock that the loop needs, so no park is without a bound: the gate opens
 * when the loop sleeps, when the loop hasn't had the GIL for a millisecond (it is blocked somewhere
 * else), and after 50 ms, for a turn. Pending calls are the interpreter's, and one thread at a time
 * makes them: therefore other threads are asked by the bit that they look at anyway, and the parked
 * one lets others make theirs.
 *
 * In return a loop that never sleeps gives the GIL away every few milliseconds (turns.h). And while
 * somebody urgent waits for an idle job the gate is lifted: the idle thread is as any other then.
 *
 * All fields are
 * written with the GIL held unless they say otherwise. */
#ifndef MAINSPRING_GATE_H
#define MAINSPRING_GATE_H

#include "futex.h"
#include "gil.h"
#include "threads.h"
#include "ticks.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#define GATE_SPIN_NS 30000LL          /* longer than a hand-over, shorter than a wake-up twice */
#define GATE_AWAY_NS 500000LL         /* seen twice without the GIL, the loop is blocked somewhere */
#define GATE_PARK_NS 50000000LL       /* after so long a park the idle thread is owed a turn */
#define GATE_KNOCK_NS 20000000LL      /* and after so much more it takes one */
#define GATE_LATE_NS 1000000LL        /* a wait for the GIL that calls for the helper */
#define GATE_HELP_NS 100000000LL      /* for how long it then helps */
#define GATE_REPEAT_NS 50000LL        /* how soon it repeats a request */
#define GATE_REPEAT_MAX_NS 1000000LL  /* and how soon when that has not helped for long */
#define GATE_RESUME_TRIES 20
#define GATE_INTRUDE_NS 1000000LL     /* for how long the idle thread runs while the loop is awake */

enum { HELPER_SLEEPS, HELPER_HELPS, HELPER_ENDS };

/* Why the gate is open, in bits. */
enum { OPEN_ASLEEP = 1, OPEN_LIFTED = 2 };

typedef struct Gate {
    gil_t *gil; /* NULL: nothing is known of this interpreter's GIL */
    PyInterpreterState *interp;
    PyThreadState *loop;    /* the loop's thread while it runs; only compared, also without the GIL */
    PyThreadState *idle;    /* the idle thread while it runs a job; the same */
    PyThreadState *refused; /* who had the GIL when the loop asked; only compared */
    int can_park;
    int can_spin;
    long long away_ns, park_ns; /* GATE_AWAY_NS and GATE_PARK_NS, unless a test says otherwise */
    int has_company; /* other threads lived when the loop went to sleep */
    /* Atomic, and written without the GIL. */
    int is_open;        /* OPEN_ASLEEP while the loop sleeps or doesn't run, OPEN_LIFTED; a futex */
    int is_wanted;      /* 1 while the loop waits for the GIL */
    int is_parked;      /* 1 while the idle thread is parked */
    int is_knocking;    /* 1 when it has been for too long: the loop owes it a turn */
    int is_call_queued; /* 1 while a pending call is under way */
    int helper;         /* one of HELPER_*; a futex */
    long long help_until;
    /* The helper thread; not in a forked child. */
    int has_helper;
    pthread_t helper_thread;
    /* Turns, by the loop's clock; `out`: when the loop's thread went off to a library's callbacks. */
    unsigned long switches, out_switches;
    int had_turn;
    long long turn_at, turn_span, out_at;
    /* What happened, for the statistics. */
    unsigned long long requests, repeats, parks, expired, offers, turns;
    long long waited, longest, parked;
    PyObject *longest_code; /* the function that was the last to give the GIL up, owned */
    struct Gate *next, *next_spare;
} Gate;

static int gates_are_off; /* the interpreter is about to end */

static inline int gate_is_lifted(Gate *gate)
{
    return gate_load(&gate->is_open) & OPEN_LIFTED;
}

/* For the fields of the gate that name a thread. */
static inline int gate_is_thread(PyThreadState **field, PyThreadState *thread)
{
    return __atomic_load_n(field, __ATOMIC_RELAXED) == thread;
}

static inline void gate_set_thread(PyThreadState **field, PyThreadState *thread)
{
    __atomic_store_n(field, thread, __ATOMIC_RELAXED);
}

static inline int gate_loop_has_gil(Gate *gate)
{
    return gil_is_locked(gate->gil) && gate_is_thread(&gate->loop, gil_holder(gate->gil));
}

/* Waits, without the GIL, until the idle thread may go on. Returns 1 when it does so though nobody
 * opened the gate. */
static int gate_park(Gate *gate, long long began)
{
    long long look_ns = gate->away_ns < gate->park_ns ? gate->away_ns : gate->park_ns, parked_ns;
    int away = 0;
    for (;;) {
        gate_futex_wait(&gate->is_open, 0, look_ns);
        if (gate_load(&gate->is_open))
            return 0;
        parked_ns = monotonic_ns() - began;
        if (parked_ns >= gate->park_ns + GATE_KNOCK_NS)
            return 1;
        if (parked_ns >= gate->park_ns)
            gate_store(&gate->is_knocking, 1);
        /* Seen twice: not a moment between two owners, the loop is blocked somewhere else. */
        if (gate_load(&gate->is_wanted) || gate_loop_has_gil(gate))
            away = 0;
        else if (++away > 1 && look_ns == gate->away_ns)
            return 1;
    }
}

static void gate_ask_helper(Gate *gate, long long now);

/* Called by the idle thread, with the GIL: it goes on when the gate is open, or its park expired. */
static void gate_stand_aside(Gate *gate)
{
    PyThreadState *self;
    long long began;
    int is_over = 0;
    if (gate->gil == NULL || gate_load(&gate->is_open))
        return;
    began = monotonic_ns();
    while (!is_over && !gate_load(&gate->is_open)) {
        gate->parks += 1;
        gate_store(&gate->is_parked, 1);
        self = PyEval_SaveThread();
        is_over = gate_park(gate, began);
        gate_store(&gate->is_parked, 0);
        PyEval_RestoreThread(self);
    }
    gate->parked += monotonic_ns() - began;
    gate->expired += is_over || gate->is_knocking;
    gate_store(&gate->is_knocking, 0);
    /* It runs though the loop is awake. The helper sees to it that it isn't for long. */
    if (is_over)
        gate_ask_helper(gate, monotonic_ns());
}

/* Returns to where the interpreter was when it made the pending call. */
static void gate_resume_calls(Gate *gate)
{
    PyThreadState *self;
    int tries = 0;
    /* Not without a bound: whoever is in a call may wait for a lock that this thread has. */
    while (!gil_resume_pending_calls(gate->interp) && tries++ < GATE_RESUME_TRIES) {
        self = PyEval_SaveThread();
        gate_nap(GATE_REPEAT_NS);
        PyEval_RestoreThread(self);
    }
}

/* The pending call. Whoever holds the GIL runs it; only the idle thread has something to do. */
static int gate_call(void *argument)
{
    Gate *gate = argument;
    gate_store(&gate->is_call_queued, 0);
    if (gate_is_thread(&gate->idle, PyThreadState_Get())) {
        gil_leave_pending_calls(gate->interp);
        gate_stand_aside(gate);
        gate_resume_calls(gate);
    }
    return 0;
}

/* The idle thread begins a job, and ends it. */
static inline void gate_enter(Gate *gate)
{
    gate_set_thread(&gate->idle, PyThreadState_Get());
    gate_stand_aside(gate);
}

static inline void gate_leave(Gate *gate)
{
    gate_set_thread(&gate->idle, NULL);
}

static void gate_queue_call(Gate *gate)
{
    if (gate_load(&gates_are_off))
        return;
    if (!__atomic_exchange_n(&gate->is_call_queued, 1, __ATOMIC_SEQ_CST) &&
        _PyEval_AddPendingCall(gate->interp, gate_call, gate, 0) != 0)
        gate_store(&gate->is_call_queued, 0);
}

/* Asks the GIL's holder for it. Called without the GIL, by the loop's thread and the helper's. */
static void gate_request(Gate *gate, int is_repeated)
{
    PyThreadState *holder = NULL;
    int is_idle = 0;
    if (gate_load(&gates_are_off))
        return;
    pthread_mutex_lock(&gate->gil->mutex);
    if (gate_load(&gate->is_wanted) && gil_is_locked(gate->gil) && !gate_load(&gates_are_off)) {
        holder = gil_holder(gate->gil);
        if (!gate_is_thread(&gate->loop, holder)) {
            is_idle = gate->can_park && gate_is_thread(&gate->idle, holder) && !gate_is_lifted(gate);
            /* A pending call may be held up by another that somebody else is in. */
            if (!is_idle || is_repeated)
                gil_ask(gate->interp, holder);
            if (!is_repeated)
                gate->refused = holder;
        }
    }
    pthread_mutex_unlock(&gate->gil->mutex);
    if (is_idle)
        gate_queue_call(gate);
}

static void *gate_help(void *argument)
{
    Gate *gate = argument;
    int order, intruded = 0;
    long long nap = GATE_REPEAT_NS;
#ifdef __linux__
    prctl(PR_SET_TIMERSLACK, 1000UL, 0, 0, 0);
#endif
    while ((order = gate_load(&gate->helper)) != HELPER_ENDS) {
        if (order == HELPER_SLEEPS) {
            gate_futex_wait(&gate->helper, HELPER_SLEEPS, -1);
            continue;
        }
        if (gate_load(&gate->is_wanted)) {
            gate_request(gate, 1);
            __atomic_fetch_add(&gate->repeats, 1, __ATOMIC_RELAXED);
            /* Less and less often: a long call into C won't end sooner, and wants the core. */
            if (nap < GATE_REPEAT_MAX_NS)
                nap += nap / 4;
        }
        else
            nap = GATE_REPEAT_NS;
        /* The loop is awake and blocked somewhere, or was forced to give the GIL up in a callback. */
        if (gate_load(&gate->is_open) || !gate->can_park ||
            !gate_is_thread(&gate->idle, gil_holder(gate->gil)))
            intruded = 0;
        else if (++intruded >= GATE_INTRUDE_NS / GATE_REPEAT_NS) {
            gate_queue_call(gate);
            intruded = 0;
        }
        gate_nap(nap);
        if (monotonic_ns() > __atomic_load_n(&gate->help_until, __ATOMIC_RELAXED))
            __atomic_compare_exchange_n(&gate->helper, &order, HELPER_SLEEPS, 0, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST);
    }
    return NULL;
}

/* Starts the helper, asleep, if there is none yet. It has the caller's claim to a core for good, so
 * whoever submits idle work calls this: started by the idle thread it would run when nobody else does. */
static void gate_start_helper(Gate *gate)
{
    sigset_t all, before;
    if (gate->has_helper || gate->gil == NULL)
        return;
    /* Signals are for the interpreter's threads. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    gate->has_helper = pthread_create(&gate->helper_thread, NULL, gate_help, gate) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* Has the helper repeat requests for a while. */
static void gate_ask_helper(Gate *gate, long long now)
{
    __atomic_store_n(&gate->help_until, now + GATE_HELP_NS, __ATOMIC_RELAXED);
    if (__atomic_exchange_n(&gate->helper, HELPER_HELPS, __ATOMIC_SEQ_CST) == HELPER_SLEEPS)
        gate_futex_wake(&gate->helper);
}

/* Keeps the code that a thread runs, if the thread still lives: it is at the safe point at which it
 * gave the GIL up, in the function that didn't do so for so long. */
static void gate_note_refusal(Gate *gate, long long waited)
{
    PyThreadState *thread = PyInterpreterState_ThreadHead(gate->interp);
    PyFrameObject *frame = NULL;
    while (thread != NULL && thread != gate->refused)
        thread = PyThreadState_Next(thread);
    gate->longest = waited;
    if (thread != NULL)
        frame = PyThreadState_GetFrame(thread);
    Py_XSETREF(gate->longest_code, frame == NULL ? NULL : (PyObject *)PyFrame_GetCode(frame));
    Py_XDECREF(frame);
}

static inline unsigned long long gate_repeats(Gate *gate)
{
    return __atomic_load_n(&gate->repeats, __ATOMIC_RELAXED);
}

/* Begins anew with the longest wait. */
static void gate_forget_refusal(Gate *gate)
{
    gate->longest = 0;
    Py_CLEAR(gate->longest_code);
}

/* The loop is awake. */
static inline void gate_close(Gate *gate)
{
    __atomic_fetch_and(&gate->is_open, ~OPEN_ASLEEP, __ATOMIC_SEQ_CST);
}

/* Takes the GIL back after the loop's poll. Keeps errno, as PyEval_RestoreThread does. */
static void gate_take(Gate *gate, PyThreadState *state)
{
    int error = errno;
    long long began, now;
    gate_close(gate);
    gate_store(&gate->is_wanted, 1);
    began = monotonic_ns();
    if (gil_is_locked(gate->gil)) {
        gate_request(gate, 0);
        gate->requests += 1;
        if (gate->can_spin)
            while (gil_is_locked(gate->gil) && monotonic_ns() - began < GATE_SPIN_NS)
                gate_pause();
    }
    PyEval_RestoreThread(state);
    gate_store(&gate->is_wanted, 0);
    now = monotonic_ns();
    if (gil_switches(gate->gil) != gate->switches) {
        gate->switches = gil_switches(gate->gil);
        gate->had_turn = 1;
    }
    gate->waited += now - began;
    if (now - began > gate->longest)
        gate_note_refusal(gate, now - began);
    if (now - began > GATE_LATE_NS) {
        gate_start_helper(gate);
        gate_ask_helper(gate, now);
    }
    errno = error;
}

/* Opens the gate for one more reason; the idle thread goes on. Called with or without the GIL. */
static inline void gate_open(Gate *gate, int reason)
{
    __atomic_fetch_or(&gate->is_open, reason, __ATOMIC_SEQ_CST);
    if (gate_load(&gate->is_parked))
        gate_futex_wake(&gate->is_open);
}

/* Has the idle thread treated as any other, or no longer. */
static void gate_lift(Gate *gate, int is_lifted)
{
    if (is_lifted) {
        gate_open(gate, OPEN_LIFTED);
        return;
    }
    __atomic_fetch_and(&gate->is_open, ~OPEN_LIFTED, __ATOMIC_SEQ_CST);
    /* It may be waiting for the GIL, and get it though the loop is awake. */
    if (gate->has_helper && !gate_is_thread(&gate->idle, NULL))
        gate_ask_helper(gate, monotonic_ns());
}

/* Releases the GIL for a poll that may sleep, and opens the gate; `gate_retake` is its other half. A
 * poller that belongs to no loop has no gate. */
static PyThreadState *gate_release(Gate *gate)
{
    PyThreadState *state;
    if (gate == NULL || gate->gil == NULL)
        return PyEval_SaveThread();
    gate->has_company = other_threads_live(gate->interp);
    state = PyEval_SaveThread();
    /* Also without company: a thread that isn't Python's yet may bring idle work. */
    gate_open(gate, OPEN_ASLEEP);
    return state;
}

static void gate_retake(Gate *gate, PyThreadState *state)
{
    if (gate == NULL || gate->gil == NULL)
        PyEval_RestoreThread(state);
    else if (gate->has_company || gil_is_locked(gate->gil))
        gate_take(gate, state);
    else {
        gate_close(gate);
        PyEval_RestoreThread(state);
    }
}

#endif
