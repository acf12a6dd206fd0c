from mainspring.messaging.memory.broker cimport Broker
from mainspring.messaging.memory.inbox cimport Inbox
from mainspring.messaging.messages cimport Request, Response


cdef class MemoryEnd:
    cdef public object loop
    cdef public object replies
    cdef readonly Broker broker
    cdef readonly Inbox inbox
    cdef public bint is_connected
    cdef public bint is_closed
    # What was published and answered while the connection was lost.
    cdef list held

    cpdef object begin(self, Broker broker, Inbox inbox)
    cpdef object send_held(self)
    cpdef object refuse_held(self, object error)
    cdef bint is_open(self) noexcept
    cdef int send(self, object message, object outcome) except -1
    cdef int answer(self, Request request, Response response, object outcome) except -1
    cdef int hold(self, object request, object message, object outcome) except -1


cdef object copy_failure(object failure)
