/* What kind of thing an argument is, without a look-up of attributes. */
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

static inline int is_callback(PyObject *f)
{
    return PyCallable_Check(f) && !is_coroutine_function(f);
}

/* A number as a double; -1.0 with an exception set when it is none. (PyFloat_AsDouble makes and
 * frees a float for an int.) */
static inline double as_double(PyObject *number)
{
    if (PyFloat_CheckExact(number))
        return PyFloat_AS_DOUBLE(number);
    if (PyLong_CheckExact(number))
        return PyLong_AsDouble(number);
    return PyFloat_AsDouble(number);
}

#endif
