"""Twisted on `asyncioreactor.install(loop)`: each test is a program, as a reactor is for a process.

It says "done" in the end; the reactor logs whatever goes wrong elsewhere, and that fails the test.
"""

import textwrap
from typing import Any

HEAD = """
import asyncio, importlib, sys
from twisted.internet import asyncioreactor

module, _, name = sys.argv[1].partition(":")
loop = getattr(importlib.import_module(module), name)()
asyncioreactor.install(loop)

from twisted.internet import defer, endpoints, protocol, reactor, task, threads
from twisted.logger import globalLogBeginner, textFileLogObserver

globalLogBeginner.beginLoggingTo([textFileLogObserver(sys.stdout)], redirectStandardIO=False)

"""
TAIL = """

async def guarded(reactor):
    await main(reactor)
    print("done")

task.react(lambda reactor: defer.ensureDeferred(guarded(reactor)))
"""


def run(start: Any, tmp_path: Any, loop_spec: str, program: str) -> None:
    """Runs a program that defines `main(reactor)`."""
    path = tmp_path / "program.py"
    path.write_text(HEAD + textwrap.dedent(program) + TAIL)
    started = start(path, loop_spec)
    status = started.wait()
    said = "".join(started.lines)
    assert status == 0, said
    assert "done\n" in started.lines, said
    assert "Traceback" not in said, said
    assert "Error" not in said, said


def test_a_tcp_connection_is_echoed(start: Any, tmp_path: Any, loop_spec: str) -> None:
    program = """
    class Echo(protocol.Protocol):
        def dataReceived(self, data):
            self.transport.write(data)

    class Collect(protocol.Protocol):
        def __init__(self):
            self.got, self.whole = b"", defer.Deferred()

        def dataReceived(self, data):
            self.got += data
            if len(self.got) == SIZE:
                self.whole.callback(self.got)

        def connectionLost(self, reason):
            self.lost.callback(None)

    SIZE = 1 << 20

    async def main(reactor):
        server = endpoints.TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        port = await server.listen(protocol.Factory.forProtocol(Echo))
        client = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
        collect = await endpoints.connectProtocol(client, Collect())
        collect.lost = defer.Deferred()
        collect.transport.write(bytes(SIZE))
        assert await collect.whole == bytes(SIZE)
        collect.transport.loseConnection()
        await collect.lost
        await port.stopListening()
    """
    run(start, tmp_path, loop_spec, program)


def test_the_web_server_answers_the_web_client(start: Any, tmp_path: Any, loop_spec: str) -> None:
    program = """
    from io import BytesIO
    from twisted.web import client, resource, server

    class Upper(resource.Resource):
        isLeaf = True

        def render_POST(self, request):
            return request.content.read().upper()

    async def main(reactor):
        endpoint = endpoints.TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        port = await endpoint.listen(server.Site(Upper()))
        pool = client.HTTPConnectionPool(reactor)
        agent = client.Agent(reactor, pool=pool)
        url = f"http://127.0.0.1:{port.getHost().port}/".encode()
        for _ in range(3):
            producer = client.FileBodyProducer(BytesIO(b"x" * 100_000))
            answer = await agent.request(b"POST", url, bodyProducer=producer)
            assert await client.readBody(answer) == b"X" * 100_000
        await pool.closeCachedConnections()
        await port.stopListening()
    """
    run(start, tmp_path, loop_spec, program)


def test_deferreds_and_coroutines_wait_for_each_other(
    start: Any, tmp_path: Any, loop_spec: str
) -> None:
    program = """
    async def on_asyncio():
        await asyncio.sleep(0.001)
        waiting = defer.Deferred()
        reactor.callLater(0.001, waiting.callback, "from Twisted")
        return await waiting.asFuture(loop)

    async def main(reactor):
        future = asyncio.ensure_future(on_asyncio(), loop=loop)
        assert await defer.Deferred.fromFuture(future) == "from Twisted"
    """
    run(start, tmp_path, loop_spec, program)


def test_threads_call_and_are_called(start: Any, tmp_path: Any, loop_spec: str) -> None:
    program = """
    def in_thread():
        return threads.blockingCallFromThread(reactor, lambda: 41) + 1

    async def main(reactor):
        assert await threads.deferToThread(in_thread) == 42
        called = defer.Deferred()
        await threads.deferToThread(reactor.callFromThread, called.callback, "called")
        assert await called == "called"
    """
    run(start, tmp_path, loop_spec, program)


def test_delayed_calls_come_in_order_and_can_be_cancelled(
    start: Any, tmp_path: Any, loop_spec: str
) -> None:
    program = """
    async def main(reactor):
        seen, ended = [], defer.Deferred()
        reactor.callLater(0.003, ended.callback, None)
        reactor.callLater(0.002, seen.append, "second")
        reactor.callLater(0.001, seen.append, "first")
        reactor.callLater(0.001, seen.append, "never").cancel()
        later = reactor.callLater(600, seen.append, "moved")
        later.reset(0)
        await ended
        assert seen == ["moved", "first", "second"], seen
    """
    run(start, tmp_path, loop_spec, program)


def test_a_file_that_epoll_refuses_is_read_all_the_same(
    start: Any, tmp_path: Any, loop_spec: str
) -> None:
    """Twisted forgets such a file in asyncio's selector by itself, if there is one."""
    program = """
    from twisted.internet.abstract import FileDescriptor

    class File(FileDescriptor):
        def __init__(self, file, ended):
            super().__init__(reactor)
            self.file, self.ended, self.got = file, ended, b""

        def fileno(self):
            return self.file.fileno()

        def doRead(self):
            part = self.file.read(1)
            self.got += part
            if not part:
                self.stopReading()
                self.ended.callback(self.got)

    async def main(reactor):
        for _ in range(2):
            ended = defer.Deferred()
            with open(__file__, "rb", buffering=0) as file, open(__file__, "rb") as whole:
                File(file, ended).startReading()
                assert await ended == whole.read()
    """
    run(start, tmp_path, loop_spec, program)


def test_a_signal_ends_the_reactor(start: Any, tmp_path: Any, loop_spec: str) -> None:
    program = """
    import os, signal

    async def main(reactor):
        ended = defer.Deferred()
        reactor.addSystemEventTrigger("during", "shutdown", print, "shutting down", flush=True)
        reactor.callWhenRunning(os.kill, os.getpid(), signal.SIGTERM)
        await ended
    """
    path = tmp_path / "program.py"
    path.write_text(HEAD + textwrap.dedent(program) + TAIL)
    started = start(path, loop_spec)
    started.until("shutting down")
    started.wait()
