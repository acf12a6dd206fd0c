/* The memory of freed objects of one type, kept for the next ones: Cython keeps such a list for base
 * types only. One type a compiled module; an object of a subclass is left to the interpreter.
 *
 * What `keep_freed` puts in place of the type's allocation and release does what Cython's own lists
 * do: an object is handed out zeroed, with one reference, and tracked by the garbage collector. */
#ifndef MAINSPRING_FREELIST_H
#define MAINSPRING_FREELIST_H

#include <Python.h>
#include <string.h>

#define FREELIST_CAPACITY 256

static PyTypeObject *freelist_type;
static PyObject *freelist_blocks[FREELIST_CAPACITY];
static int freelist_count;

static PyObject *freelist_allocate(PyTypeObject *type, Py_ssize_t count)
{
    PyObject *block;
    if (type != freelist_type || freelist_count == 0)
        return PyType_GenericAlloc(type, count);
    block = freelist_blocks[--freelist_count];
    memset((char *)block + sizeof(PyObject), 0, (size_t)type->tp_basicsize - sizeof(PyObject));
    (void)PyObject_Init(block, type);
    PyObject_GC_Track(block);
    return block;
}

static void freelist_release(void *block)
{
    if (Py_TYPE((PyObject *)block) == freelist_type && freelist_count < FREELIST_CAPACITY)
        freelist_blocks[freelist_count++] = (PyObject *)block;
    else
        PyObject_GC_Del(block);
}

static void keep_freed(PyObject *type)
{
    freelist_type = (PyTypeObject *)type;
    freelist_type->tp_alloc = freelist_allocate;
    freelist_type->tp_free = freelist_release;
}

#endif
