/* The callback that a future of asyncio's C code got first, if it is one of a certain code.
 *
 * A C future keeps it in a field of its own, which its attribute `_callbacks` shows only in a copy of
 * all: that costs as much as there are callbacks. What the collector is shown costs the same always. */
#ifndef MAINSPRING_WAITS_H
#define MAINSPRING_WAITS_H

#include <Python.h>

typedef struct {
    PyObject *code, *function;
} waits_search;

static int waits_visit(PyObject *object, void *argument)
{
    waits_search *search = argument;
    if (!PyFunction_Check(object) || PyFunction_GET_CODE(object) != search->code)
        return 0;
    search->function = object;
    return 1;
}

/* Returns a new reference to the function, or to None. */
static inline PyObject *first_callback_of_code(PyObject *future, PyObject *code)
{
    waits_search search = {code, Py_None};
    if (Py_TYPE(future)->tp_traverse != NULL)
        Py_TYPE(future)->tp_traverse(future, waits_visit, &search);
    return Py_NewRef(search.function);
}

#endif
