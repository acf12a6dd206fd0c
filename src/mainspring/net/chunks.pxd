from cpython.ref cimport PyObject

cdef extern from "chunks.h":
    void refill_bytes(PyObject* chunk, const char* data, Py_ssize_t size) noexcept
cdef extern from "Python.h":
    bint PyBytes_CheckExact(PyObject*) noexcept
    Py_ssize_t Py_REFCNT(PyObject*) noexcept
    Py_ssize_t Py_SIZE(PyObject*) noexcept
    PyObject* bytes_from "PyBytes_FromStringAndSize" (const char* data, Py_ssize_t size) except NULL


cdef PyObject* new_chunk(const char* data, Py_ssize_t size) except NULL
cdef void drop_chunk(PyObject* chunk) noexcept


cdef enum:
    # Smaller ones are served by the interpreter's own allocator, and larger ones are rare.
    LEAST = 513
    MOST = 8191
    STEP = 64
    BUCKETS = 129
    KEPT = 262144
