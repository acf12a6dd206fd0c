"""Connections have priorities: what is ready at a higher one locks out what is ready at a lower."""

import asyncio
import socket

import pytest

from mainspring import Priority, priority

from .support import Recorder, await_readable

URGENT, HIGH, DEFAULT, LOW, IDLE = Priority


class Ordered(Recorder):
    """Puts its name on a list that several share, whenever data comes."""

    def __init__(self, name, order):
        super().__init__()
        self.name = name
        self.order = order

    def data_received(self, data):
        super().data_received(data)
        self.order.append(self.name)


async def connected(bench, order, **priorities):
    """Returns the transports and the peers of some connections, by name."""
    made = {}
    for name, level in priorities.items():
        transport, _, peer = await bench.connect(Ordered(name, order), priority=level)
        made[name] = (transport, peer)
    return made


def all_ready(connections):
    for transport, peer in connections.values():
        peer.sendall(b"x")
        await_readable(transport.get_extra_info("socket"))


def test_connections_that_are_ready_at_once_are_read_by_priority(our_bench, our_run):
    order = []
    levels = {"low": LOW, "default": DEFAULT, "urgent": URGENT, "high": HIGH}
    connections = our_run(connected(our_bench, order, **levels))
    all_ready(connections)
    seen = []
    for _ in range(4):
        our_bench.loop.step()
        seen.append(list(order))
    assert seen[-1] == ["urgent", "high", "default", "low"]
    assert [len(step) for step in seen] == [1, 2, 3, 4]


def test_a_low_connection_waits_while_default_work_is_ready(our_bench, our_run):
    order = []
    connections = our_run(connected(our_bench, order, low=LOW))
    all_ready(connections)
    left = [3]

    def busy():
        order.append("busy")
        left[0] -= 1
        if left[0]:
            our_bench.loop.call_soon(busy)

    our_bench.loop.call_soon(busy)
    for _ in range(4):
        our_bench.loop.step()
    assert order == ["busy", "busy", "busy", "low"]


def test_set_priority_changes_the_order_from_then_on(our_bench, our_run):
    order = []
    connections = our_run(connected(our_bench, order, first=LOW, second=DEFAULT))
    connections["first"][0].set_priority(HIGH)
    all_ready(connections)
    our_bench.loop.step()
    our_bench.loop.step()
    assert order == ["first", "second"]


@pytest.mark.parametrize("level", list(Priority))
def test_a_transport_tells_its_priority(our_bench, our_run, level):
    async def main():
        transport, _, _ = await our_bench.connect(priority=level)
        before = transport.get_priority()
        transport.set_priority(IDLE)
        return before, transport.get_priority()

    assert our_run(main()) == (level, IDLE)


def test_set_priority_moves_what_is_ready_already(our_bench, our_run):
    order = []
    connections = our_run(connected(our_bench, order, slow=LOW))
    all_ready(connections)
    transport = connections["slow"][0]
    our_bench.loop.call_soon(order.append, "default")
    our_bench.loop.step()
    transport.set_priority(URGENT)
    our_bench.loop.call_soon(order.append, "default")
    our_bench.loop.step()
    our_bench.loop.step()
    assert order == ["default", "slow", "default"]


def test_a_priority_that_does_not_exist_is_refused(our_bench, our_run):
    async def main():
        transport, _, _ = await our_bench.connect()
        with pytest.raises(ValueError, match="7"):
            transport.set_priority(7)

    our_run(main())


def test_a_connection_takes_the_priority_that_its_context_names(our_bench, our_run):
    order = []

    async def in_context():
        with priority(LOW):
            low, _, low_peer = await our_bench.connect(Ordered("low", order))
        default, _, default_peer = await our_bench.connect(Ordered("default", order))
        return {"low": (low, low_peer), "default": (default, default_peer)}

    all_ready(our_run(in_context()))
    our_bench.loop.step()
    our_bench.loop.step()
    assert order == ["default", "low"]


async def accepted_of(bench, order, name, level):
    """Returns an accepted connection of a server with a priority, and its peer."""
    server, address = await bench.serve(lambda: Ordered(name, order), priority=level)
    peer = bench.dial(address)
    protocol = await bench.first_accepted()
    server.close()
    return protocol.transport, peer


def test_accepted_connections_have_the_priority_of_their_server(our_bench, our_run):
    order = []

    async def main():
        made = {}
        for name, level in (("low", LOW), ("high", HIGH)):
            made[name] = await accepted_of(our_bench, order, name, level)
            our_bench.transports.append(made[name][0])
        return made

    all_ready(our_run(main()))
    our_bench.loop.step()
    our_bench.loop.step()
    assert order == ["high", "low"]


def test_a_low_server_accepts_nothing_while_default_work_is_ready(our_bench, our_run):
    async def main():
        return await our_bench.serve(priority=LOW)

    server, address = our_run(main())
    our_bench.dial(address)
    await_readable(server.sockets[0])
    ran = []
    for _ in range(3):
        our_bench.loop.call_soon(ran.append, len(our_bench.accepted))
        our_bench.loop.step()
    assert ran == [0, 0, 0]
    our_bench.loop.step()
    assert len(our_bench.accepted) == 1


def test_a_server_whose_priority_is_set_accepts_at_that_one_from_then_on(our_bench, our_run):
    server, address = our_run(our_bench.serve())
    assert server.get_priority() is DEFAULT
    our_bench.dial(address)
    await_readable(server.sockets[0])
    ran = []
    server.set_priority(LOW)
    assert server.get_priority() is LOW
    for _ in range(2):
        our_bench.loop.call_soon(ran.append, len(our_bench.accepted))
        our_bench.loop.step()
    assert ran == [0, 0]
    # What is ready already moves.
    server.set_priority(URGENT)
    our_bench.loop.call_soon(ran.append, "default")
    our_bench.loop.step()
    our_bench.loop.step()
    assert ran == [0, 0]
    assert [protocol.transport.get_priority() for protocol in our_bench.accepted] == [URGENT]


@pytest.mark.parametrize(("connections", "expected"), [(False, DEFAULT), (True, LOW)])
def test_the_open_connections_of_a_server_follow_its_priority_when_asked_to(
    our_bench, our_run, connections, expected
):
    async def main():
        server, address = await our_bench.serve()
        our_bench.dial(address)
        first = await our_bench.first_accepted()
        server.set_priority(LOW, connections=connections)
        return first.transport.get_priority()

    assert our_run(main()) is expected


def test_a_server_that_does_not_serve_yet_begins_at_the_priority_that_was_set(our_bench, our_run):
    async def main():
        made = our_bench.loop.create_future()

        class Told(Recorder):
            def connection_made(self, transport):
                super().connection_made(transport)
                made.set_result(self)

        server = await our_bench.loop.create_server(Told, "127.0.0.1", 0, start_serving=False)
        with pytest.raises(ValueError, match=r"priority must be a .*not 7"):
            server.set_priority(7)
        with priority(HIGH):
            server.set_priority(None)
        await server.start_serving()
        our_bench.servers.append(server)
        with socket.socket() as peer:
            peer.connect(server.sockets[0].getsockname())
            protocol = await made
        our_bench.transports.append(protocol.transport)
        return server.get_priority(), protocol.transport.get_priority()

    assert our_run(main()) == (HIGH, HIGH)


def test_the_end_of_a_low_connection_waits_for_default_work_too(our_bench, our_run):
    async def main():
        return await our_bench.connect(priority=LOW)

    transport, protocol, _ = our_run(main())
    transport.abort()
    our_bench.loop.call_soon(protocol.note, "default")
    our_bench.loop.step()
    our_bench.loop.step()
    assert protocol.events == ["made", "default", ("lost", None)]


def test_an_endpoint_for_datagrams_has_a_priority(our_bench, our_run):
    order = []

    class Noting(asyncio.DatagramProtocol):
        def datagram_received(self, data, addr):
            order.append("low")

    async def main():
        transport, _ = await our_bench.loop.create_datagram_endpoint(
            Noting, local_addr=("127.0.0.1", 0), priority=LOW
        )
        our_bench.transports.append(transport)
        return transport

    transport = our_run(main())
    assert transport.get_priority() is LOW
    with socket.socket(type=socket.SOCK_DGRAM) as peer:
        peer.sendto(b"x", transport.get_extra_info("sockname"))
    await_readable(transport.get_extra_info("socket"))
    our_bench.loop.call_soon(order.append, "default")
    our_bench.loop.step()
    our_bench.loop.step()
    assert order == ["default", "low"]


def test_a_connection_of_unix_sockets_has_a_priority(our_bench, our_run):
    ours, theirs = socket.socketpair()
    our_bench.peers.append(theirs)

    async def main():
        transport, _ = await our_bench.loop.create_unix_connection(
            Recorder, sock=ours, priority=LOW
        )
        our_bench.transports.append(transport)
        return transport.get_priority()

    assert our_run(main()) is LOW
