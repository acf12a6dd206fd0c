cdef extern from "Python.h":
    Py_ssize_t PyNumber_AsSsize_t(object, void* error) except? -1
    Py_ssize_t bytearray_size "PyByteArray_GET_SIZE" (object) noexcept
    char* bytearray_data "PyByteArray_AS_STRING" (object) noexcept
    int PyByteArray_Resize(object, Py_ssize_t size) except -1


cdef class StreamBuffer:
    cdef bytearray array
    cdef bytes piece

    cdef Py_ssize_t add(self, const char* data, Py_ssize_t size) except -1
    cdef int pour(self) except -1
    cdef const char* content(self, Py_ssize_t* size) noexcept
    cdef object cut(self, Py_ssize_t size)
