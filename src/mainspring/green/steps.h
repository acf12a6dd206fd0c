/* Which green call runs in this thread. */
#ifndef MAINSPRING_STEPS_H
#define MAINSPRING_STEPS_H

#include <Python.h>

/* The innermost green call that runs in this thread, NULL outside; borrowed from who steps it. */
static __thread PyObject *current_call __attribute__((unused));

#endif
