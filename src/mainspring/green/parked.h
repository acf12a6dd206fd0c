/* What is known of a greenlet that could be kept, and where those are. */
#ifndef MAINSPRING_PARKED_H
#define MAINSPRING_PARKED_H

#include <Python.h>
#include <greenlet/greenlet.h>

/* The parked greenlets of this thread: a list that the thread's own dictionary holds. */
static __thread PyObject *parked;

/* Whether nobody but its one owner can tell this greenlet from a new one. */
static inline int is_unknown(PyObject *greenlet)
{
    PyGreenlet *self = (PyGreenlet *)greenlet;
    return Py_REFCNT(greenlet) == 1 && self->weakreflist == NULL && self->dict == NULL;
}

/* The context that is entered in this thread, borrowed; NULL if there is none. */
static inline PyObject *entered_context(void)
{
    return PyThreadState_Get()->context;
}

#endif
