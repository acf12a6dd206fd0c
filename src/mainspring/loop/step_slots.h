/* The two slots through which a task, `await` and `yield from` step a compiled coroutine.
 *
 * Cython has no name for `am_send`, which passes the value of a `return` without a StopIteration,
 * and adds its own frame to each exception that passes a function of its. Each compiled module that
 * includes this has one function for the steps of its type, and of what inherits from that. */
#ifndef MAINSPRING_STEP_SLOTS_H
#define MAINSPRING_STEP_SLOTS_H

#include <Python.h>

/* Steps it: with a value that was sent, or an exception that was thrown (else NULL). Leaves in
 * `result` what it waits for (PYGEN_NEXT) or returned (PYGEN_RETURN). */
typedef PySendResult (*stepfunc)(PyObject *self, PyObject *sent, PyObject *error, PyObject **result);
static stepfunc step_of_type;

static inline PySendResult slot_send(PyObject *self, PyObject *sent, PyObject **result)
{
    return step_of_type(self, sent, NULL, result);
}

static inline PyObject *slot_next(PyObject *self)
{
    PyObject *result = NULL;
    PySendResult status = step_of_type(self, Py_None, NULL, &result);
    if (status == PYGEN_RETURN) {
        /* No exception at all says that None was returned. */
        if (result != Py_None) {
            PyObject *stop = PyObject_CallOneArg(PyExc_StopIteration, result);
            if (stop != NULL) {
                PyErr_SetObject(PyExc_StopIteration, stop);
                Py_DECREF(stop);
            }
        }
        Py_CLEAR(result);
    }
    return result;
}

static inline void install_slots(PyObject *type, stepfunc step)
{
    step_of_type = step;
    ((PyTypeObject *)type)->tp_iternext = slot_next;
    ((PyTypeObject *)type)->tp_as_async->am_send = slot_send;
    PyType_Modified((PyTypeObject *)type);
}

#endif
