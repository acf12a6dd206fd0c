from mainspring.core.scheduler cimport Scheduler
from mainspring.messaging.nats.reader cimport MessageReader
from mainspring.messaging.nats.writer cimport MessageWriter
from mainspring.net.receiver cimport Receiver
from mainspring.net.stream cimport StreamTransport


cdef class MessageStream(Receiver):
    cdef readonly object transport
    cdef readonly MessageReader reader
    cdef MessageWriter writer
    # Those that are this project's own; None else.
    cdef Scheduler scheduler
    cdef StreamTransport stream
    cdef object on_end
    cdef bint is_paused
    cdef bint is_flush_due

    cpdef int publish(self, str subject, bytes body, str reply, bytes headers) except -1
    cpdef int write(self, bytes text) except -1
    cpdef object unsent(self)
    cpdef object use(self, object transport)
    cpdef object close(self)
    cpdef object abort(self)
    cdef int after_write(self) except -1
    cdef int end(self, object exc) except -1
