from mainspring.messaging.admission cimport Admission
from mainspring.messaging.answers cimport Answers
from mainspring.messaging.call cimport Call
from mainspring.messaging.dedup cimport Duplicates, Recent
from mainspring.messaging.messages cimport Request, Response


cdef class Service:
    cdef object loop
    cdef object time
    cdef object dispatcher
    cdef object find
    cdef Duplicates duplicates
    cdef bint late
    cdef Admission admission
    cdef object runner
    cdef object run
    # All that isn't over; by msg_id, those that can be given up.
    cdef dict calls
    cdef dict by_msg_id
    # Given up before they came.
    cdef Recent withdrawn
    cdef readonly object until_idle
    cdef bint is_stopping
    cdef Answers answers
    cdef object overdue_callback
    # What `ServerStatistics` says.
    cdef unsigned long long delivered
    cdef unsigned long long done
    cdef unsigned long long failed
    cdef unsigned long long repeated
    cdef unsigned long long late_ones
    cdef unsigned long long overdue
    cdef unsigned long long cancelled
    cdef unsigned long long requeued
    cdef Py_ssize_t running
    cdef Py_ssize_t waiting

    cdef bint is_duplicate(self, object delivery, Request request) except -1
    cdef int drop(self, object delivery, Request request) except -1
    cdef int refuse(self, object delivery, Request request, object error) except -1
    cdef int start(self, Call call) except -1
    cdef int abandon(self, Call call, str why) except -1
    cdef int start_next(self) except -1
    cdef int interrupted(self, Call call) except -1
    cdef int answer(self, Call call, object result, object failure) except -1
    cdef int end(self, Call call, Response response) except -1
    cdef int give_back(self, Call call) except -1
    cdef int forget(self, Call call) except -1


cdef int settle(Call call) except -1
cdef int stop_timers(Call call) except -1
cdef int report(Call call, object error) except -1
