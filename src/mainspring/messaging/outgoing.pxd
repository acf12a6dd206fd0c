from mainspring.messaging.calls cimport CallTable
from mainspring.messaging.messages cimport Request


cdef class Outgoing:
    cdef public CallTable _calls
    cdef public object target
    cdef public object timeout
    cdef public object version_cap
    cdef public object call_monitor_timeout
    cdef public object priority
    cdef public object mandatory
    cdef public object allowed_remote_modules

    cpdef object begin_call(self, object method, dict args, object ctxt, object convert)
    cdef Request request(self, object method, dict args, object ctxt)
