"""`FrameReader`: cuts what a broker sends into frames, and puts messages together.

What comes once per message (deliveries, returns, confirms) is taken apart here, in C; every other
method is handed on as bytes, because there is one of it per connection or queue. Nothing that
a peer may send reads beyond its frame: what doesn't fit is a `FrameError`, after which the stream
can't be trusted any more.
"""

import cython
from cython.cimports.cpython.bytes import (
    PyBytes_AS_STRING,
    PyBytes_FromStringAndSize,
    PyBytes_GET_SIZE,
)

METHOD = cython.declare(cython.int, 1)
HEADER = cython.declare(cython.int, 2)
BODY = cython.declare(cython.int, 3)
HEARTBEAT = cython.declare(cython.int, 8)
END = cython.declare(cython.int, 0xCE)
# Type, channel, size; and the end octet.
HEAD = cython.declare(cython.Py_ssize_t, 7)
OVERHEAD = cython.declare(cython.Py_ssize_t, 8)
# Class and method as one number.
DELIVER = cython.declare(cython.uint, (60 << 16) | 60)
RETURN = cython.declare(cython.uint, (60 << 16) | 50)
ACK = cython.declare(cython.uint, (60 << 16) | 80)
NACK = cython.declare(cython.uint, (60 << 16) | 120)


class FrameError(Exception):
    """The peer has sent what is no AMQP, or what doesn't belong where it came."""


class Content:
    """A message that came in: delivered, or returned because nobody would get it."""

    def __init__(self):
        raise TypeError("contents are made by a FrameReader")


class FrameReader:
    """Takes a stream of frames and calls a sink for each thing that is whole.

    Parameters:
        sink: has `on_content(content)`, `on_confirm(channel, tag, multiple, taken)` and
            `on_method(channel, number, arguments)`, where `number` is the class and the method in
            16 bits each, and `arguments` the bytes that follow.
        frame_max: the longest frame that the peer may send.
    """

    def __init__(self, sink, frame_max):
        self.on_content = sink.on_content
        self.on_confirm = sink.on_confirm
        self.on_method = sink.on_method
        self.frame_max = frame_max
        self.rest = b""
        self.unfinished = {}

    def close(self):
        """Lets go of the sink, and of messages that never became whole."""
        self.on_content = self.on_confirm = self.on_method = None
        self.unfinished.clear()
        self.rest = b""

    def feed(self, data):
        """Takes more of the stream.

        Parameters:
            data: bytes.

        Raises:
            FrameError: this is no AMQP.
        """
        start: cython.p_uchar
        position: cython.Py_ssize_t = 0
        size: cython.Py_ssize_t
        length: cython.Py_ssize_t
        if self.rest:
            data = self.rest + data
            self.rest = b""
        elif type(data) is not bytes:
            data = bytes(data)
        size = PyBytes_GET_SIZE(data)
        start = cython.cast(cython.p_uchar, PyBytes_AS_STRING(data))
        while size - position >= HEAD:
            length = number_at(start + position + 3, 4)
            if length + OVERHEAD > self.frame_max:
                raise FrameError(f"a frame of {length} bytes; at most {self.frame_max} were agreed")
            if size - position < length + OVERHEAD:
                break
            if start[position + HEAD + length] != END:
                raise FrameError("a frame doesn't end with 0xCE: this is no AMQP 0-9-1")
            self.take(
                start[position],
                cython.cast(cython.int, number_at(start + position + 1, 2)),
                start + position + HEAD,
                length,
            )
            position += length + OVERHEAD
            if self.on_method is None:
                # Closed by what it was just told.
                return
        if position < size:
            self.rest = data[position:] if position else data

    def take(self, kind, channel, payload, length):
        """Takes one frame."""
        if kind == METHOD:
            self.take_method(channel, payload, length)
        elif kind == BODY:
            self.take_body(channel, payload, length)
        elif kind == HEADER:
            self.take_header(channel, payload, length)
        elif kind != HEARTBEAT:
            raise FrameError(f"a frame of type {kind}")
        return 0

    def take_method(self, channel, payload, length):
        number: cython.uint
        if length < 4:
            raise FrameError("a method without a number")
        number = cython.cast(cython.uint, number_at(payload, 4))
        if number == DELIVER:
            self.take_delivery(channel, payload + 4, length - 4)
        elif number == ACK or number == NACK:
            if length < 13:
                raise FrameError("a confirm that is cut off")
            self.on_confirm(
                channel, number_at(payload + 4, 8), (payload[12] & 1) != 0, number == ACK
            )
        elif number == RETURN:
            self.take_return(channel, payload + 4, length - 4)
        else:
            arguments = PyBytes_FromStringAndSize(
                cython.cast(cython.p_char, payload) + 4, length - 4
            )
            self.on_method(channel, number, arguments)
        return 0

    def take_delivery(self, channel, payload, length):
        content: Content = self.begin(channel)
        at: cython.Py_ssize_t
        content.consumer_tag = short_text(payload, 0, length)
        at = 1 + payload[0]
        if at + 9 > length:
            raise FrameError("a delivery that is cut off")
        content.delivery_tag = number_at(payload + at, 8)
        content.redelivered = (payload[at + 8] & 1) != 0
        at += 9
        content.exchange = short_text(payload, at, length)
        at += 1 + payload[at]
        content.routing_key = short_text(payload, at, length)
        return 0

    def take_return(self, channel, payload, length):
        content: Content = self.begin(channel)
        at: cython.Py_ssize_t = 2
        if length < 3:
            raise FrameError("a return that is cut off")
        content.reply_code = cython.cast(cython.int, number_at(payload, 2))
        content.reply_text = short_text(payload, at, length)
        at += 1 + payload[at]
        content.exchange = short_text(payload, at, length)
        at += 1 + payload[at]
        content.routing_key = short_text(payload, at, length)
        return 0

    def begin(self, channel):
        content: Content = Content.__new__(Content)
        if channel in self.unfinished:
            raise FrameError(f"a message began on channel {channel} before the last was whole")
        content.channel = channel
        content.missing = -1
        content.body = b""
        self.unfinished[channel] = content
        return content

    def take_header(self, channel, payload, length):
        content: Content = self.unfinished.get(channel)
        if content is None or content.missing >= 0:
            raise FrameError(f"a header on channel {channel} that belongs to no message")
        if length < 14:
            raise FrameError("a header that is cut off")
        content.missing = number_at(payload + 4, 8)
        take_properties(content, payload, length)
        if content.missing == 0:
            self.finish(channel, content)
        return 0

    def take_body(self, channel, payload, length):
        content: Content = self.unfinished.get(channel)
        if content is None or length > content.missing:
            raise FrameError(f"a body on channel {channel} that belongs to no message")
        part = PyBytes_FromStringAndSize(cython.cast(cython.p_char, payload), length)
        content.missing -= length
        if content.parts is not None:
            content.parts.append(part)
        elif content.missing:
            content.parts = [part]
        else:
            content.body = part
        if content.missing == 0:
            if content.parts is not None:
                content.body = b"".join(content.parts)
                content.parts = None
            self.finish(channel, content)
        return 0

    def finish(self, channel, content):
        del self.unfinished[channel]
        self.on_content(content)
        return 0

    def forget(self, channel):
        """Drops what is unfinished on a channel that is closed.

        Parameters:
            channel: its number.
        """
        self.unfinished.pop(channel, None)


def number_at(payload, octets):
    """Returns a number in network order."""
    value: cython.ulonglong = 0
    i: cython.int
    for i in range(octets):
        value = (value << 8) | payload[i]
    return value


def short_text(payload, at, length):
    """Returns the text of a length octet and so many bytes, which must be inside the payload."""
    if at >= length or at + 1 + payload[at] > length:
        raise FrameError("a text that is cut off")
    return PyBytes_FromStringAndSize(
        cython.cast(cython.p_char, payload) + at + 1, payload[at]
    ).decode("utf-8", "replace")


def take_properties(content, payload, length):
    """Reads those properties that this project uses, and passes over the others."""
    flags: cython.uint = cython.cast(cython.uint, number_at(payload + 12, 2))
    at: cython.Py_ssize_t = 14
    size: cython.Py_ssize_t
    if flags & 1:
        raise FrameError("a header with more properties than there are")
    if flags & 0x8000:
        content.content_type = short_text(payload, at, length)
        at += 1 + payload[at]
    if flags & 0x4000:
        # The encoding of the text: always UTF-8, whatever it says.
        short_text(payload, at, length)
        at += 1 + payload[at]
    if flags & 0x2000:
        if at + 4 > length:
            raise FrameError("headers that are cut off")
        size = cython.cast(cython.Py_ssize_t, number_at(payload + at, 4))
        if at + 4 + size > length:
            raise FrameError("headers that are cut off")
        if size:
            content.headers = PyBytes_FromStringAndSize(
                cython.cast(cython.p_char, payload) + at + 4, size
            )
        at += 4 + size
    # Delivery mode and priority, an octet each.
    at += (1 if flags & 0x1000 else 0) + (1 if flags & 0x0800 else 0)
    if flags & 0x0400:
        content.correlation_id = short_text(payload, at, length)
        at += 1 + payload[at]
    if flags & 0x0200:
        content.reply_to = short_text(payload, at, length)
        at += 1 + payload[at]
    if flags & 0x0100:
        content.expiration = short_text(payload, at, length)
    return 0
