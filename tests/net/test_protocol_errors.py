"""A protocol that raises, in each of its callbacks: reported once, and nothing leaks."""

import asyncio

import pytest

from .support import HalfOpen, Recorder, await_readable, receive_all, step


class Oops(Exception):
    pass


def failing(method, base=Recorder, error=Oops):
    def fail(self, *args):
        getattr(base, method)(self, *args)
        raise error

    return type("Failing", (base,), {method: fail})()


def test_a_connection_made_that_raises_is_reported_and_the_connection_lives(bench, run, reported):
    async def main():
        _, protocol, peer = await bench.connect(failing("connection_made"))
        [report] = reported.take()
        assert isinstance(report["exception"], Oops)
        peer.sendall(b"data")
        assert await protocol.receives(4) == b"data"

    run(main())


def test_a_data_received_that_raises_ends_the_connection(bench, run, reported):
    async def main():
        transport, protocol, peer = await bench.connect(failing("data_received"))
        peer.sendall(b"data")
        exc = await protocol.lost()
        [report] = reported.take()
        assert report == {
            "message": "Fatal error: protocol.data_received() call failed.",
            "exception": exc,
            "transport": transport,
            "protocol": protocol,
        }
        assert isinstance(exc, Oops)

    run(main())


def test_an_oserror_from_data_received_ends_the_connection_unreported(bench, run):
    async def main():
        _, protocol, peer = await bench.connect(failing("data_received", error=ConnectionError))
        peer.sendall(b"data")
        assert isinstance(await protocol.lost(), ConnectionError)

    run(main())


def test_an_eof_received_that_raises_ends_the_connection(bench, run, reported):
    async def main():
        _, protocol, peer = await bench.connect(failing("eof_received", HalfOpen))
        peer.shutdown(1)
        exc = await protocol.lost()
        [report] = reported.take()
        assert report["message"] == "Fatal error: protocol.eof_received() call failed."
        assert report["exception"] is exc
        assert isinstance(exc, Oops)

    run(main())


def test_a_connection_lost_that_raises_is_reported_and_the_socket_closed(bench, run, reported):
    async def main():
        transport, protocol, peer = await bench.connect(failing("connection_lost"))
        transport.close()
        await protocol.lost()
        assert peer.recv(1) == b""
        [report] = reported.take()
        assert isinstance(report["exception"], Oops)

    run(main())


@pytest.mark.parametrize("method", ["pause_writing", "resume_writing"])
def test_a_flow_control_callback_that_raises_is_reported(method, bench, run, reported):
    async def main():
        transport, protocol, peer = await bench.connect(failing(method), small=True)
        transport.write(bytes(1_000_000))
        transport.close()
        data = await bench.loop.run_in_executor(None, receive_all, peer)
        await protocol.lost()
        [report] = reported.take()
        assert report["message"] == f"protocol.{method}() failed"
        assert isinstance(report["exception"], Oops)
        assert len(data) == 1_000_000

    run(main())


@pytest.mark.parametrize("method", ["connection_made", "data_received", "connection_lost"])
def test_a_system_exit_in_a_callback_leaves_the_loop(method, bench, run):
    class Leaving(Recorder):
        pass

    def leave(self, *args):
        getattr(Recorder, method)(self, *args)
        raise SystemExit(3)

    setattr(Leaving, method, leave)

    async def main():
        transport, _, peer = await bench.connect(Leaving())
        peer.sendall(b"x")
        if method == "connection_lost":
            transport.abort()
        await bench.loop.create_future()

    with pytest.raises(SystemExit):
        run(main())
    for task in asyncio.all_tasks(bench.loop):
        task.cancel()
    step(bench.loop)


@pytest.mark.parametrize("missing", ["connection_lost", "eof_received"])
def test_a_protocol_that_lacks_a_callback_is_reported_and_closed(missing, bench, run, reported):
    names = {"connection_made", "data_received", "eof_received", "connection_lost"} - {missing}

    async def main():
        protocol = type("Lacking", (), {name: lambda self, *args: None for name in names})()
        _, _, peer = await bench.connect(protocol)
        peer.shutdown(1)
        await bench.loop.run_in_executor(None, await_readable, peer)
        assert peer.recv(1) == b""
        assert [type(report["exception"]) for report in reported.take()] == [AttributeError]

    run(main())


def test_a_factory_that_raises_reaches_the_caller_of_create_connection(bench, run):
    def factory():
        raise Oops

    async def main():
        ours, _ = bench.pair()
        with ours, pytest.raises(Oops):
            await bench.loop.create_connection(factory, sock=ours)

    run(main())


def test_a_factory_that_raises_leaves_no_socket_behind(our_bench, our_run):
    def factory():
        raise Oops

    async def main():
        _, address = await our_bench.serve()
        with pytest.raises(Oops):
            await our_bench.loop.create_connection(factory, *address)

    our_run(main())


def test_what_is_no_protocol_at_all_is_refused_and_the_socket_closed(our_bench, our_run):
    async def main():
        _, address = await our_bench.serve()
        with pytest.raises(AttributeError):
            await our_bench.loop.create_connection(object, *address)

    our_run(main())


def test_a_priority_that_does_not_exist_is_refused_before_anything_is_opened(our_bench, our_run):
    async def main():
        _, address = await our_bench.serve()
        with pytest.raises(ValueError, match="7"):
            await our_bench.loop.create_connection(Recorder, *address, priority=7)

    our_run(main())
