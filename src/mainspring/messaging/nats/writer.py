"""`MessageWriter`: what is to be sent, in one piece of memory.

A message is written where it will be sent from, so a moment's messages are one system call and none
of them is an object of its own.
"""

import cython
from cython.cimports.cpython.bytes import (
    PyBytes_AS_STRING,
    PyBytes_FromStringAndSize,
    PyBytes_GET_SIZE,
)
from cython.cimports.cpython.unicode import PyUnicode_AsUTF8AndSize
from cython.cimports.libc.stdlib import free, realloc
from cython.cimports.libc.string import memcpy

__all__ = ["MessageWriter"]

# A size has no more digits.
DIGITS = cython.declare(cython.Py_ssize_t, 20)
# What is kept for the next message; more is let go once it is sent.
KEPT = cython.declare(cython.Py_ssize_t, 1 << 17)


class MessageWriter:
    """Collects messages and commands."""

    def __dealloc__(self):
        free(self.buffer)

    def command(self, text: bytes):
        """Adds a whole line, or several."""
        size: cython.Py_ssize_t = PyBytes_GET_SIZE(text)
        self.reserve(size)
        self.add(PyBytes_AS_STRING(text), size)
        return 0

    def message(self, subject, reply, headers, body, with_body=True):
        """Adds a message.

        Parameters:
            subject: where to; it has no space in it.
            reply: where the answer goes; empty for nowhere.
            headers: the block of headers, with its empty line; None for none.
            body: the body.
            with_body: False leaves out the body, and the end of the line after it.
        """
        subject_size: cython.Py_ssize_t = 0
        reply_size: cython.Py_ssize_t = 0
        head_size: cython.Py_ssize_t = 0
        body_size: cython.Py_ssize_t = PyBytes_GET_SIZE(body)
        subject_text = PyUnicode_AsUTF8AndSize(subject, cython.address(subject_size))
        reply_text = PyUnicode_AsUTF8AndSize(reply, cython.address(reply_size))
        if headers is not None:
            head_size = PyBytes_GET_SIZE(headers)
        self.reserve(16 + subject_size + reply_size + head_size + 2 * DIGITS)
        if headers is None:
            self.add(b"PUB ", 4)
        else:
            self.add(b"HPUB ", 5)
        self.add(subject_text, subject_size)
        self.add(b" ", 1)
        if reply_size:
            self.add(reply_text, reply_size)
            self.add(b" ", 1)
        if headers is not None:
            self.add_number(head_size)
            self.add(b" ", 1)
        self.add_number(head_size + body_size)
        self.add(b"\r\n", 2)
        if headers is not None:
            self.add(PyBytes_AS_STRING(headers), head_size)
        if with_body:
            self.reserve(body_size + 2)
            self.add(PyBytes_AS_STRING(body), body_size)
            self.add(b"\r\n", 2)
        return 0

    def take(self):
        """Returns what was added, and forgets it."""
        taken = PyBytes_FromStringAndSize(self.buffer, self.size)
        self.clear()
        return taken

    def clear(self):
        self.size = 0
        if self.room > KEPT:
            free(self.buffer)
            self.buffer = cython.NULL
            self.room = 0
        return 0

    def reserve(self, size):
        room: cython.Py_ssize_t
        needed: cython.Py_ssize_t = self.size + size
        if needed > self.room:
            room = max(needed, 2 * self.room, 4096)
            grown = cython.cast(cython.p_char, realloc(self.buffer, room))
            if grown == cython.NULL:
                raise MemoryError
            self.buffer = grown
            self.room = room
        return 0

    def add(self, text, size):
        memcpy(self.buffer + self.size, text, size)
        self.size += size

    def add_number(self, number):
        digits: cython.char[20]
        at: cython.Py_ssize_t = DIGITS
        while True:
            at -= 1
            digits[at] = cython.cast(cython.char, 48 + number % 10)
            number //= 10
            if number == 0:
                break
        self.add(cython.address(digits[at]), DIGITS - at)
