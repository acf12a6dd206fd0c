/* The task of which a callback is a step or a wake-up, as asyncio hands them to `call_soon`.
 *
 * That a callback is bound to a task proves nothing (`loop.call_soon(task.cancel)`). A C task's step
 * is an object of a type of its own, its wake-up a built-in method of one certain C function; both
 * are known by name the first time and by address from then on. A Python task's are methods of
 * its class, which the caller knows. */
#ifndef MAINSPRING_TASK_STEPS_H
#define MAINSPRING_TASK_STEPS_H

#include <Python.h>
#include <string.h>

static PyTypeObject *step_type;
static PyCFunction wakeup_function;

static inline int names_end_in(const char *name, const char *end)
{
    const char *dot = strrchr(name, '.');
    return strcmp(dot ? dot + 1 : name, end) == 0;
}

static inline int is_c_step(PyObject *callback)
{
    PyTypeObject *type = Py_TYPE(callback);
    if (type == step_type)
        return 1;
    if (step_type == NULL && names_end_in(type->tp_name, "TaskStepMethWrapper")) {
        Py_INCREF((PyObject *)type);
        step_type = type;
        return 1;
    }
    return 0;
}

static inline int is_c_wakeup(PyObject *callback)
{
    PyCFunctionObject *function;
    if (!PyCFunction_Check(callback))
        return 0;
    function = (PyCFunctionObject *)callback;
    if (wakeup_function != NULL)
        return function->m_ml->ml_meth == wakeup_function;
    if (strcmp(function->m_ml->ml_name, "task_wakeup") != 0)
        return 0;
    wakeup_function = function->m_ml->ml_meth;
    return 1;
}

#endif
