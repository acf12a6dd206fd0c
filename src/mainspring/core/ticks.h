/* Two clocks. `monotonic_ns` is CLOCK_MONOTONIC. `read_ticks` is the processor's own counter, for
 * the question "has this batch run for too long?", which is asked after every callback: it costs
 * about half of a clock_gettime (measured: 14 ns and 32 ns). */
#ifndef MAINSPRING_TICKS_H
#define MAINSPRING_TICKS_H

#include <time.h>

static inline long long monotonic_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (long long)t.tv_sec * 1000000000LL + t.tv_nsec;
}

#if defined(__x86_64__) || defined(__i386__)
#include <x86intrin.h>
static inline unsigned long long read_ticks(void)
{
    return __rdtsc();
}
#elif defined(__aarch64__)
static inline unsigned long long read_ticks(void)
{
    unsigned long long ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
}
#else
static inline unsigned long long read_ticks(void)
{
    return (unsigned long long)monotonic_ns();
}
#endif

#endif
