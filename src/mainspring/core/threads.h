/* Whether any other Python thread of this interpreter lives. */
#ifndef MAINSPRING_THREADS_H
#define MAINSPRING_THREADS_H

#include <Python.h>

static inline int other_threads_live(void)
{
    PyThreadState *head = PyInterpreterState_ThreadHead(PyInterpreterState_Get());
    return PyThreadState_Next(head) != NULL;
}

#endif
