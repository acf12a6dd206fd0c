from mainspring.core.clock cimport Clock
from mainspring.core.run_queue cimport RunQueue
from mainspring.core.runnable cimport Runnable


cdef enum:
    BUCKETS = 32


# Spans are in ticks of the loop's clock, waits in nanoseconds.
cdef struct Counters:
    unsigned long long iterations
    unsigned long long looks
    unsigned long long sleeps
    unsigned long long empty_polls
    unsigned long long stopped_by_callback
    unsigned long long stopped_by_thread
    unsigned long long stopped_by_quantum
    unsigned long long low_forced
    unsigned long long idle_timeouts
    unsigned long long boosts
    unsigned long long running
    unsigned long long asleep
    unsigned long long runs[5]
    unsigned long long queued_max[5]
    unsigned long long timed_runs[5]
    unsigned long long run_time[5]
    unsigned long long longest_run[5]
    unsigned long long waits[5][BUCKETS]


cdef class Statistics:
    cdef Clock clock
    cdef Counters counters
    cdef list longest_names
    cdef bint measures_run_times
    cdef bint measures_waits
    cdef long long measures_waits_from
    cdef unsigned long long running_since
    cdef unsigned long long asleep_since

    cdef void note_depth(self, int level, unsigned long long depth) noexcept
    cdef void begin_running(self, unsigned long long ticks) noexcept
    cdef void end_running(self, unsigned long long ticks) noexcept
    cdef void begin_sleep(self, unsigned long long ticks) noexcept
    cdef void end_sleep(self, unsigned long long ticks) noexcept
    cdef void note_wait(self, Runnable runnable, long long now) noexcept
    cdef bint note_run(self, int level, unsigned long long took) noexcept
    cdef int run(self, Runnable runnable, object loop, bint is_debug) except -1
    cdef dict read(self, RunQueue queue, bint restart_maxima)


cdef int bucket_of(long long nanoseconds) noexcept
