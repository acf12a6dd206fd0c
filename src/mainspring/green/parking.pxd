from cpython.ref cimport PyObject


cdef PyObject* take_greenlet(PyObject* driver) noexcept
cdef void give_greenlet(PyObject* greenlet) noexcept
