/* Whether any other Python thread of an interpreter lives. */
#ifndef MAINSPRING_THREADS_H
#define MAINSPRING_THREADS_H

#include <Python.h>

static inline int other_threads_live(PyInterpreterState *interpreter)
{
    return PyThreadState_Next(PyInterpreterState_ThreadHead(interpreter)) != NULL;
}

#endif
