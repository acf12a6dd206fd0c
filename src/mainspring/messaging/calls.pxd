from mainspring.messaging.messages cimport Request, Response


cdef class Pending:
    cdef CallTable table
    cdef object reply
    cdef Request request
    cdef object allowed
    cdef object convert
    # The timers of its deadline and of the next sign of life.
    cdef object timer
    cdef object monitor

    cdef int watch(self) except -1


cdef class CallTable:
    cdef object transport
    cdef object outcome
    # By msg_id.
    cdef dict pending
    cdef readonly object loop
    # What `ClientStatistics` says.
    cdef unsigned long long calls
    cdef unsigned long long casts
    cdef unsigned long long replied
    cdef unsigned long long failures
    cdef unsigned long long timeouts
    cdef unsigned long long abandoned
    cdef unsigned long long dropped_replies
    cdef unsigned long long signs_of_life

    cdef int start(self, Pending pending) except -1
    cpdef object attach(self)
    cpdef object on_response(self, Response response)
    cpdef object on_replies_lost(self, object error)
    cdef int fail(self, object msg_id, object error) except -1
    cdef Pending take(self, object msg_id)


cdef class Sending:
    cdef CallTable table
    cdef object reply
    cdef Py_ssize_t left
