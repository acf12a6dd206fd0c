from mainspring.messaging.messages cimport Message, Request, Response
from mainspring.messaging.nats.plain cimport Plain


cdef class TargetsOf:
    cdef object target
    cdef dict made

    cpdef object get(self, object namespace, object version)


cpdef bytes encode_request(Request request, double now, int attempt=*)
cpdef tuple decode_request(bytes body, object headers, str reply, TargetsOf targets, double now)
cpdef bytes encode_response(Response response)
cpdef Response decode_response(bytes body, object headers, object msg_id)
cdef int read_headers(Message message, object headers) except -1
cdef object failure_form(object failure, Plain plain)
cdef object failure_of_form(object form, int depth)
