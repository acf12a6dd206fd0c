from mainspring.messaging.messages cimport Request
from mainspring.messaging.method cimport Method


cdef class Call:
    cdef readonly Request request
    cdef readonly Method method
    cdef readonly object loop
    cdef readonly object deadline
    cdef readonly bint is_abandoned
    cdef str abandoned_why
    # More than one if the message came again meanwhile.
    cdef list deliveries
    cdef bint is_answered
    # Whether the handler was started, and when on the loop's clock: before that it waits.
    cdef bint is_started
    cdef double started
    # What can be cancelled.
    cdef public object task
    # True once a task has had its first step: before that, cancelling it runs none of its code.
    cdef public bint entered
    # The timers of its deadline and of its signs of life.
    cdef object timer
    cdef object monitor
