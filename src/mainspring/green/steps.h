/* How green calls are stepped.
 *
 * Cython has no name for `am_send`, through which a task's step passes the value of a `return`
 * without a StopIteration, and adds its own frame to each exception that passes a function of its;
 * so the two slots that a step goes through are written here. */
#ifndef MAINSPRING_STEPS_H
#define MAINSPRING_STEPS_H

#include <Python.h>

/* The innermost green call that runs in this thread, NULL outside; borrowed from who steps it. */
static __thread PyObject *current_call __attribute__((unused));

/* Steps a call: with a value that was sent, or an exception that was thrown (else NULL). Leaves in
 * `result` what it waits for (PYGEN_NEXT) or returned (PYGEN_RETURN). */
typedef PySendResult (*stepfunc)(PyObject *call, PyObject *sent, PyObject *error, PyObject **result);
static stepfunc step_of_call;

static inline PySendResult slot_send(PyObject *call, PyObject *sent, PyObject **result)
{
    return step_of_call(call, sent, NULL, result);
}

static inline PyObject *slot_next(PyObject *call)
{
    PyObject *result = NULL;
    PySendResult status = step_of_call(call, Py_None, NULL, &result);
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
    step_of_call = step;
    ((PyTypeObject *)type)->tp_iternext = slot_next;
    ((PyTypeObject *)type)->tp_as_async->am_send = slot_send;
    PyType_Modified((PyTypeObject *)type);
}

#endif
