cdef object ALONE


cdef class Inbox:
    cdef public object loop
    cdef public bint is_open
    # A deque.
    cdef object items
    cdef object on_closed
    cdef bint is_scheduled

    cdef int post(self, object function, object first, object second) except -1
    cpdef object schedule(self)
    cpdef object drop(self, object functions)
    cpdef object hand_out_outcomes(self)
