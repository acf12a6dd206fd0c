"""`StreamBuffer`: what a stream reader holds: one piece as it came, or asyncio's `bytearray`.

What comes while nothing is held is kept as the `bytes` that a read hands out, so a message that is
read whole is copied once; only what is more, or is read in parts, goes through the array. The
invariant: while there is a piece the array is empty. Whoever looks at the array finds all that
is held in it.
"""

import cython
from cython.cimports.cpython.bytes import (
    PyBytes_AS_STRING,
    PyBytes_FromStringAndSize,
    PyBytes_GET_SIZE,
)
from cython.cimports.libc.string import memchr, memcpy


class StreamBuffer:
    """What came in and wasn't read yet."""

    def __init__(self, array):
        self.array = array
        self.piece = None

    def __len__(self):
        size: cython.Py_ssize_t = 0
        self.content(cython.address(size))
        return size

    def as_array(self):
        """Returns the `bytearray` with all that is held; to change it is to change what is held."""
        self.pour()
        return self.array

    def replace(self, array):
        """Holds the content of another array from now on, and nothing else."""
        self.piece = None
        self.array = array

    def take(self, most):
        """Returns at most so many bytes and holds them no more; None if there are none.

        Parameters:
            most: how many, above 0; any integer, as for a slice.
        """
        size: cython.Py_ssize_t = 0
        wanted: cython.Py_ssize_t = PyNumber_AsSsize_t(most, cython.NULL)
        self.content(cython.address(size))
        return None if size == 0 else self.cut(min(size, wanted))

    def take_exactly(self, count):
        """Returns so many bytes and holds them no more; None if there are less.

        Parameters:
            count: how many, above 0; any integer, as for a slice.
        """
        size: cython.Py_ssize_t = 0
        wanted: cython.Py_ssize_t = PyNumber_AsSsize_t(count, cython.NULL)
        self.content(cython.address(size))
        return None if size < wanted else self.cut(wanted)

    def take_until(self, end: cython.char, limit: cython.Py_ssize_t):
        """Returns all up to the first such byte, which is the last then; None if there is none.

        Parameters:
            end: the byte.
            limit: None is returned too if more than so many bytes are before it.
        """
        size: cython.Py_ssize_t = 0
        data: cython.p_const_char = self.content(cython.address(size))
        found: cython.p_const_char = cython.cast(cython.p_const_char, memchr(data, end, size))
        if found == cython.NULL or found - data > limit:
            return None
        return self.cut(found - data + 1)

    def add(self, data, size):
        """Holds more; returns how many bytes are held now."""
        before: cython.Py_ssize_t
        if self.piece is None and bytearray_size(self.array) == 0:
            self.piece = PyBytes_FromStringAndSize(data, size)
            return size
        self.pour()
        before = bytearray_size(self.array)
        PyByteArray_Resize(self.array, before + size)
        memcpy(bytearray_data(self.array) + before, data, size)
        return before + size

    def pour(self):
        """Puts the piece into the array."""
        if self.piece is not None:
            PyByteArray_Resize(self.array, PyBytes_GET_SIZE(self.piece))
            memcpy(
                bytearray_data(self.array),
                PyBytes_AS_STRING(self.piece),
                PyBytes_GET_SIZE(self.piece),
            )
            self.piece = None
        return 0

    def content(self, size):
        """Returns where what is held lies."""
        if self.piece is not None:
            size[0] = PyBytes_GET_SIZE(self.piece)
            return PyBytes_AS_STRING(self.piece)
        size[0] = bytearray_size(self.array)
        return bytearray_data(self.array)

    def cut(self, size):
        """Returns the first bytes, of which there are so many, and holds them no more."""
        taken: bytes
        if self.piece is not None:
            if PyBytes_GET_SIZE(self.piece) == size:
                taken = self.piece
                self.piece = None
                return taken
            self.pour()
        taken = PyBytes_FromStringAndSize(bytearray_data(self.array), size)
        if bytearray_size(self.array) == size:
            PyByteArray_Resize(self.array, 0)
        else:
            del self.array[:size]
        return taken
