cdef class Phases:
    # The next of the scheduler's chain.
    cdef Phases following

    cdef int before_poll(self) except -1
    cdef long long before_sleep(self, long long timeout) except -2
    cdef int after_poll(self) except -1
    cdef int end_run(self) except -1


cdef long long prepare_sleep(Phases phases, long long timeout) except -2
cdef Phases chain_with(Phases first, Phases phases)
cdef Phases chain_without(Phases first, Phases phases)
