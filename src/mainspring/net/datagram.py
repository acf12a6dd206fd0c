"""`DatagramTransport`: asyncio's transport for a datagram socket, connected or not.

A datagram is sent at once, in `sendto`; what the system doesn't take waits in a queue, in order.
Sending is not gathered as in streams: `sendmmsg` of sixteen saves 4 % of what the system charges
for sixteen `sendto`, of four 1 %, and costs a lone datagram 6 % (measured over the loopback).
Each turn of a socket receives at most `DATAGRAMS_A_TURN`, so a busy one doesn't hold up the others.
UDP is received by four in a call, and a call that brought fewer is the turn's last: a lone datagram
costs one call, not two; one of a burst a quarter of one (counted; in CPU time a tie).
An error of the system is told to `error_received` and ends nothing: it may be one of many peers'.
"""

import asyncio
import socket
import sys
from asyncio.log import logger
from collections import deque
from os import strerror

import cython
from cython.cimports.cpython.bytes import PyBytes_FromStringAndSize
from cython.cimports.libc.errno import EAGAIN, EINTR, errno
from cython.cimports.mainspring.core.poller import READ, WRITE
from cython.cimports.mainspring.core.scheduler import READ_BUFFER_SIZE, Scheduler
from cython.cimports.mainspring.net.address import (
    peer_address,
    sockaddr_to_python,
)
from cython.cimports.mainspring.net.system import (
    c_recvmmsg,
    iovec,
    mmsghdr,
    sockaddr,
    sockaddr_storage,
)
from cython.cimports.mainspring.net.transport import FdTransport
from cython.cimports.mainspring.net.writing import (
    DEFAULT_HIGH_WATER,
    tell_protocol,
    water_marks,
)

DATAGRAMS_A_TURN = cython.declare(cython.int, 16)
# The loop's buffer in as many parts that none is smaller than the largest UDP datagram, which is
# below 64 KiB; those of other families can be larger, and have it for themselves.
UDP_DATAGRAMS_A_CALL = cython.declare(cython.int, 4)
WARN_AFTER = cython.declare(cython.int, 5)

# As asyncio has it: from 3.13 on a datagram in the queue counts eight bytes more than its data, and
# an empty one is sent.
_IS_313 = sys.version_info >= (3, 13)
HEADER_SIZE = cython.declare(cython.int, 8 if _IS_313 else 0)
SENDS_EMPTY = cython.declare(cython.bint, _IS_313)


class _DatagramTransport(asyncio.Transport, asyncio.DatagramTransport):
    """What `type(transport)` is to `isinstance`: both, as asyncio's own is."""

    __slots__ = ()


_DatagramTransport.__name__ = _DatagramTransport.__qualname__ = "DatagramTransport"


class DatagramTransport(FdTransport):
    """A datagram socket."""

    @property
    def __class__(self):
        return _DatagramTransport

    @property
    def _sock(self):
        # As asyncio's transports have it; CPython's tests look at it.
        return None if self.fd < 0 else self.socket

    def sendto(self, data, addr=None):
        """Sends a datagram; returns at once. What the system doesn't take yet is kept.

        Parameters:
            data: bytes-like.
            addr: to whom; None for the endpoint's remote address.

        Raises:
            TypeError: `data` is not bytes-like.
            ValueError: `addr` is not the endpoint's remote address.
        """
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(
                f"data argument must be a bytes-like object, not {type(data).__name__!r}"
            )
        if not SENDS_EMPTY and not data:
            return
        if self.address is not None:
            if addr is not None and addr != self.address:
                raise ValueError(f"Invalid address: must be None or {self.address}, not {addr!r}")
            addr = self.address
        if self.fd < 0 or self.is_ended or (self.lost_writes and self.address is not None):
            if self.lost_writes >= WARN_AFTER:
                logger.warning("socket.send() raised exception.")
            self.lost_writes += 1
            return
        if not self.queue:
            try:
                if self.try_to_send(data, addr):
                    return
            except OSError as exc:
                self.protocol.error_received(exc)
                return
            except (SystemExit, KeyboardInterrupt):
                raise
            except BaseException as exc:
                self.fatal_error(exc, "Fatal write error on datagram transport")
                return
            self.scheduler.fds.set_interest(self, self.interest | WRITE)
        data = bytes(data)
        self.queue.append((data, addr))
        self.unsent += len(data) + HEADER_SIZE
        if self.unsent > self.high_water and not self.is_write_paused:
            self.is_write_paused = True
            tell_protocol(self, self.protocol, "pause_writing")

    def try_to_send(self, data, address):
        """Returns False when the system has no room now."""
        try:
            if self.is_connected:
                self.socket.send(data)
            else:
                self.socket.sendto(data, address)
        except (BlockingIOError, InterruptedError):
            return False
        return True

    def write_ready(self):
        # Taken off first: whoever is told of an error may send, close or abort.
        while self.queue:
            data, address = self.queue.popleft()
            self.unsent -= len(data) + HEADER_SIZE
            try:
                if not self.try_to_send(data, address):
                    self.queue.appendleft((data, address))
                    self.unsent += len(data) + HEADER_SIZE
                    break
            except OSError as exc:
                self.call_protocol("error_received", exc)
            except (SystemExit, KeyboardInterrupt):
                raise
            except BaseException as exc:
                self.fatal_error(exc, "Fatal write error on datagram transport")
                return 0
        if self.is_write_paused and self.unsent <= self.low_water:
            self.is_write_paused = False
            tell_protocol(self, self.protocol, "resume_writing")
        if not self.queue and not self.is_ending:
            self.scheduler.fds.set_interest(self, self.interest & ~WRITE)
            if self.is_closing_:
                self.lost_writes += 1
                self.schedule_end(None)
        return 0

    def start_reading(self):
        if not self.is_closing_:
            self.scheduler.fds.set_interest(self, self.interest | READ)
        return 0

    def read_ready(self):
        count: cython.int
        left: cython.int = DATAGRAMS_A_TURN
        while left > 0 and self.interest & READ:
            count = self.receive()
            if count < self.datagrams_a_call:
                break
            left -= count
        return 0

    def receive(self):
        """Makes one system call; returns the number of datagrams received, or -1."""
        messages: mmsghdr[4]
        chunks: iovec[4]
        senders: sockaddr_storage[4]
        index: cython.int
        count: cython.int
        rest: list = None
        wanted: cython.int = self.datagrams_a_call
        part: cython.Py_ssize_t = READ_BUFFER_SIZE // wanted
        buffer: cython.p_char = self.scheduler.buffer_for_reading()
        for index in range(wanted):
            chunks[index].iov_base = buffer + index * part
            chunks[index].iov_len = part
            messages[index].msg_hdr.msg_name = senders + index
            messages[index].msg_hdr.msg_namelen = cython.sizeof(sockaddr_storage)
            messages[index].msg_hdr.msg_iov = chunks + index
            messages[index].msg_hdr.msg_iovlen = 1
            messages[index].msg_hdr.msg_control = cython.NULL
            messages[index].msg_hdr.msg_controllen = 0
        count = c_recvmmsg(self.fd, messages, wanted, 0, cython.NULL)
        if count < 0:
            if errno != EAGAIN and errno != EINTR:
                exc = OSError(errno, strerror(errno))
                self.call_protocol("error_received", exc)
            return -1
        # All are out of the loop's buffer before the protocol is called, which may use it.
        data = PyBytes_FromStringAndSize(buffer, messages[0].msg_len)
        if count > 1:
            rest = [
                PyBytes_FromStringAndSize(buffer + index * part, messages[index].msg_len)
                for index in range(1, count)
            ]
        for index in range(count):
            if not self.interest & READ:
                break
            if index > 0:
                data = rest[index - 1]
            self.deliver(
                data,
                sockaddr_to_python(
                    cython.cast(cython.pointer(sockaddr), senders + index),
                    messages[index].msg_hdr.msg_namelen,
                ),
            )
        return count

    def deliver(self, data, address):
        try:
            self.context.run(self.protocol.datagram_received, data, address)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as exc:
            self.report(exc, "Exception in callback protocol.datagram_received()")
        return 0

    def drop_writes(self):
        self.queue.clear()
        self.unsent = 0
        return 0

    def has_writes(self):
        return len(self.queue) > 0

    def get_write_buffer_size(self):
        """Returns the size of what was not yet taken by the system, in bytes."""
        return self.unsent

    def get_write_buffer_limits(self):
        """Returns the low-water and the high-water mark, in bytes."""
        return (self.low_water, self.high_water)

    def set_write_buffer_limits(self, high=None, low=None):
        """Sets the marks between which the protocol is paused and resumed.

        Parameters:
            high: bytes; by default 64 KiB, or four times `low`.
            low: bytes; by default a quarter of `high`.

        Raises:
            ValueError: not high >= low >= 0.
        """
        self.low_water, self.high_water = water_marks(high, low, DEFAULT_HIGH_WATER)
        if self.unsent > self.high_water and not self.is_write_paused:
            self.is_write_paused = True
            tell_protocol(self, self.protocol, "pause_writing")


def open_datagram(loop: Scheduler, sock, protocol, address, waiter, level):
    """Starts a transport for a non-blocking datagram socket, which it closes in the end.

    Parameters:
        loop: the loop.
        sock: a `socket.socket`; it stays the owner of its fd.
        protocol: the protocol.
        address: the only address to send to, or None.
        waiter: a future that is done once `connection_made` was called.
        level: the level at which the socket's events run.

    Returns:
        The transport.
    """
    transport: DatagramTransport = DatagramTransport.__new__(DatagramTransport)
    transport.scheduler = loop
    transport.queue = deque()
    transport.address = address
    transport.high_water = DEFAULT_HIGH_WATER
    transport.low_water = DEFAULT_HIGH_WATER // 4
    transport.take(sock.fileno(), protocol, None, level)
    transport.take_socket(sock)
    transport.socket = sock
    peer_address(transport.fd, cython.address(transport.peer))
    transport.is_connected = transport.peer.size > 0
    is_udp = sock.family in (socket.AF_INET, socket.AF_INET6)
    transport.datagrams_a_call = UDP_DATAGRAMS_A_CALL if is_udp else 1
    transport.waiter = waiter
    transport.begin()
    return transport
