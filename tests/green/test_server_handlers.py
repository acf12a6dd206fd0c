"""Handlers of a `StreamServer` that are written for other models than green threads."""

import asyncio
import functools
import socket as stdlib
from concurrent.futures import ThreadPoolExecutor

import pytest

from mainspring.green import green, spawn
from mainspring.green.server import StreamServer
from tests.green.helpers import never, soon, turns
from tests.green.test_servers import LOCAL, ask, connect, reports


def what_comes_from(server):
    """Connects, and returns what the server says before it closes the connection."""
    with connect(server) as client:
        chunks = []
        while chunk := client.recv(1000):
            chunks.append(chunk)
        return b"".join(chunks)


async def echo_by_green_calls(connection, address):
    while data := await green(connection.recv, 1000):
        await green(connection.sendall, data)


async def echo_by_calls_that_wait(connection, address):
    await soon()
    while data := connection.recv(1000):
        connection.sendall(data)


async def echo_by_the_loops_calls(connection, address):
    loop = asyncio.get_running_loop()
    connection.setblocking(False)
    while data := await loop.sock_recv(connection, 1000):
        await loop.sock_sendall(connection, data)


async def echo_by_streams(connection, address):
    reader, writer = await asyncio.open_connection(sock=connection)
    while data := await reader.read(1000):
        writer.write(data)
        await writer.drain()
    writer.close()
    await writer.wait_closed()


def echo_by_a_generator(connection, address):
    yield
    while data := connection.recv(1000):
        yield soon()
        connection.sendall(data)


class CallableEcho:
    async def __call__(self, connection, address):
        await echo_by_green_calls(connection, address)


HANDLERS = [
    echo_by_green_calls,
    echo_by_calls_that_wait,
    echo_by_the_loops_calls,
    echo_by_streams,
    echo_by_a_generator,
    CallableEcho(),
    functools.partial(lambda handler, *peer: handler(*peer), echo_by_green_calls),
    lambda connection, address: asyncio.create_task(echo_by_green_calls(connection, address)),
    lambda connection, address: spawn(echo_by_green_calls, connection, address),
]


@pytest.mark.parametrize("handler", HANDLERS)
def test_an_echo_may_be_written_for_any_model(run, handler):
    def main():
        with StreamServer(LOCAL, handler) as server:
            threads = [spawn(ask, server.address, b"%d" % number) for number in range(3)]
            return [thread.get() for thread in threads]

    assert run(main) == [b"0", b"1", b"2"]


def test_a_handler_may_return_what_a_thread_will_finish(run):
    executor = ThreadPoolExecutor(1)

    def handle(connection, address):
        return executor.submit(connection.sendall, b"from a thread")

    def main():
        with executor, StreamServer(LOCAL, handle) as server:
            return what_comes_from(server)

    assert run(main) == b"from a thread"


def test_a_method_may_be_a_coroutine_function(run):
    class Greeter(StreamServer):
        async def handle(self, connection, address):
            await green(connection.sendall, b"hello")

    def main():
        with Greeter(LOCAL) as server:
            return what_comes_from(server)

    assert run(main) == b"hello"


@pytest.mark.parametrize("result", [b"bytes", 7, "text", [], object()])
def test_what_a_handler_returns_besides_is_ignored(run, result):
    def main():
        reported = reports()
        with StreamServer(LOCAL, lambda connection, address: result) as server:
            assert what_comes_from(server) == b""
        return reported

    assert run(main) == []


def test_a_coroutine_runs_in_the_task_of_its_connection(run):
    async def handle(connection, address):
        tasks.append(asyncio.current_task())
        await soon()
        tasks.append(asyncio.current_task())

    def main():
        with StreamServer(LOCAL, handle) as server, connect(server) as client:
            client.recv(1)
        return tasks[0] is tasks[1] is not asyncio.current_task()

    tasks = []
    assert run(main)


def test_what_a_coroutine_raises_is_reported_and_the_connection_closed(run):
    async def handle(connection, address):
        await soon()
        raise LookupError("nothing here")

    def main():
        reported = reports()
        with StreamServer(LOCAL, handle) as server, connect(server) as client:
            assert client.recv(1) == b""
            peer = client.getsockname()
        (report,) = reported
        return str(report["exception"]), report["peername"] == peer

    assert run(main) == ("nothing here", True)


def test_a_coroutine_that_has_not_ended_in_time_is_cancelled(run):
    async def handle(connection, address):
        try:
            await never()
        finally:
            ended.append(connection.fileno() >= 0)

    def main():
        server = StreamServer(LOCAL, handle)
        server.start()
        with connect(server) as client:
            while not server.connection_count:
                turns(1)
            turns()
            server.stop(0)
            return client.recv(1)

    ended = []
    assert run(main) == b""
    assert ended == [True]


def test_a_connection_that_streams_have_taken_is_closed_once(run):
    async def handle(connection, address):
        _, writer = await asyncio.open_connection(sock=connection)
        writer.close()
        await writer.wait_closed()
        # Whoever gets its number now is not to lose it.
        others.append(stdlib.socket())

    def main():
        with StreamServer(LOCAL, handle) as server, connect(server) as client:
            assert client.recv(1) == b""
            while server.connection_count:
                turns(1)
        with others[0] as other:
            return other.getsockopt(stdlib.SOL_SOCKET, stdlib.SO_TYPE)

    others = []
    assert run(main) == stdlib.SOCK_STREAM
