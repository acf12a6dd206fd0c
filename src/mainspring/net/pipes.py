"""`ReadPipeTransport` and `WritePipeTransport`: one end of a pipe, FIFO, socket, tty or pty.

They are the halves of a stream, on a file object that closes the fd in the end. A pipe has no half
to keep open: the end of the data ends a reading one, and the end of the reader a writing one.
"""

import asyncio
import errno
import os
import stat
import sys

import cython
from cython.cimports.mainspring.core.capi import PyErr_GetRaisedException
from cython.cimports.mainspring.core.level import DEFAULT_LEVEL
from cython.cimports.mainspring.core.poller import READ, WRITE
from cython.cimports.mainspring.core.scheduler import Scheduler
from cython.cimports.mainspring.net.reading import ReadingTransport
from cython.cimports.mainspring.net.transport import FdTransport
from cython.cimports.mainspring.net.writing import DEFAULT_HIGH_WATER, WritingTransport


class _ReadPipe(asyncio.ReadTransport):
    """What `type(transport)` is to `isinstance`: an `asyncio.ReadTransport` of this loop."""

    __slots__ = ()


class _WritePipe(asyncio.Transport):
    """What `type(transport)` is to `isinstance`: an `asyncio.Transport`, as asyncio's own is."""

    __slots__ = ()


_ReadPipe.__name__ = _ReadPipe.__qualname__ = "ReadPipeTransport"
_WritePipe.__name__ = _WritePipe.__qualname__ = "WritePipeTransport"


class ReadPipeTransport(ReadingTransport):
    """The reading end of a pipe."""

    @property
    def __class__(self):
        return _ReadPipe

    @property
    def _pipe(self):
        """The file object, None once it is closed; None may be set by who closed it himself."""
        return None if self.fd < 0 else self.owner

    @_pipe.setter
    def _pipe(self, value):
        _leave_pipe(self, value)

    def start_reading(self):
        try:
            ReadingTransport.start_reading(self)
        except PermissionError:
            # A device that the poller doesn't take, as /dev/null, lets nobody wait: it is read in
            # turns with all else.
            if self.next_read is None:
                priority = self.base_level - DEFAULT_LEVEL
                self.next_read = self.loop.call_soon(self._read_unwatched, priority=priority)
        return 0

    def _read_unwatched(self):
        self.next_read = None
        if not self.is_paused and not self.is_closing_:
            self.read_ready()
            self.start_reading()

    def end_of_file(self):
        self.is_at_end = True
        self.is_closing_ = True
        try:
            self.context.run(self.protocol.eof_received)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as exc:
            self.report(exc, "Exception in callback protocol.eof_received()")
        return self.schedule_end(None)

    def protocol_failed(self, method: str):
        # Reported and no more, as in asyncio: the pipe's data may not all be for who failed.
        exc = PyErr_GetRaisedException()
        if isinstance(exc, (SystemExit, KeyboardInterrupt)):
            raise exc
        return self.report(exc, f"Exception in callback protocol.{method}()")

    def is_peers(self, exc):
        # What a pty's master is told when its last slave is closed.
        return isinstance(exc, OSError) and exc.errno == errno.EIO

    def _repr_info(self):
        return _describe(self, READ)


class WritePipeTransport(WritingTransport):
    """The writing end of a pipe."""

    @property
    def __class__(self):
        return _WritePipe

    @property
    def _pipe(self):
        """The file object, None once it is closed; None may be set by who closed it himself."""
        return None if self.fd < 0 else self.owner

    @_pipe.setter
    def _pipe(self, value):
        _leave_pipe(self, value)

    def start_reading(self):
        # Nothing is ever read: the end of the reader makes the fd "readable".
        if self.tells_of_readers and not self.is_closing_:
            self.scheduler.fds.set_interest(self, self.interest | READ)
        return 0

    def read_ready(self):
        return self.force_close(BrokenPipeError() if self.unsent > 0 else None)

    def close(self):
        """Closes the pipe once what was written is sent; takes nothing more from now on."""
        if self.is_closing_:
            return
        WritingTransport.close(self)
        self.lost_writes += 1

    def write_eof(self):
        """Closes the pipe, as `close()` does: the end of a pipe is its only end of file."""
        self.close()

    def _repr_info(self):
        info = _describe(self, WRITE)
        if self.fd >= 0:
            info.append(f"bufsize={self.unsent}")
        return info


def open_read_pipe(loop: Scheduler, pipe, protocol, waiter, level):
    """Starts a transport for the reading end of a pipe, which it closes in the end.

    Parameters:
        loop: the loop.
        pipe: a file object of a pipe, FIFO, socket or character device; it is made non-blocking.
        protocol: the protocol.
        waiter: a future that is done once `connection_made` was called.
        level: the level at which the pipe's events run.

    Returns:
        The transport.

    Raises:
        ValueError: `pipe` is of another kind, such as a regular file.
    """
    _mode_of(pipe)
    transport: ReadPipeTransport = ReadPipeTransport.__new__(ReadPipeTransport)
    return _open(transport, loop, pipe, protocol, waiter, level)


def open_write_pipe(loop: Scheduler, pipe, protocol, waiter, level):
    """Starts a transport for the writing end of a pipe, which it closes in the end.

    Parameters, result and errors are those of `open_read_pipe`.
    """
    mode = _mode_of(pipe)
    transport: WritePipeTransport = WritePipeTransport.__new__(WritePipeTransport)
    # A character device is readable for what is typed there. AIX tells of a socket's reader only.
    is_told = stat.S_ISFIFO(mode) and not sys.platform.startswith("aix")
    transport.tells_of_readers = stat.S_ISSOCK(mode) or is_told
    transport.high_water = DEFAULT_HIGH_WATER
    transport.low_water = DEFAULT_HIGH_WATER // 4
    return _open(transport, loop, pipe, protocol, waiter, level)


def _mode_of(pipe):
    mode = os.fstat(pipe.fileno()).st_mode
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or stat.S_ISCHR(mode)):
        raise ValueError(
            f"Pipe transport is for pipes, sockets and character devices only, not {pipe!r}; "
            f"read or write it in a thread (asyncio.to_thread)"
        )
    return mode


@cython.cfunc
def _open(
    transport: FdTransport, loop: Scheduler, pipe, protocol, waiter, level: cython.int
) -> FdTransport:
    transport.scheduler = loop
    transport.is_pipe = True
    os.set_blocking(pipe.fileno(), False)
    transport.take(pipe.fileno(), protocol, None, level)
    transport.owner = pipe
    transport.waiter = waiter
    transport.begin()
    return transport


@cython.cfunc
def _leave_pipe(transport: FdTransport, value):
    """Lets go of the fd without closing it."""
    if value is not None:
        raise ValueError(f"the pipe of a transport can't be replaced, by {value!r}")
    if transport.fd >= 0:
        transport.is_closing_ = True
        transport.scheduler.fds.remove(transport)
        transport.fd = -1


@cython.cfunc
def _describe(transport: FdTransport, direction: cython.int) -> list:
    info = FdTransport._repr_info(transport)
    if transport.fd >= 0:
        if transport.scheduler.is_shut:
            info.append("open")
        else:
            info.append("polling" if transport.interest & direction else "idle")
    return info
