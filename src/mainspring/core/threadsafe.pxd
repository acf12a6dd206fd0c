from mainspring.core.runnable cimport Runnable


cdef class ThreadSafeHandle(Runnable):
    cdef bint is_running
    cdef list waiting

    cdef int wait_while_running(self) except -1
