"""The receiver against a real connection on the loopback.

Invariant proved: it tells apart a transfer that ended, one that it ended, and one that broke.
"""

import socket
import threading
from collections.abc import Callable

import pytest

from mainspring.cli.demo.receiver import Received, connect_receiver, receive

RATE = 1e9


def serve(play: Callable[[socket.socket], None], total: int, deadline: float) -> Received:
    """Let `play` be the sender of a transfer, and return what the receiver says."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sock = connect_receiver(listener.getsockname(), 16384, 10)
        connection, _ = listener.accept()
    sender = threading.Thread(target=play, args=(connection,))
    sender.start()
    try:
        with sock:
            return receive(sock, total, RATE, deadline, lambda _: None)
    finally:
        sender.join()
        connection.close()


def test_all_that_is_sent_is_received() -> None:
    result = serve(lambda sock: sock.sendall(bytes(500_000)), 500_000, 60)
    assert result.received == 500_000
    assert not result.capped


def test_a_sender_that_closes_early_is_an_error_with_the_bytes_that_came() -> None:
    def play(sock: socket.socket) -> None:
        sock.sendall(bytes(1000))
        sock.shutdown(socket.SHUT_WR)

    with pytest.raises(ConnectionError, match="after 1000 of 5000 bytes"):
        serve(play, 5000, 60)


def test_a_transfer_is_ended_at_the_deadline() -> None:
    result = serve(lambda sock: sock.sendall(bytes(100)), 5000, 0)
    assert result.capped
    assert 0 < result.received < 5000


def test_a_sender_that_falls_silent_is_ended_at_the_deadline() -> None:
    result = serve(lambda sock: sock.sendall(bytes(100)), 5000, 0.01)
    assert result.capped
    assert result.received == 100


def test_the_receive_buffer_is_fixed_before_the_connection_is_made() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        connect_receiver(listener.getsockname(), 16384, 10) as sock,
    ):
        size = sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    assert size in (16384, 2 * 16384)


def test_a_refused_connection_is_an_os_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
    with pytest.raises(OSError, match="refused"):
        connect_receiver(address, 16384, 10)
