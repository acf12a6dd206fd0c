"""Clients and servers used from OS threads, from green threads, and from other loops."""

import asyncio
import concurrent.futures
import threading

import pytest

import mainspring
from mainspring.green import await_
from mainspring.messaging import (
    Client,
    NoSuchMethod,
    Server,
    Target,
    current_call,
    endpoint,
    get_transport,
)
from mainspring.messaging.reply import Reply
from tests.threads import from_a_thread

TARGET = Target(topic="topic", server="server")


class Service:
    """What the tests call."""

    def __init__(self, client=None):
        self.client = client

    async def add(self, a, b):
        return a + b

    def where(self):
        return threading.current_thread().name

    def add_by_calling(self, a, b):
        return self.client.call("add", a=a, b=b).result()

    @endpoint(run="green")
    def add_green(self, a, b):
        return await_(self.client.call("add", a=a, b=b))

    async def forever(self):
        await asyncio.get_running_loop().create_future()


def test_threads_without_a_loop_serve_and_call_over_the_background_loop(url):
    transport = get_transport(url)
    with Server(transport, TARGET, [Service()]), Client(transport, Target(topic="topic")) as client:
        assert client.call("add", a=1, b=2).result(timeout=30) == 3
        assert client.cast("add", a=1, b=2).result() is None
        reply = client.call("forever")
        with pytest.raises(TimeoutError):
            reply.result(timeout=0)
        assert reply.cancel()
        with pytest.raises(asyncio.CancelledError):
            reply.result()
        assert isinstance(client.call("nonsense").exception(timeout=30), NoSuchMethod)
    asyncio.run_coroutine_threadsafe(transport.close(), transport.loop).result()


def test_a_thread_calls_over_the_transport_of_a_loop_in_another(serving):
    async def main(client, _):
        def call():
            called = threading.Event()
            reply = client.call("add", a=1, b=2)
            reply.add_done_callback(lambda _: called.set())
            assert called.wait(30)
            return reply.result()

        assert await asyncio.to_thread(call) == 3

    serving(main, Service())


def test_plain_functions_run_in_threads_of_the_servers_own(serving):
    async def main(client, _):
        assert (await client.call("where")).startswith("mainspring-endpoint")

    serving(main, Service())


@pytest.mark.parametrize("method", ["add_by_calling", "add_green"])
def test_a_handler_of_any_kind_calls_and_waits(serving, method):
    service = Service()

    async def main(client, _):
        service.client = client
        assert await client.call(method, a=1, b=2) == 3

    serving(main, service)


def test_a_green_thread_waits_for_a_reply(url):
    def main():
        transport = get_transport(url)
        server = Server(transport, TARGET, [Service()])
        await_(server.start())
        client = Client(transport, Target(topic="topic"))
        assert await_(client.call("add", a=1, b=2)) == 3
        await_(server.stop())
        await_(transport.close())

    mainspring.run(main)


def test_loops_of_two_threads_reach_each_other_through_one_broker(url):
    stop = threading.Event()
    ready = threading.Event()

    async def serve():
        transport = get_transport(url)
        async with Server(transport, TARGET, [Service()]):
            ready.set()
            await asyncio.to_thread(stop.wait)
        await transport.close()

    async def call():
        async with Client(url, Target(topic="topic")) as client:
            return await asyncio.gather(*[client.call("add", a=n, b=n) for n in range(100)])

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(30)
    try:
        assert from_a_thread(asyncio.run, call()) == [2 * n for n in range(100)]
    finally:
        stop.set()
        thread.join()


def test_a_transport_belongs_to_one_loop(url):
    client = Client(get_transport(url), Target(topic="topic"))

    async def main():
        with pytest.raises(mainspring.messaging.MessageUndeliverable):
            await client.call("add")
        await client.transport.close()

    async def elsewhere():
        with pytest.raises(RuntimeError, match="a transport for each loop"):
            client.call("add")

    asyncio.run(main())
    asyncio.run(elsewhere())


def test_what_a_closed_loop_had_goes_to_another_server(memory_url):
    async def take(server):
        await server.start()
        await Client(server.transport, Target(topic="topic")).cast("forever")

    async def serve():
        transport = get_transport(memory_url)
        client = Client(transport, Target(topic="topic"))
        async with Server(transport, TARGET, [Service()]):
            assert await client.call("add", a=1, b=2) == 3
        await transport.close()

    # Nobody closes the first transport: its loop just ends.
    first = Server(get_transport(memory_url), TARGET, [Service()])
    asyncio.run(take(first))
    asyncio.run(serve())


def test_a_handler_in_a_thread_can_see_that_nobody_waits_for_it(url):
    began, go_on = threading.Event(), threading.Event()
    seen = []

    class Slow:
        def work(self):
            began.set()
            go_on.wait(30)
            seen.append(current_call().is_abandoned)
            current_call().raise_if_abandoned()

    async def main():
        transport = get_transport(url)
        client = Client(transport, Target(topic="topic"))
        server = Server(transport, TARGET, [Slow()])
        async with server:
            reply = client.call("work")
            await asyncio.to_thread(began.wait)
            reply.cancel()
            while server.statistics().cancelled == 0:
                await asyncio.sleep(0)
            go_on.set()
        await transport.close()

    asyncio.run(main())
    assert seen == [True]


def test_the_blocking_with_is_refused_in_a_coroutine(serving):
    async def main(client, server):
        for each in (client, server):
            with pytest.raises(RuntimeError, match="async with"):
                each.__enter__()

    serving(main, Service())


def test_a_thread_that_waits_for_a_reply_is_told_when_its_loop_is_closed():
    waiting = threading.Event()

    class Awaited(Reply):
        def add_done_callback(self, fn, *, context=None):
            super().add_done_callback(fn, context=context)
            waiting.set()

    loop = mainspring.new_event_loop()
    reply = Awaited(loop=loop)
    running = threading.Event()
    loop.call_soon(running.set)
    runner = threading.Thread(target=loop.run_forever)
    runner.start()
    running.wait()

    def wait():
        with pytest.raises(RuntimeError, match="was closed while a thread waited"):
            reply.result()
        return "told"

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        told = pool.submit(wait)
        waiting.wait()
        loop.call_soon_threadsafe(loop.stop)
        runner.join()
        for task in asyncio.all_tasks(loop):
            # Or it would be reported as destroyed.
            task._log_destroy_pending = False
        loop.close()
        assert told.result() == "told"
