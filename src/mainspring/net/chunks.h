/* What turns a bytes object that nobody else has into another one of at most its size. */
#ifndef MAINSPRING_CHUNKS_H
#define MAINSPRING_CHUNKS_H

#include <Python.h>
#include <string.h>

/* Sets the size and the content; the hash is that of the content, and not known again. */
static inline void refill_bytes(PyObject *bytes, const char *data, Py_ssize_t size)
{
    Py_SET_SIZE((PyVarObject *)bytes, size);
    memcpy(PyBytes_AS_STRING(bytes), data, (size_t)size);
    PyBytes_AS_STRING(bytes)[size] = 0;
    _Py_COMP_DIAG_PUSH
    _Py_COMP_DIAG_IGNORE_DEPR_DECLS
    ((PyBytesObject *)bytes)->ob_shash = -1;
    _Py_COMP_DIAG_POP
}

#endif
