from cpython.ref cimport PyObject

from mainspring.loop.iterators cimport SendResult


cdef enum State:
    CREATED
    RUNNING
    SUSPENDED
    CLOSED


cdef class GreenCall:
    cdef readonly object function
    cdef tuple args
    cdef dict kwargs
    # The greenlet that the function runs in; and the one to go on with, if the function switched to
    # another before it waited. Both owned.
    cdef PyObject* greenlet
    cdef PyObject* waiting
    # The greenlet that steps, and what it sent or threw: borrowed, while a step lasts.
    cdef PyObject* driver
    cdef PyObject* sent
    cdef PyObject* error
    # What it waits for; at the end, what it returned or raised.
    cdef object outcome
    cdef bint failed
    cdef State state
    # What `interrupt` is to raise in it, and the message of the cancellations that bring it.
    cdef list interruptions
    cdef object token
    cdef object __weakref__


cdef SendResult step(PyObject* pointer, PyObject* sent, PyObject* error, PyObject** result) noexcept
cdef PyObject* to_go_on_with(GreenCall call) noexcept
cdef void forget(GreenCall call) noexcept
cdef PyObject* wait_in_current(PyObject* waits_for) except NULL
cdef bint in_green_call() noexcept
