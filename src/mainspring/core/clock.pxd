cdef extern from "ticks.h":
    unsigned long long read_ticks() noexcept nogil
    long long monotonic_ns() noexcept nogil


cdef unsigned long long ticks_per_millisecond


cdef class Clock:
    cpdef long long now(self) except? -1
    cdef unsigned long long ticks(self) except? 0
    cdef unsigned long long ticks_in(self, long long nanoseconds) noexcept
    cdef double seconds_in(self, unsigned long long ticks) noexcept
    cdef bint is_real
