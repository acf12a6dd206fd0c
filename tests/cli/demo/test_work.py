"""What a way is given: the data to send and the busy work, over real socket pairs.

Invariant proved: every byte is given out once, and the probe judges the socket itself.
"""

import socket
from collections.abc import Iterator

import pytest

from mainspring.cli.demo.work import MESSAGE_BYTES, Work, calibrate, spin

type Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def data() -> Iterator[Pair]:
    near, far = socket.socketpair()
    near.setblocking(False)
    with near, far:
        yield near, far


@pytest.fixture
def echo() -> Iterator[Pair]:
    near, far = socket.socketpair()
    with near, far:
        yield near, far


def fill(sock: socket.socket) -> None:
    try:
        while True:
            sock.send(bytes(MESSAGE_BYTES))
    except BlockingIOError:
        pass


@pytest.mark.parametrize("total", [0, 1, MESSAGE_BYTES, 3 * MESSAGE_BYTES + 7])
def test_the_messages_add_up_to_the_total(data: Pair, echo: Pair, total: int) -> None:
    with Work(data[0], echo[0], total, None) as work:
        sizes = []
        while message := work.next_message():
            sizes.append(len(message))
    assert sum(sizes) == total
    assert all(size == MESSAGE_BYTES for size in sizes[:-1])


def test_what_is_unsent_shrinks_by_what_was_sent(data: Pair, echo: Pair) -> None:
    with Work(data[0], echo[0], MESSAGE_BYTES + 10, None) as work:
        assert len(work.unsent()) == MESSAGE_BYTES
        work.mark_sent(30)
        assert len(work.unsent()) == MESSAGE_BYTES - 20
        work.mark_sent(MESSAGE_BYTES - 20)
        assert not work.unsent()


def test_a_quiet_run_has_no_busy_work(data: Pair, echo: Pair) -> None:
    with Work(data[0], echo[0], 1, None) as work:
        assert work.busy is None


def test_a_chunk_that_begins_while_the_socket_has_room_is_noted(data: Pair, echo: Pair) -> None:
    with Work(data[0], echo[0], 1, 10) as work:
        assert work.busy is not None
        work.busy.chunk()
        fill(data[0])
        work.busy.chunk()
        work.busy.chunk()
        assert (work.busy.chunks, work.busy.chunks_begun_writable) == (3, 1)


def test_a_socket_whose_reader_has_gone_counts_as_without_room(data: Pair, echo: Pair) -> None:
    with Work(data[0], echo[0], 1, 10) as work:
        assert work.busy is not None
        data[1].close()
        assert not work.busy.writable()


def test_the_probe_outlives_a_socket_that_a_transport_closed(data: Pair, echo: Pair) -> None:
    with Work(data[0], echo[0], 1, 10) as work:
        assert work.busy is not None
        data[0].close()
        work.busy.chunk()
        assert work.busy.chunks == 1


def test_spin_counts_as_far_as_it_is_told() -> None:
    assert spin(1000) == 1000


def test_a_calibrated_count_is_a_positive_number() -> None:
    assert calibrate() >= 1
