"""`MessageReader`: takes a server's stream apart: into messages, and lines that are none.

A message, MSG or HMSG, goes to the receiver of its subscription as soon as it is whole, in order.
Any other line (INFO, PING, PONG, +OK, -ERR) isn't looked into: it is handed on as it came. What
isn't whole yet is kept, and never more than the server has sent.
"""

import cython
from cython.cimports.cpython.bytes import (
    PyBytes_AS_STRING,
    PyBytes_FromStringAndSize,
    PyBytes_GET_SIZE,
)
from cython.cimports.cpython.unicode import PyUnicode_DecodeUTF8
from cython.cimports.libc.stdlib import free, realloc
from cython.cimports.libc.string import memchr, memcmp, memcpy, memmove

__all__ = ["MessageReader", "Msg", "StreamError", "read_headers"]

# A line is seldom longer than 4 KiB; INFO names every server of a cluster.
LONGEST_LINE = cython.declare(cython.Py_ssize_t, 1 << 20)
# No server allows a message of more digits.
MOST_DIGITS = cython.declare(cython.Py_ssize_t, 10)
# What is kept for the next piece; more is let go when there is nothing in it.
KEPT = cython.declare(cython.Py_ssize_t, 1 << 17)


class StreamError(Exception):
    """This is no NATS."""


class Msg:
    """A message, as it was delivered.

    Attributes:
        token: the last token of its subject; empty if its subscription doesn't ask for it.
        reply: the subject for an answer; empty if none is wanted.
        headers: by name; None if there are none.
        data: the body.
    """

    def __repr__(self):
        return f"<Msg to {self.token!r}, {len(self.data)} bytes>"


class Sink:
    """A subscription's receiver.

    Parameters:
        receive: takes each message.
        wants_token: whether it asks for the last token of the subject.
    """

    def __init__(self, receive, wants_token):
        self.receive = receive
        self.wants_token = wants_token

    def take(self, msg):
        self.receive(msg)
        return 0


class MessageReader:
    """Reads what a server sends.

    Parameters:
        on_line: takes a line that is no message, with its end.
        on_error: is called with what a receiver raised.
    """

    def __init__(self, on_line, on_error):
        self.on_line = on_line
        self.on_error = on_error
        self.sinks = {}

    def __dealloc__(self):
        free(self.held)

    def subscribe(self, number, receive, wants_token=False):
        """Has messages of a subscription go to a function.

        Parameters:
            number: the subscription's.
            receive: takes each `Msg`.
            wants_token: whether it needs the last token of the subject.
        """
        self.sinks[number] = Sink(receive, wants_token)

    def unsubscribe(self, number):
        """Drops the messages of a subscription from now on."""
        self.sinks.pop(number, None)

    def close(self):
        """Takes nothing more."""
        self.is_closed = True
        self.sinks.clear()

    def feed(self, data: bytes):
        """Takes more of the stream.

        Parameters:
            data: bytes.

        Raises:
            StreamError: this is no NATS.
        """
        self.take(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))

    def take(self, data, size):
        """Takes more of the stream, from somebody's buffer."""
        done: cython.Py_ssize_t
        if self.held_size == 0:
            done = self.parse(data, size)
            if done < size and not self.is_closed:
                self.hold(data + done, size - done)
            return 0
        self.hold(data, size)
        if self.held_size < self.wanted:
            return 0
        done = self.parse(self.held, self.held_size)
        self.held_size -= done
        if self.held_size:
            memmove(self.held, self.held + done, self.held_size)
        elif self.room > KEPT:
            free(self.held)
            self.held = cython.NULL
            self.room = 0
        return 0

    def hold(self, data, size):
        """Keeps what isn't whole yet."""
        room: cython.Py_ssize_t
        needed: cython.Py_ssize_t = self.held_size + size
        if needed > self.room:
            room = max(needed, 2 * self.room, 4096)
            grown = cython.cast(cython.p_char, realloc(self.held, room))
            if grown == cython.NULL:
                raise MemoryError
            self.held = grown
            self.room = room
        memcpy(self.held + self.held_size, data, size)
        self.held_size = needed
        return 0

    def parse(self, data, size):
        """Takes what is whole; returns how many bytes that was."""
        at: cython.Py_ssize_t = 0
        line: cython.Py_ssize_t
        used: cython.Py_ssize_t
        self.wanted = 0
        while at < size and not self.is_closed:
            end = cython.cast(cython.p_char, memchr(data + at, 10, size - at))
            if end == cython.NULL:
                if size - at > LONGEST_LINE:
                    raise StreamError(f"a line of more than {LONGEST_LINE} bytes")
                break
            line = end - (data + at) + 1
            if line > 4 and memcmp(data + at, b"MSG ", 4) == 0:
                used = self.take_message(data + at, line, size - at, 4)
            elif line > 5 and memcmp(data + at, b"HMSG ", 5) == 0:
                used = self.take_message(data + at, line, size - at, 5)
            else:
                self.on_line(PyBytes_FromStringAndSize(data + at, line))
                used = line
            if used == 0:
                break
            at += used
        return at

    def take_message(self, data, line, size, at):
        """Takes a message; returns how many bytes it has, or 0 if it isn't whole yet."""
        starts: cython.Py_ssize_t[5]
        sizes: cython.Py_ssize_t[5]
        count: cython.int = 0
        has_headers: cython.bint = at == 5
        total: cython.Py_ssize_t
        head: cython.Py_ssize_t = 0
        stop: cython.Py_ssize_t = line - 1
        body: cython.p_char = cython.cast(cython.p_char, data) + line
        sink: Sink
        if data[stop - 1] == 13:
            stop -= 1
        while True:
            while at < stop and is_space(data[at]):
                at += 1
            if at == stop:
                break
            if count == 5:
                raise StreamError(f"a message with too much before it: {data[:line]!r:.200}")
            starts[count] = at
            while at < stop and not is_space(data[at]):
                at += 1
            sizes[count] = at - starts[count]
            count += 1
        if not 3 + has_headers <= count <= 4 + has_headers:
            raise StreamError(f"a message that can't be read: {data[:line]!r:.200}")
        total = number_at(data + starts[count - 1], sizes[count - 1])
        if has_headers:
            head = number_at(data + starts[count - 2], sizes[count - 2])
            if head > total:
                raise StreamError(f"headers of {head} bytes in a message of {total}")
        if size < line + total + 2:
            self.wanted = line + total + 2
            return 0
        if body[total] != 13 or body[total + 1] != 10:
            raise StreamError(f"a message of {total} bytes doesn't end there")
        sink = self.sinks.get(number_at(data + starts[1], sizes[1]))
        if sink is None:
            return line + total + 2
        try:
            msg: Msg = Msg.__new__(Msg)
            if sink.wants_token:
                msg.token = last_token(data + starts[0], sizes[0])
            else:
                msg.token = ""
            if count > 3 + has_headers:
                msg.reply = PyUnicode_DecodeUTF8(data + starts[2], sizes[2], b"replace")
            else:
                msg.reply = ""
            if has_headers:
                msg.headers = read_headers(PyBytes_FromStringAndSize(body, head))
            msg.data = PyBytes_FromStringAndSize(body + head, total - head)
            sink.take(msg)
        except Exception as exc:
            self.on_error(exc)
        return line + total + 2


def is_space(char):
    return char == 32 or char == 9


def number_at(text, size):
    """Returns a number in decimal digits."""
    value: cython.Py_ssize_t = 0
    i: cython.Py_ssize_t
    if not 0 < size <= MOST_DIGITS:
        raise StreamError(f"no number: {text[:size]!r}")
    for i in range(size):
        if not 48 <= text[i] <= 57:
            raise StreamError(f"no number: {text[:size]!r}")
        value = value * 10 + (text[i] - 48)
    return value


def last_token(subject, size):
    start: cython.Py_ssize_t = size
    while start > 0 and subject[start - 1] != 46:
        start -= 1
    return PyUnicode_DecodeUTF8(subject + start, size - start, b"replace")


def read_headers(block: bytes):
    """Returns the headers of a message, None if there are none.

    What the server says by itself, as "503" for nobody who listens, is under `Status`, and its
    words under `Description`, which is how nats-py has it.

    Parameters:
        block: from `NATS/1.0` to the empty line.
    """
    found = {}
    first, *lines = block.decode("utf-8", "replace").split("\r\n")
    status, _, description = first.partition(" ")[2].strip().partition(" ")
    if status:
        found["Status"] = status
    if description:
        found["Description"] = description.strip()
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            found[name.strip()] = value.strip()
    return found or None
