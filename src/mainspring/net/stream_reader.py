"""`StreamReaderFeeder`: gives what came in to an `asyncio.StreamReader`.

asyncio's streams are Python: a piece of data goes through five functions, and twice into other
memory, before the task that waits for it is woken. This does what those five do, from the loop's
buffer and in one. It serves the protocol and the reader that `asyncio.start_server` and
`asyncio.open_connection` make, and leaves whatever is a class of its own, or isn't as
`net/streams` knows it, to that class's own methods.
"""

import cython
from cython.cimports.cpython.bytes import PyBytes_FromStringAndSize
from cython.cimports.mainspring.net.receiver import Receiver

from mainspring.net.streams import quicken


class StreamReaderFeeder(Receiver):
    """Stands between a transport and a `StreamReaderProtocol`."""

    def receive(self, data, size):
        held: cython.Py_ssize_t
        reader = self.reader()
        if reader is None:
            # Nobody reads any more.
            return 0
        if reader._eof:
            self.protocol.data_received(PyBytes_FromStringAndSize(data, size))
            return 0
        held = self.received.add(data, size)
        waiter = reader._waiter
        if waiter is not None:
            reader._waiter = None
            if not waiter.cancelled():
                waiter.set_result(None)
        if held > 2 * self.limit:
            if not reader._paused and reader._transport is not None:
                reader._transport.pause_reading()
                reader._paused = True
        return 0


def feeder_of(protocol):
    """Returns a feeder for asyncio's own stream protocol, None for any other."""
    received = quicken(protocol)
    if received is None:
        return None
    feeder: StreamReaderFeeder = StreamReaderFeeder.__new__(StreamReaderFeeder)
    feeder.protocol = protocol
    feeder.reader = protocol._stream_reader_wr
    feeder.received = received
    feeder.limit = protocol._stream_reader._limit
    return feeder
