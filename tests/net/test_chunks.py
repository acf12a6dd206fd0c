"""What a message was received in serves for the next one, and nobody who kept it can tell."""

import asyncio

import pytest

from .support import Recorder


class Keeper(Recorder):
    """Keeps what `keep` makes of each piece of data."""

    def __init__(self, keep):
        super().__init__()
        self.keep = keep
        self.kept = []

    def data_received(self, data):
        self.kept.append(self.keep(data))
        super().data_received(data)


async def exchange(bench, messages, keep):
    """Sends messages one after the other; returns what the protocol kept of them."""
    transport, protocol, peer = await bench.connect(Keeper(keep))
    total = 0
    for message in messages:
        peer.sendall(message)
        total += len(message)
        await protocol.receives(total)
    transport.close()
    await protocol.lost()
    return protocol.kept


# Both sides of where the memory of a message is kept, and sizes that share a place.
SIZES = [512, 513, 575, 576, 1000, 1024, 1030, 8191, 8192]


@pytest.mark.parametrize("size", SIZES)
def test_data_that_was_kept_is_not_changed_by_what_comes_next(bench, run, size):
    messages = [bytes([n]) * size for n in range(6)]
    kept = run(exchange(bench, messages, lambda data: data))
    assert kept == messages


@pytest.mark.parametrize("size", SIZES)
def test_a_view_of_the_data_is_not_changed_by_what_comes_next(bench, run, size):
    messages = [bytes([n]) * size for n in range(6)]
    kept = run(exchange(bench, messages, memoryview))
    assert kept == messages


def test_the_hash_of_data_is_that_of_its_content(bench, run):
    messages = [bytes([n]) * 1024 for n in range(6)]
    assert run(exchange(bench, messages, hash)) == [hash(message) for message in messages]


def test_shorter_data_in_the_place_of_longer_ends_where_it_should(bench, run):
    messages = [b"a" * 1023, b"b" * 1000, b"c" * 961, b"d" * 1023]
    kept = run(exchange(bench, messages, lambda data: (len(data), data[-1:], data.decode())))
    assert kept == [(len(m), m[-1:], m.decode()) for m in messages]


def test_what_was_written_is_not_changed_by_what_comes_next(bench, run):
    class Echo(asyncio.Protocol):
        def connection_made(self, transport):
            self.transport = transport
            self.written = []

        def data_received(self, data):
            answer = data + b"!"
            self.written.append(answer)
            self.transport.write(answer)

    async def main():
        _, protocol, peer = await bench.connect(Echo())
        peer.setblocking(False)
        answers = []
        for n in range(6):
            await bench.loop.sock_sendall(peer, bytes([n]) * 1023)
            answer = b""
            while len(answer) < 1024:
                answer += await bench.loop.sock_recv(peer, 1024 - len(answer))
            answers.append(answer)
        assert answers == protocol.written == [bytes([n]) * 1023 + b"!" for n in range(6)]

    run(main())
