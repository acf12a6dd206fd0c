from cpython.ref cimport PyObject

from mainspring.loop.iterators cimport SendResult
from mainspring.sync.waiters cimport Waiter


cdef enum Progress:
    IS_OVER
    MUST_WAIT
    HAS_FAILED


cdef class Wait(Waiter):
    # What to raise at the end in place of returning the result.
    cdef object error
    cdef bint is_late

    cdef bint attempt(self) except -1
    cdef int enlist(self) except -1
    cdef int enlisted(self) except -1
    cdef bint finish(self) except -1
    cdef bint fail(self, object error) except -1
    cdef int give_back(self) except -1
    cdef int expire_now(self) except -1
    cdef str name(self)

    cdef bint begin(self, bint is_thread) except -1
    cdef Progress go_on(self, object error) except *
    cdef bint suspend(self) except -1
    cdef bint block_thread(self, object timeout) except -1


cdef SendResult step(PyObject* pointer, PyObject* sent, PyObject* error, PyObject** result) noexcept
