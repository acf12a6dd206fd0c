"""`FileSend`: a file on its way into a socket, by the system's sendfile.

It stands behind all that was written to the transport before, and is sent in turns like that: each
sends what the socket has room for. Nothing can be written until it is through, so a file needs no
place among the chunks.
"""

import cython
from cython.cimports.libc.errno import (
    EAGAIN,
    EBADF,
    EINTR,
    EINVAL,
    EIO,
    EISDIR,
    ENOMEM,
    ENOSYS,
    EOVERFLOW,
    EPERM,
    ESPIPE,
    errno,
)
from cython.cimports.mainspring.net.system import c_sendfile

# What the system itself limits a call to.
MOST = cython.declare(cython.longlong, 0x7FFFF000)


class FileSend:
    """A file, and how much of it has been sent."""

    def send_some(self, fd: cython.int):
        """Sends what the socket takes; returns what is to be done next, errno set for FAILED."""
        sent: cython.Py_ssize_t
        while self.left != 0:
            sent = c_sendfile(
                fd,
                self.file,
                cython.address(self.offset),
                MOST if self.left < 0 or self.left > MOST else self.left,
            )
            if sent < 0:
                return MORE if errno in (EAGAIN, EINTR) else FAILED
            if sent == 0:
                break
            self.sent += sent
            if self.left > 0:
                self.left -= sent
            if self.left != 0 and self.offset < self.size:
                # The others' turn.
                return MORE
        return DONE

    def end(self, exc):
        """Tells who waits for it, unless he doesn't any more."""
        if not self.future.done():
            if exc is None:
                self.future.set_result(None)
            else:
                self.future.set_exception(exc)
        return 0


def new_file_send(file: cython.int, offset, count, size, future):
    """Returns a file that is to be sent.

    Parameters:
        file: its fd.
        offset: where to begin, in bytes.
        count: how many bytes to send; None for all up to the end.
        size: the file's size: where the end is expected.
        future: is done when the file is sent, or can't be.
    """
    made: FileSend = FileSend.__new__(FileSend)
    made.file = file
    made.offset = offset
    made.left = -1 if count is None else count
    made.size = size
    made.future = future
    return made


def is_files_fault(error: cython.int):
    """Returns True for an error of sendfile that says nothing of the connection."""
    return error in (EBADF, EINVAL, EIO, EISDIR, ENOMEM, ENOSYS, EOVERFLOW, EPERM, ESPIPE)
