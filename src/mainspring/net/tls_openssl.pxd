from cpython.ref cimport PyObject

from mainspring.core.scheduler cimport Scheduler
from mainspring.net.tls_engine cimport Engine

cdef extern from "openssl.h":
    ctypedef struct channel:
        const char* input
        Py_ssize_t input_size
        char* output
        Py_ssize_t output_size
        Py_ssize_t output_room
    int WANT_READ, WANT_WRITE, ZERO_RETURN
    bint load_openssl(const char* path)
    void* attach_channel(void* ssl, channel* where)
    void detach_channel(void* bio)
    bint ssl_read(void* ssl, char* into, size_t size, size_t* done)
    bint ssl_write(void* ssl, const char* data, size_t size, size_t* done)
    int ssl_error(void* ssl)
    bint ssl_has_pending(void* ssl)
    bint ssl_is_server(void* ssl)
    size_t ssl_input(void* ssl)
    unsigned long openssl_version()
    void* pointer_at(object, Py_ssize_t offset)


cdef class DirectEngine(Engine):
    cdef object inner
    cdef void* ssl
    cdef void* bio
    cdef channel channel
    cdef Scheduler scheduler

    cdef int begin(self) except -1
    cdef int end(self) except -1
    cdef Py_ssize_t fail(self) except -1
