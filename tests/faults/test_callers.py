"""Callers that are killed, cut off from the network, or want more than there is."""

import asyncio
import subprocess
import sys
from contextlib import asynccontextmanager

import pytest

from mainspring.messaging import Client, Server, Target, current_call, get_transport
from tests.faults.children import caller
from tests.faults.memory import resident
from tests.faults.namespaces import cuttable, why_not
from tests.faults.test_brokers import QUICK
from tests.interop.debian import ROOT

COUNT = 100
MIB = 1 << 20
# Seconds without a network.
CUT = 30


class Gated:
    """Answers when the gate is open, and counts."""

    def __init__(self):
        self.gate = asyncio.Event()
        self.here = asyncio.Queue()
        self.stopped = asyncio.Queue()
        self.reply_queues = set()

    async def work(self, n, text):
        self.reply_queues.add(current_call().request.reply_to)
        self.here.put_nowait(n)
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.stopped.put_nowait(n)
            raise
        return n


@asynccontextmanager
async def serving(url, topic):
    """A server in this process, and its endpoint, whose gate is open in the end."""
    endpoint, transport = Gated(), get_transport(url)
    async with Server(transport, Target(topic=topic, server="one"), [endpoint]) as server:
        try:
            yield server, endpoint
        finally:
            endpoint.gate.set()
    await transport.close()


async def take(queue, count):
    """Waits until so many have come; each must have come once."""
    async with asyncio.timeout(60):
        taken = [await queue.get() for _ in range(count)]
    assert sorted(taken) == [*range(count)]


async def serve_one_more(url, topic):
    """A caller that comes later is served."""
    here = get_transport(url)
    assert await Client(here, Target(topic=topic), timeout=60).call("work", n=-1, text="") == -1
    await here.close()


async def test_handlers_of_a_killed_caller_stop_at_its_deadline_and_the_server_goes_on(
    shared_broker,
):
    topic, url = "killed-caller", f"{shared_broker.url}?{QUICK}"
    async with serving(url, topic) as (server, endpoint):
        async with caller(url, topic) as child:
            await child.order(begin="work", count=COUNT, timeout=4)
            await take(endpoint.here, COUNT)
            child.process.kill()
        await take(endpoint.stopped, COUNT)
        counts = server.statistics()
        assert (counts.overdue, counts.running, counts.waiting) == (COUNT, 0, 0)
        endpoint.gate.set()
        await serve_one_more(url, topic)


async def test_answers_to_a_killed_caller_are_given_up_and_none_is_kept(shared_broker):
    topic = "gone-caller"
    url = f"{shared_broker.url}?{QUICK}&kombu_missing_consumer_retry_timeout=2"
    async with serving(url, topic) as (server, endpoint):
        # The broker removes the queue of the replies a second after its consumer has gone.
        async with caller(f"{url}&rabbit_transient_queues_ttl=1", topic) as child:
            await child.order(begin="work", count=COUNT, timeout=600)
            await take(endpoint.here, COUNT)
            (queue,) = endpoint.reply_queues
            child.process.kill()
        await removal(shared_broker, queue)
        endpoint.gate.set()
        async with asyncio.timeout(60):
            while server.statistics().undelivered_replies < COUNT:
                await asyncio.sleep(0.05)  # sleep-ok: nobody is told when a reply is given up
        assert server.statistics().running == 0
        assert server.transport._responder._missing == {}
        await serve_one_more(url, topic)


async def removal(broker, queue):
    """Waits until a queue isn't there any more; who asks the queue itself keeps it alive."""
    async with asyncio.timeout(60):
        while queue in await asyncio.to_thread(broker.control, "list_queues", "name"):
            pass


async def test_a_caller_without_a_network_for_half_a_minute_loses_no_call(shared_broker):
    if (reason := await asyncio.to_thread(why_not)) is not None:
        pytest.skip(reason)
    topic, loop = "cut-off", asyncio.get_running_loop()
    with cuttable(shared_broker.port) as network:
        url = f"rabbit://127.0.0.1:{network.port}/?heartbeat=2&{QUICK}"
        async with (
            serving(f"{shared_broker.url}?{QUICK}", topic) as (server, endpoint),
            caller(url, topic, network.enter) as child,
        ):
            await child.order(begin="work", count=COUNT, timeout=600)
            await child.hear("begun")
            await take(endpoint.here, COUNT)
            await asyncio.to_thread(network.cut)
            mended = loop.time() + CUT
            endpoint.gate.set()
            # No packet says so: the heartbeats do, while there is no network.
            await child.hear("lost")
            # These can't be sent in their time.
            await child.order(begin="work", count=COUNT, timeout=3)
            await child.hear("begun")
            await asyncio.sleep(mended - loop.time())  # sleep-ok: how long the network is away
            assert child.events == ["connected", "lost"]
            await asyncio.to_thread(network.mend)
            await child.hear("connected")
            await child.order(end=True)
            ended = (await child.hear("ended"))["ended"]
            # What was in flight has its answer; what was late its error.
            assert ended == {"result": COUNT, "MessagingTimeout": COUNT}
            await child.order(begin="work", count=COUNT, timeout=60)
            await child.order(end=True)
            assert (await child.hear("ended"))["ended"] == {"result": COUNT}
            assert server.statistics().done == 2 * COUNT


async def test_ten_times_more_load_than_capacity_leaves_memory_bounded(shared_broker):
    # The server does a thousand calls in a second, and gets ten thousand for three seconds: 120
    # MiB, for whoever would keep them.
    calls, size = 30_000, 4096
    topic, url = "ten-times", f"{shared_broker.url}?{QUICK}"
    command = [sys.executable, "-m", "tests.faults.core_server", url, topic, "one", "early"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert await asyncio.to_thread(server.stdout.readline) == "ready\n"
            async with caller(url, topic) as child:
                # What both need once is there.
                await child.order(begin="slow", count=1000, timeout=60, size=size)
                await child.order(end=True)
                before = (await child.hear("ended"))["rss"]
                server_before = resident(server.pid)
                await child.order(begin="slow", count=calls, timeout=2, every=100, size=size)
                await child.order(end=True)
                after = await child.hear("ended")
                ended = after["ended"]
                assert sum(ended.values()) == calls
                assert set(ended) == {"result", "MessagingTimeout"}
                # More was wanted than could be done, or nothing is shown.
                assert ended["MessagingTimeout"] > calls / 2
                assert resident(server.pid) - server_before < 40 * MIB
                assert after["rss"] - before < 80 * MIB
                # The server has let go of what was late, and serves on.
                await child.order(begin="slow", count=10, timeout=60)
                await child.order(end=True)
                assert (await child.hear("ended"))["ended"] == {"result": 10}
        finally:
            server.kill()
