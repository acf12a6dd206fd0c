from cpython.ref cimport PyObject


cdef extern from "ring.h":
    void RING_INSERT(Runnable before, Runnable node, Runnable anchor) noexcept
    void RING_TAKE(Runnable before, Runnable node, Runnable after) noexcept
    void RING_REMOVE(Runnable before, Runnable node, Runnable after) noexcept
    bint IS_FORGOTTEN(Runnable node) noexcept


cdef class Runnable:
    cdef object loop
    cdef object callback
    cdef object args
    cdef object context
    cdef object source_traceback
    # What it is a part of, if anybody wants to know when it has run; nothing to the core.
    cdef object owner
    cdef object __weakref__
    cdef Runnable next
    cdef PyObject* prev
    cdef unsigned long long stamp
    cdef long long queued_at
    cdef signed char level
    cdef bint is_cancelled

    cdef int run(self) except -1
    cdef int fail(self) except -1
    cdef int drop(self) except -1
    cdef int flush(self) except -1
    cdef void link_before(self, Runnable anchor) noexcept
    cdef void unlink(self) noexcept


cdef Runnable new_anchor()
cdef void clear_ring(Runnable anchor) noexcept
