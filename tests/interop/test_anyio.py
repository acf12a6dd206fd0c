"""anyio on its asyncio backend: `backend_options={"loop_factory": ...}`."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream

from mainspring.green import Timeout, await_, green

type Run = Callable[[Callable[..., Awaitable[Any]]], Any]


@pytest.fixture
def run(loop_factory: Any) -> Run:
    return partial(anyio.run, backend_options={"loop_factory": loop_factory})


def test_the_loop_is_the_one_that_was_named(run: Run, loop_spec: str) -> None:
    async def main() -> str:
        return type(asyncio.get_running_loop()).__module__

    assert run(main).startswith(loop_spec.partition(":")[0])


def test_a_tcp_stream_is_echoed(run: Run) -> None:
    data = bytes(range(256)) * 4096

    async def echo(stream: SocketStream) -> None:
        async with stream:
            async for part in stream:
                await stream.send(part)

    async def main() -> None:
        async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
            port = listener.extra(SocketAttribute.local_port)
            async with anyio.create_task_group() as group:
                group.start_soon(listener.serve, echo)
                async with await anyio.connect_tcp("127.0.0.1", port) as stream:
                    group.start_soon(stream.send, data)
                    got = b""
                    while len(got) < len(data):
                        got += await stream.receive()
                    assert got == data
                    await stream.send_eof()
                    with pytest.raises(anyio.EndOfStream):
                        await stream.receive()
                group.cancel_scope.cancel()

    run(main)


def test_a_stream_that_is_closed_elsewhere_says_so(run: Run) -> None:
    async def main() -> None:
        async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
            port = listener.extra(SocketAttribute.local_port)
            stream = await anyio.connect_tcp("127.0.0.1", port)

            async def receive() -> None:
                with pytest.raises(anyio.ClosedResourceError):
                    await stream.receive()

            async with anyio.create_task_group() as group:
                group.start_soon(receive)
                await anyio.wait_all_tasks_blocked()
                await stream.aclose()

    run(main)


def test_a_task_that_fails_cancels_its_group(run: Run) -> None:
    ended = []

    async def wait() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            ended.append(True)

    async def fail() -> None:
        await anyio.wait_all_tasks_blocked()
        raise LookupError("on purpose")

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for task in (wait, wait, fail):
                group.start_soon(task)

    with pytest.raises(ExceptionGroup) as caught:
        run(main)
    assert [str(e) for e in caught.value.exceptions] == ["on purpose"]
    assert ended == [True, True]


def test_a_scope_that_times_out_is_left(run: Run) -> None:
    async def main() -> bool:
        with anyio.move_on_after(0.01) as scope:
            await anyio.sleep_forever()
        return scope.cancelled_caught

    assert run(main) is True


def test_a_shielded_scope_is_not_cancelled(run: Run) -> None:
    async def main() -> list[str]:
        seen = []
        with anyio.CancelScope() as outer:
            outer.cancel()
            with anyio.CancelScope(shield=True):
                await anyio.lowlevel.checkpoint()
                seen.append("inside")
            await anyio.lowlevel.checkpoint()
            seen.append("never")
        return seen

    assert run(main) == ["inside"]


def test_threads_call_and_are_called(run: Run) -> None:
    async def double(x: int) -> int:
        await anyio.lowlevel.checkpoint()
        return 2 * x

    def in_thread(x: int) -> int:
        return anyio.from_thread.run(double, x) + anyio.from_thread.run_sync(abs, -1)

    async def main() -> list[int]:
        results = [0] * 20

        async def call(i: int) -> None:
            results[i] = await anyio.to_thread.run_sync(in_thread, i)

        async with anyio.create_task_group() as group:
            for i in range(20):
                group.start_soon(call, i)
        return results

    assert run(main) == [2 * i + 1 for i in range(20)]


def test_a_portal_runs_coroutines_for_a_thread(loop_factory: Any) -> None:
    options = {"loop_factory": loop_factory}

    async def answer() -> int:
        await anyio.sleep(0)
        return 42

    with anyio.from_thread.start_blocking_portal(backend_options=options) as portal:
        assert portal.call(answer) == 42
        assert portal.start_task_soon(answer).result() == 42


def test_signals_are_received(run: Run) -> None:
    async def main() -> list[int]:
        seen = []
        with anyio.open_signal_receiver(signal.SIGUSR1, signal.SIGUSR2) as signals:
            signal.raise_signal(signal.SIGUSR1)
            seen.append(await anext(signals))
            signal.raise_signal(signal.SIGUSR2)
            seen.append(await anext(signals))
        return seen

    assert run(main) == [signal.SIGUSR1, signal.SIGUSR2]


def test_a_green_timeout_counts_right_inside_asyncios_and_a_cancel_scope(run: Run) -> None:
    def green_code() -> None:
        with pytest.raises(Timeout), Timeout(0):
            await_(asyncio.sleep(1000))
        await_(asyncio.sleep(1000))

    async def main() -> list[Any]:
        task = asyncio.current_task()
        assert task is not None
        with anyio.CancelScope() as scope:
            try:
                async with asyncio.timeout(0.001):
                    await green(green_code)
            except TimeoutError:
                outcome = ["asyncio's time was over", task.cancelling(), scope.cancel_called]
            with anyio.move_on_after(0.001) as inner:
                await green(green_code)
        return [*outcome, inner.cancelled_caught, scope.cancelled_caught, task.cancelling()]

    assert run(main) == ["asyncio's time was over", 0, False, True, False, 0]
