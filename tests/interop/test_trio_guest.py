"""Trio in guest mode: the loop is the host, and both run in one thread."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio


async def as_guest(main: Callable[..., Awaitable[Any]], *args: Any) -> Any:
    """Runs a Trio program on the running loop; returns what it does."""
    loop = asyncio.get_running_loop()
    outcome = loop.create_future()
    trio.lowlevel.start_guest_run(
        main,
        *args,
        run_sync_soon_threadsafe=loop.call_soon_threadsafe,
        run_sync_soon_not_threadsafe=loop.call_soon,
        # The loop has the signals' wake-up fd, as uvloop has, and asyncio's once it has a handler.
        host_uses_signal_set_wakeup_fd=True,
        done_callback=outcome.set_result,
    )
    return (await outcome).unwrap()


async def test_both_make_progress() -> None:
    seen = []

    async def on_trio() -> str:
        for _ in range(3):
            await trio.sleep(0.001)
            seen.append("trio")
        return "done"

    async def on_the_loop() -> None:
        for _ in range(3):
            await asyncio.sleep(0.001)
            seen.append("loop")

    result, _ = await asyncio.gather(as_guest(on_trio), on_the_loop())
    assert (result, sorted(seen)) == ("done", ["loop"] * 3 + ["trio"] * 3)


async def test_trio_connects_to_a_server_of_the_loop() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.read()).upper())
        writer.close()

    async def ask(port: int) -> bytes:
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            await stream.send_all(b"from trio")
            await stream.send_eof()
            return b"".join([bytes(part) async for part in stream])

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await as_guest(ask, port) == b"FROM TRIO"


async def test_the_loop_sets_a_trio_event_and_trio_a_future() -> None:
    loop = asyncio.get_running_loop()
    started, future = loop.create_future(), loop.create_future()

    async def main() -> None:
        event = trio.Event()
        started.set_result(event)
        await event.wait()
        future.set_result("from trio")

    guest = asyncio.ensure_future(as_guest(main))
    event = await started
    event.set()
    assert await future == "from trio"
    await guest


async def test_threads_of_trio_come_back() -> None:
    async def main() -> int:
        return await trio.to_thread.run_sync(lambda: trio.from_thread.run_sync(lambda: 42))

    assert await as_guest(main) == 42


async def test_an_error_comes_out() -> None:
    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            raise LookupError("on purpose")

    with pytest.raises(ExceptionGroup, match="nursery") as caught:
        await as_guest(main)
    assert [str(e) for e in caught.value.exceptions] == ["on purpose"]
