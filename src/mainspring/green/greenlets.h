/* greenlet's C interface; each compiled module that uses it imports it for itself. */
#ifndef MAINSPRING_GREENLETS_H
#define MAINSPRING_GREENLETS_H

#include <Python.h>
#include <greenlet/greenlet.h>

#define AS_GREENLET(object) ((PyGreenlet *)(object))

static inline int import_greenlet(void)
{
    PyGreenlet_Import();
    return _PyGreenlet_API == NULL ? -1 : 0;
}

#endif
