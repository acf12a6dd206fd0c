from mainspring.core.clock cimport Clock
from mainspring.core.run_queue cimport RunQueue


cdef class LockOut:
    cdef long long limit
    cdef unsigned long long stamp
    cdef long long since
    cdef long long silent_until

    cdef long long pass_over(self, RunQueue queue, Clock clock) except -1
