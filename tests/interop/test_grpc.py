"""grpc.aio: its server and client on the same loop; its own threads wake the loop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest

SIZE = 1 << 20


async def double(request: bytes, context: Any) -> bytes:
    return request * 2


async def count(request: bytes, context: Any) -> AsyncIterator[bytes]:
    for i in range(int(request)):
        yield b"%d" % i


async def echo(requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
    async for request in requests:
        yield request


async def fail(request: bytes, context: Any) -> bytes:
    await context.abort(grpc.StatusCode.NOT_FOUND, request.decode())
    return b""


class Waiting:
    """A method that never ends by itself."""

    def __init__(self) -> None:
        self.began, self.ended = asyncio.Event(), asyncio.Event()

    async def handle(self, request: bytes, context: Any) -> bytes:
        self.began.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.ended.set()
        return b""


@asynccontextmanager
async def serving(wait: Any = double) -> AsyncIterator[grpc.aio.Channel]:
    """Runs a server; gives a channel to it."""
    methods = {
        "double": grpc.unary_unary_rpc_method_handler(double),
        "count": grpc.unary_stream_rpc_method_handler(count),
        "echo": grpc.stream_stream_rpc_method_handler(echo),
        "fail": grpc.unary_unary_rpc_method_handler(fail),
        "wait": grpc.unary_unary_rpc_method_handler(wait),
    }
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test", methods),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield channel
    finally:
        await server.stop(None)


async def test_calls_are_answered() -> None:
    async with serving() as channel:
        call = channel.unary_unary("/test/double")
        assert await asyncio.gather(*[call(b"%d" % i) for i in range(100)]) == [
            b"%d" % i * 2 for i in range(100)
        ]
        assert await call(bytes(SIZE)) == bytes(2 * SIZE)


async def test_a_stream_comes_in_order() -> None:
    async with serving() as channel:
        parts = [part async for part in channel.unary_stream("/test/count")(b"200")]
    assert parts == [b"%d" % i for i in range(200)]


async def test_a_stream_goes_both_ways() -> None:
    async with serving() as channel:
        call = channel.stream_stream("/test/echo")()
        for i in range(50):
            await call.write(b"%d" % i)
            assert await call.read() == b"%d" % i
        await call.done_writing()
        assert await call.read() is grpc.aio.EOF


async def test_an_error_comes_back_with_its_status() -> None:
    async with serving() as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await channel.unary_unary("/test/fail")(b"no such thing")
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert caught.value.details() == "no such thing"


async def test_a_call_that_is_cancelled_ends_in_the_server() -> None:
    waiting = Waiting()
    async with serving(waiting.handle) as channel:
        call = asyncio.ensure_future(channel.unary_unary("/test/wait")(b""))
        await waiting.began.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await waiting.ended.wait()


async def test_a_deadline_ends_a_call() -> None:
    waiting = Waiting()
    async with serving(waiting.handle) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await channel.unary_unary("/test/wait")(b"", timeout=0.05)
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
