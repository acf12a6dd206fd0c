/* Waiting below the interpreter: naps, futexes, and the pause of a loop that spins. */
#ifndef MAINSPRING_FUTEX_H
#define MAINSPRING_FUTEX_H

#include <limits.h>
#include <time.h>
#ifdef __linux__
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

static inline struct timespec gate_span(long long nanoseconds)
{
    struct timespec t = {.tv_sec = nanoseconds / 1000000000LL, .tv_nsec = nanoseconds % 1000000000LL};
    return t;
}

static inline void gate_nap(long long nanoseconds)
{
    struct timespec t = gate_span(nanoseconds);
    nanosleep(&t, NULL);
}

#ifdef __linux__
static inline void gate_futex_wait(int *word, int value, long long nanoseconds)
{
    struct timespec t = gate_span(nanoseconds);
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, nanoseconds < 0 ? NULL : &t, NULL, 0);
}
static inline void gate_futex_wake(int *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}
#else /* looks at the word now and then */
static inline void gate_futex_wait(int *word, int value, long long nanoseconds)
{
    if (__atomic_load_n(word, __ATOMIC_SEQ_CST) == value)
        gate_nap(nanoseconds < 0 || nanoseconds > 200000 ? 200000 : nanoseconds);
}
static inline void gate_futex_wake(int *word) { (void)word; }
#endif

static inline int gate_load(int *word) { return __atomic_load_n(word, __ATOMIC_SEQ_CST); }
static inline void gate_store(int *word, int value) { __atomic_store_n(word, value, __ATOMIC_SEQ_CST); }

static inline void gate_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#endif
