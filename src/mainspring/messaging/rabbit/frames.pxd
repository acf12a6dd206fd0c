cdef class Content:
    cdef readonly int channel
    # Of a delivery.
    cdef readonly str consumer_tag
    cdef readonly unsigned long long delivery_tag
    cdef readonly bint redelivered
    # Of a return.
    cdef readonly int reply_code
    cdef readonly str reply_text
    # Of both.
    cdef readonly str exchange
    cdef readonly str routing_key
    cdef readonly str content_type
    # A table without its length, undecoded.
    cdef readonly bytes headers
    cdef readonly str correlation_id
    cdef readonly str reply_to
    cdef readonly str expiration
    cdef readonly bytes body
    # How much of the body is still to come; -1 before the header has said how long it is.
    cdef long long missing
    cdef list parts


cdef class FrameReader:
    cdef object on_content
    cdef object on_confirm
    cdef object on_method
    cdef readonly Py_ssize_t frame_max
    cdef bytes rest
    cdef dict unfinished

    cpdef feed(self, data)
    cdef int take(self, int kind, int channel, unsigned char* payload, Py_ssize_t length) except -1
    cdef int take_method(self, int channel, unsigned char* payload, Py_ssize_t length) except -1
    cdef int take_delivery(self, int channel, unsigned char* payload, Py_ssize_t length) except -1
    cdef int take_return(self, int channel, unsigned char* payload, Py_ssize_t length) except -1
    cdef Content begin(self, int channel)
    cdef int take_header(self, int channel, unsigned char* payload, Py_ssize_t length) except -1
    cdef int take_body(self, int channel, unsigned char* payload, Py_ssize_t length) except -1
    cdef int finish(self, int channel, Content content) except -1


cdef unsigned long long number_at(unsigned char* payload, int octets) noexcept
cdef str short_text(unsigned char* payload, Py_ssize_t at, Py_ssize_t length)
cdef int take_properties(Content content, unsigned char* payload, Py_ssize_t length) except -1
