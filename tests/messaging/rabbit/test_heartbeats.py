"""Heartbeats of another thread: only for a loop that stands still, and never inside a frame."""

import asyncio
import socket
import threading
import time

import pytest

from mainspring.messaging.rabbit.connection import Connection
from mainspring.messaging.rabbit.heartbeats import HeartbeatThread
from mainspring.messaging.rabbit.methods import HEARTBEAT, PROTOCOL_HEADER


class Stalled:
    """A connection whose loop was alive long ago."""

    def __init__(self):
        self.interval = 0.01
        self.loop_was_alive = self.last_sent = time.monotonic() - 1000
        self.sent = threading.Event()

    def send_beside(self):
        self.sent.set()


def test_a_loop_that_stands_still_has_its_heartbeats_sent():
    thread, stalled = HeartbeatThread(), Stalled()
    thread.add(stalled)
    assert stalled.sent.wait(60)
    thread.remove(stalled)


def test_the_thread_ends_with_the_last_connection_and_begins_again_with_the_next():
    thread = HeartbeatThread()
    for _ in range(2):
        first, second = Stalled(), Stalled()
        thread.add(first)
        thread.add(second)
        running = thread._thread
        thread.remove(first)
        assert thread._thread is running
        thread.remove(second)
        running.join(60)
        assert not running.is_alive()


class Transport:
    """Takes what is written and says that it is with the system."""

    def __init__(self):
        self.written = []

    def write(self, data):
        self.written.append(data)

    def set_write_buffer_limits(self, high):
        self.high = high

    def abort(self):
        pass


@pytest.fixture
def sockets():
    """What the thread writes to, and what can be read of it."""
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.setblocking(False)
    with ours, theirs:
        yield ours, theirs


async def connected(ours):
    """A connection on a transport that only takes notes."""
    connection = Connection(asyncio.get_running_loop(), "nowhere:1")
    transport = Transport()
    connection.connection_made(transport)
    await asyncio.sleep(0)
    assert transport.high == 0
    assert transport.written == [PROTOCOL_HEADER]
    transport.written.clear()
    connection._socket = ours
    return connection, transport


async def test_a_heartbeat_goes_past_what_is_not_begun(sockets):
    connection, transport = await connected(sockets[0])
    connection.write(b"frame")
    connection.send_beside()
    assert sockets[1].recv(100) == HEARTBEAT
    await asyncio.sleep(0)
    assert transport.written == [b"frame"]


async def test_nothing_is_sent_while_something_is_half_sent(sockets):
    connection, transport = await connected(sockets[0])
    connection.write(b"long frame")
    await asyncio.sleep(0)
    connection.pause_writing()
    connection.send_beside()
    with pytest.raises(BlockingIOError):
        sockets[1].recv(100)
    connection.write(b"next")
    await asyncio.sleep(0)
    assert transport.written == [b"long frame"]
    connection.resume_writing()
    assert transport.written == [b"long frame", b"next"]
    connection.send_beside()
    assert sockets[1].recv(100) == HEARTBEAT


async def test_what_the_system_did_not_take_of_a_heartbeat_goes_before_all_else(sockets):
    ours, _ = sockets
    connection, transport = await connected(ours)
    # Until there is no room for all of a heartbeat, but for a part of one, or for none.
    filled = 0
    try:
        while True:
            filled += ours.send(b"\0")
    except BlockingIOError:
        pass
    connection.send_beside()
    left = connection._carry
    connection.write(b"frame")
    await asyncio.sleep(0)
    assert transport.written == [left + b"frame"]
    assert HEARTBEAT.endswith(left)
    assert connection._carry == b""


async def test_after_the_end_nothing_is_sent(sockets):
    connection, _ = await connected(sockets[0])
    connection.connection_lost(None)
    connection.send_beside()
    with pytest.raises(BlockingIOError):
        sockets[1].recv(100)
    assert "broke" in str(connection.error)
