"""`create_connection`: which address, from where, and what an attempt that fails leaves behind."""

import asyncio
import errno
import socket

import pytest

from .support import Recorder


def infos(*addresses):
    """Returns what a look-up answers: some addresses of either family."""
    return [
        (
            socket.AF_INET6 if ":" in host else socket.AF_INET,
            socket.SOCK_STREAM,
            socket.IPPROTO_TCP,
            "",
            (host, port, 0, 0) if ":" in host else (host, port),
        )
        for host, port in addresses
    ]


def look_up(bench, monkeypatch, *addresses):
    """Has the loop find these addresses for the name `stub`; others it finds as ever."""
    real = bench.loop.getaddrinfo

    async def getaddrinfo(host, port, **options):
        if host == "stub":
            return infos(*addresses)
        return await real(host, port, **options)

    monkeypatch.setattr(bench.loop, "getaddrinfo", getaddrinfo, raising=False)


@pytest.fixture
def refused():
    """A port of loopback on which nobody listens, and nobody else can."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()


async def connect(bench, *args, **options):
    transport, protocol = await bench.loop.create_connection(Recorder, *args, **options)
    bench.transports.append(transport)
    return transport, protocol


def test_a_connection_is_made_to_a_host_and_port(bench, run):
    async def main():
        _, address = await bench.serve()
        transport, _ = await connect(bench, *address)
        assert transport.get_extra_info("peername") == address

    run(main())


def test_a_host_is_looked_up(bench, run):
    async def main():
        _, address = await bench.serve()
        transport, _ = await connect(bench, "localhost", address[1])
        assert transport.get_extra_info("peername") == address

    run(main())


def test_a_connection_comes_from_the_local_address_that_is_given(bench, run):
    async def main():
        _, address = await bench.serve()
        with socket.socket() as free:
            free.bind(("127.0.0.2", 0))
            local = free.getsockname()
        transport, _ = await connect(bench, *address, local_addr=local)
        assert transport.get_extra_info("sockname") == local

    run(main())


def test_a_local_address_that_can_not_be_bound_is_named(bench, run):
    async def main():
        _, address = await bench.serve()
        with pytest.raises(OSError, match="while attempting to bind on address") as caught:
            await connect(bench, *address, local_addr=address)
        assert repr(address) in str(caught.value)

    run(main())


def test_a_local_address_of_another_family_is_refused(bench, run, monkeypatch):
    async def main():
        _, address = await bench.serve()
        with pytest.raises(OSError, match="no matching local address"):
            await connect(bench, *address, local_addr=("::1", 0))

    run(main())


def test_an_attempt_that_is_refused_names_the_address(bench, run, refused):
    async def main():
        with pytest.raises(ConnectionRefusedError) as caught:
            await connect(bench, *refused)
        assert repr(refused) in str(caught.value)

    run(main())


def test_the_next_address_is_tried_when_one_fails(bench, run, refused, monkeypatch):
    async def main():
        _, address = await bench.serve()
        look_up(bench, monkeypatch, refused, address)
        transport, _ = await connect(bench, "stub", 1)
        assert transport.get_extra_info("peername") == address

    run(main())


def test_an_address_of_a_family_that_is_not_there_is_passed_over(bench, run, monkeypatch):
    async def main():
        _, address = await bench.serve()
        look_up(bench, monkeypatch, ("2001:db8::1", 1), address)
        real = socket.socket

        def no_ipv6(family=-1, *args, **options):
            if family == socket.AF_INET6:
                raise OSError(errno.EAFNOSUPPORT, "not supported")
            return real(family, *args, **options)

        monkeypatch.setattr(socket, "socket", no_ipv6)
        transport, _ = await connect(bench, "stub", 1)
        monkeypatch.undo()
        assert transport.get_extra_info("peername") == address

    run(main())


def test_when_all_fail_each_error_is_told(bench, run, refused, monkeypatch):
    async def main():
        other = ("127.0.0.2", refused[1])
        look_up(bench, monkeypatch, refused, other)
        with pytest.raises(OSError, match=r"^Multiple exceptions: ") as caught:
            await connect(bench, "stub", 1)
        assert repr(refused) in str(caught.value)
        assert repr(other) in str(caught.value)

    run(main())


def test_when_all_fail_alike_the_error_is_told_once(bench, run, refused, monkeypatch):
    async def main():
        look_up(bench, monkeypatch, refused, refused)
        with pytest.raises(ConnectionRefusedError) as caught:
            await connect(bench, "stub", 1)
        assert "Multiple" not in str(caught.value)

    run(main())


@pytest.mark.parametrize("delay", [None, 100])
def test_all_errors_is_a_group_of_each(delay, bench, run, refused, monkeypatch):
    async def main():
        look_up(bench, monkeypatch, refused, ("127.0.0.2", refused[1]))
        with pytest.raises(ExceptionGroup) as caught:
            await connect(bench, "stub", 1, all_errors=True, happy_eyeballs_delay=delay)
        kinds = [type(exc) for exc in caught.value.exceptions]
        assert kinds == [ConnectionRefusedError, ConnectionRefusedError]

    run(main())


def test_all_errors_is_a_group_even_of_one(bench, run, refused):
    async def main():
        with pytest.raises(ExceptionGroup) as caught:
            await connect(bench, *refused, all_errors=True)
        assert len(caught.value.exceptions) == 1

    run(main())


def test_a_look_up_without_an_answer_is_told(bench, run, monkeypatch):
    async def main():
        look_up(bench, monkeypatch)
        with pytest.raises(OSError, match="empty list"):
            await connect(bench, "stub", 1)

    run(main())


def test_a_socket_that_was_handed_over_is_closed_when_the_protocol_can_not_be_made(
    our_bench, our_run
):
    # On our loop only: asyncio's leaves it open before Python 3.15.
    def fail():
        raise LookupError("lost")

    async def main():
        one, other = socket.socketpair()
        with one, other:
            with pytest.raises(LookupError, match="lost"):
                await our_bench.loop.create_connection(fail, sock=one)
            assert one.fileno() == -1

    our_run(main())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "no sock specified"),
        ({"host": "127.0.0.1", "port": 1, "sock": 1}, "can not be specified at the same time"),
        ({"host": "127.0.0.1", "port": 1, "server_hostname": "x"}, "only meaningful with ssl"),
    ],
)
def test_arguments_that_do_not_go_together_are_refused(arguments, message, bench, run):
    async def main():
        with pytest.raises(ValueError, match=message):
            await connect(bench, **arguments)

    run(main())


# Happy eyeballs


class Attempts:
    """Stands in for `sock_connect`: the test decides when an attempt ends, and how."""

    def __init__(self, bench, monkeypatch):
        self.real = bench.loop.sock_connect
        self.loop = bench.loop
        self.begun = []
        self.sockets = []
        monkeypatch.setattr(bench.loop, "sock_connect", self.connect, raising=False)

    async def connect(self, sock, address):
        outcome = self.loop.create_future()
        self.begun.append((address[0], outcome))
        self.sockets.append(sock)
        await outcome
        await self.real(sock, address)

    async def until_begun(self, count):
        while len(self.begun) < count:
            await asyncio.sleep(0)

    def hosts(self):
        return [host for host, _ in self.begun]


LONG = 100_000  # seconds: the next attempt begins only because one before has failed


def test_the_next_address_is_tried_beside_a_slow_one(bench, run, monkeypatch):
    async def main():
        _, address = await bench.serve()
        look_up(bench, monkeypatch, ("127.0.0.9", 1), address)
        attempts = Attempts(bench, monkeypatch)
        connecting = bench.loop.create_task(connect(bench, "stub", 1, happy_eyeballs_delay=0))
        await attempts.until_begun(2)
        attempts.begun[1][1].set_result(None)
        transport, _ = await connecting
        assert transport.get_extra_info("peername") == address
        assert attempts.sockets[0].fileno() == -1

    run(main())


def test_the_next_address_is_tried_at_once_when_one_fails(bench, run, monkeypatch):
    async def main():
        _, address = await bench.serve()
        look_up(bench, monkeypatch, ("127.0.0.9", 1), address)
        attempts = Attempts(bench, monkeypatch)
        connecting = bench.loop.create_task(connect(bench, "stub", 1, happy_eyeballs_delay=LONG))
        await attempts.until_begun(1)
        attempts.begun[0][1].set_exception(ConnectionRefusedError())
        await attempts.until_begun(2)
        attempts.begun[1][1].set_result(None)
        transport, _ = await connecting
        assert transport.get_extra_info("peername") == address

    run(main())


def test_of_two_that_answer_in_one_iteration_one_is_kept_and_one_closed(bench, run, monkeypatch):
    async def main():
        _, address = await bench.serve()
        look_up(bench, monkeypatch, address, address)
        attempts = Attempts(bench, monkeypatch)
        connecting = bench.loop.create_task(connect(bench, "stub", 1, happy_eyeballs_delay=0))
        await attempts.until_begun(2)
        for _, outcome in attempts.begun:
            outcome.set_result(None)
        transport, _ = await connecting
        kept = transport.get_extra_info("socket").fileno()
        while sorted(sock.fileno() for sock in attempts.sockets) != [-1, kept]:
            await asyncio.sleep(0)

    run(main())


FOUR = (("2001:db8::1", 1), ("2001:db8::2", 1), ("127.0.0.1", 1), ("127.0.0.2", 1))


@pytest.mark.parametrize(
    ("options", "order"),
    [
        ({}, [0, 1, 2, 3]),
        ({"interleave": 1}, [0, 2, 1, 3]),
        ({"interleave": 2}, [0, 1, 2, 3]),
        ({"happy_eyeballs_delay": LONG}, [0, 2, 1, 3]),
        ({"happy_eyeballs_delay": LONG, "interleave": 0}, [0, 1, 2, 3]),
    ],
)
def test_address_families_take_turns(options, order, bench, run, monkeypatch):
    async def main():
        look_up(bench, monkeypatch, *FOUR)
        attempts = Attempts(bench, monkeypatch)
        connecting = bench.loop.create_task(connect(bench, "stub", 1, **options))
        for count in range(1, 5):
            await attempts.until_begun(count)
            attempts.begun[-1][1].set_exception(ConnectionRefusedError(f"{count}"))
        with pytest.raises(OSError, match="Multiple"):
            await connecting
        assert attempts.hosts() == [FOUR[index][0] for index in order]

    run(main())


@pytest.mark.parametrize("delay", [None, 0])
def test_an_attempt_that_is_cancelled_leaves_no_socket_behind(delay, bench, run, monkeypatch):
    async def main():
        look_up(bench, monkeypatch, ("127.0.0.8", 1), ("127.0.0.9", 1))
        attempts = Attempts(bench, monkeypatch)
        connecting = bench.loop.create_task(connect(bench, "stub", 1, happy_eyeballs_delay=delay))
        await attempts.until_begun(1 if delay is None else 2)
        connecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await connecting
        while any(sock.fileno() != -1 for sock in attempts.sockets):
            await asyncio.sleep(0)

    run(main())


def test_cancelled_while_the_system_connects_nothing_stays_watched(bench, run):
    """A listening socket whose queue is full leaves the next connection waiting."""

    async def main():
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            bench.dial(full.getsockname())
            connecting = bench.loop.create_task(connect(bench, *full.getsockname()))
            for _ in range(5):
                await asyncio.sleep(0)
            assert not connecting.done()
            connecting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await connecting

    run(main())


def test_cancelled_before_the_connection_was_made_the_transport_is_closed(bench, run):
    async def main():
        ours, peer = bench.pair()
        protocol = Recorder()
        connecting = bench.loop.create_task(
            bench.loop.create_connection(lambda: protocol, sock=ours)
        )
        await asyncio.sleep(0)
        connecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await connecting
        await protocol.lost()
        assert protocol.events == ["made", ("lost", None)]
        assert await bench.loop.run_in_executor(None, peer.recv, 1) == b""

    run(main())
