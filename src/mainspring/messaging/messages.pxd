cdef class Message:
    cdef public object unique_id
    cdef public object context
    cdef public object trace
    cdef public object headers
    cdef public bint only_errors


cdef class Request(Message):
    cdef public object target
    cdef public object method
    cdef public object args
    cdef public object msg_id
    cdef public object reply_to
    cdef public object deadline
    cdef public object monitor
    cdef public object priority
    cdef public bint mandatory
    cdef public bint withdrawn

    cpdef Request copy(self)


cdef class Response:
    cdef public object msg_id
    cdef public object result
    cdef public object failure
    cdef public object headers
    cdef public bint ending
    cdef public bint only_errors


cdef class Notification(Message):
    cdef public object target
    cdef public object event_type
    cdef public object publisher_id
    cdef public object priority
    cdef public object payload
    cdef public object message_id
    cdef public object timestamp
    cdef public bint enveloped

    cpdef Notification copy(self)


cpdef str new_id()
cdef int copy_common(Message message, Message copy) except -1
