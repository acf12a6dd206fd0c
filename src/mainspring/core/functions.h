/* What kind of function a callback is, without a look-up of attributes. */
#ifndef MAINSPRING_FUNCTIONS_H
#define MAINSPRING_FUNCTIONS_H

#include <Python.h>

static inline int is_coroutine_function(PyObject *f)
{
    if (PyMethod_Check(f))
        f = PyMethod_GET_FUNCTION(f);
    if (!PyFunction_Check(f))
        return 0;
    return (((PyCodeObject *)PyFunction_GET_CODE(f))->co_flags & CO_COROUTINE) != 0;
}

#endif
