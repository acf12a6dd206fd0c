from mainspring.messaging.messages cimport Request, Response


cdef class Answers:
    cdef object transport
    cdef object count
    # Responses whose caller has gone.
    cdef unsigned long long undelivered

    cdef Response send(self, Request request, Response response, object outcome=*)
    cdef int send_sign_of_life(self, Request request) except -1


cdef bint is_lost(object error) except -1
