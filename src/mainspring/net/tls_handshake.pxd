from mainspring.core.scheduler cimport Scheduler
from mainspring.net.receiver cimport Receiver
from mainspring.net.stream cimport StreamTransport
from mainspring.net.tls_engine cimport Engine

cdef enum State:
    NEW
    HANDSHAKE
    OPEN
    FLUSHING
    CLOSING
    FINISHED
    LOST


cdef class TLSHandshake(Receiver):
    cdef Scheduler scheduler
    cdef Engine engine
    cdef readonly object below
    cdef StreamTransport stream
    cdef object protocol
    cdef object options
    cdef object waiter
    cdef object timer
    cdef object peercert
    cdef double began
    cdef State state
    cdef bint is_accepted
    cdef bint is_established
    cdef bint is_closing_
    cdef bint is_made

    cdef int do_handshake(self) except -1
    cdef int handshake_done(self) except -1
    cdef int handshake_failed(self, object exc) except -1
    cdef int wake(self, object exc) except -1
    cdef int cancel_timer(self) except -1
    cdef int do_read(self) except -1
    cdef int send_output(self) except -1
    cdef int fatal_error(self, object exc, str message) except -1
    cdef int force_close_below(self, object exc) except -1
