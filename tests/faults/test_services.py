"""Clients and servers, whole, over a broker, network and processes that break.

Counted is what callers see: each call ends once, with its result or with an error; and what a
handler was run for.
"""

import asyncio
import subprocess
import sys
from collections import Counter
from contextlib import asynccontextmanager

import pytest

from mainspring import await_, spawn
from mainspring.messaging import (
    Client,
    MessageUndeliverable,
    MessagingTimeout,
    Server,
    Target,
    endpoint,
    get_transport,
)
from tests.faults.test_brokers import DURABLE, QUICK
from tests.interop.debian import ROOT
from tests.services.proxy import Proxy

COUNT = 200
MANY = 500


class Counting:
    """Runs calls and counts them."""

    def __init__(self):
        self.ran = Counter()
        self.running = self.most = self.endless_ones = 0
        self.wanted = 0
        self.all_here = asyncio.Event()

    async def work(self, n, weight=""):
        self.ran[n] += 1
        return n

    @endpoint(concurrency=5)
    async def slow(self, n):
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0.002)  # sleep-ok: what a slow handler is
        self.running -= 1
        self.ran[n] += 1
        return n

    async def together(self, n):
        """Answers when `wanted` calls are here at once."""
        self.ran[n] += 1
        if len(self.ran) == self.wanted:
            self.all_here.set()
        await self.all_here.wait()
        return n

    async def endless(self):
        self.endless_ones += 1
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self.endless_ones -= 1


@asynccontextmanager
async def service(url, topic, **options):
    """A server, and a client on a connection of its own."""
    endpoint = Counting()
    there, here = get_transport(url), get_transport(url)
    try:
        async with Server(there, Target(topic=topic, server="one"), [endpoint], **options):
            yield Client(here, Target(topic=topic), timeout=60), endpoint
    finally:
        await here.close()
        await there.close()


async def ends(replies):
    """Returns how calls have ended: results, and the types of errors."""
    ended = await asyncio.gather(*replies, return_exceptions=True)
    return [end if isinstance(end, int) else type(end) for end in ended]


async def calls_over_a_restart(client, broker):
    """Makes calls while a broker restarts, and returns their replies."""
    replies = []
    restarting = None
    for n in range(COUNT):
        replies.append(client.call("work", n=n))
        if n == 50:
            restarting = asyncio.create_task(asyncio.to_thread(broker.restart))
        await asyncio.sleep(0.005)  # sleep-ok: spreads the calls over the restart
    await restarting
    return replies


async def ends_of_an_overload(url, topic):
    """Returns how ten times more calls ended than a server takes at once."""
    async with service(url, topic, backlog=5) as (client, endpoint):
        ended = await ends([client.call("slow", n=n) for n in range(MANY)])
        assert endpoint.most == 5
        assert endpoint.ran == Counter(end for end in ended if isinstance(end, int))
        assert await client.call("slow", n=-1) == -1
        return ended


@pytest.mark.parametrize("ack", ["early", "late"])
async def test_each_call_runs_once_and_ends_once_while_the_network_breaks(shared_broker, ack):
    with Proxy.running(shared_broker.port) as proxy:
        url = f"rabbit://127.0.0.1:{proxy.port}/?{QUICK}"
        async with service(url, f"breaks-{ack}", ack=ack) as (client, endpoint):
            replies = []
            for n in range(COUNT):
                replies.append(client.call("work", n=n))
                if n % 50 == 25:
                    await asyncio.to_thread(proxy.cut)
                await asyncio.sleep(0.002)  # sleep-ok: spreads the calls over the cuts
            assert await ends(replies) == [*range(COUNT)]
            assert endpoint.ran == Counter(range(COUNT))


async def test_each_call_ends_once_when_a_broker_with_durable_queues_restarts(broker):
    async with service(f"{broker.url}?{DURABLE}", "durable", ack="late") as (client, endpoint):
        replies = await calls_over_a_restart(client, broker)
        assert await ends(replies) == [*range(COUNT)]
        assert endpoint.ran == Counter(range(COUNT))


async def test_no_call_stays_unanswered_when_a_broker_with_transient_queues_restarts(broker):
    async with service(f"{broker.url}?{QUICK}", "transient") as (client, endpoint):
        client = client.prepare(timeout=10)
        replies = await calls_over_a_restart(client, broker)
        ended = await ends(replies)
        wrong = {end for n, end in enumerate(ended) if end != n}
        # What was in a queue is gone with it; what came before the server was back has no queue.
        assert wrong <= {MessagingTimeout, MessageUndeliverable}
        assert max(endpoint.ran.values()) == 1
        # The client may be back before the server.
        while (await ends([client.call("work", n=-1)])) == [MessageUndeliverable]:
            pass
        assert await client.call("work", n=-2) == -2


@pytest.mark.parametrize("ack", ["early", "late"])
async def test_the_calls_of_a_killed_server_end(shared_broker, ack):
    url, topic = f"{shared_broker.url}?{QUICK}", f"killed-core-{ack}"
    command = [sys.executable, "-m", "tests.faults.core_server", url, topic, "victim", ack]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as victim:
        try:
            assert await asyncio.to_thread(victim.stdout.readline) == "ready\n"
            here = get_transport(url)
            client = Client(here, Target(topic=topic), timeout=4)
            replies = [client.call("work", n=n) for n in range(20)]
            for _ in replies:
                await asyncio.to_thread(victim.stdout.readline)
            async with service(url, topic) as (_, endpoint):
                victim.kill()
                ended = await ends(replies)
                if ack == "late":
                    assert ended == [*range(20)]
                    assert endpoint.ran == Counter(range(20))
                else:
                    assert ended == [MessagingTimeout] * 20
                    assert endpoint.ran == Counter()
            await here.close()
        finally:
            victim.kill()


async def test_a_handler_that_never_ends_is_cancelled_with_its_deadline(shared_broker):
    async with service(shared_broker.url, "endless") as (client, _):
        impatient = client.prepare(timeout=0.2)
        assert await ends([impatient.call("endless") for _ in range(10)]) == [MessagingTimeout] * 10
        assert await client.call("work", n=1) == 1


async def test_ten_times_more_load_than_capacity_waits_in_the_broker(shared_broker):
    assert await ends_of_an_overload(shared_broker.url, "overload") == [*range(MANY)]


async def test_ten_thousand_calls_of_ten_thousand_tasks_share_one_connection(shared_broker):
    with Proxy.running(shared_broker.port) as proxy:
        url = f"rabbit://127.0.0.1:{proxy.port}/"
        async with service(url, "many", concurrency=10_000) as (client, endpoint):

            async def one(n):
                return await client.call("work", n=n)

            tasks = [asyncio.create_task(one(n)) for n in range(10_000)]
            assert await asyncio.gather(*tasks) == [*range(10_000)]
            assert len(endpoint.ran) == 10_000
            # The server's, and the client's.
            assert proxy.accepted == 2


async def test_ten_thousand_calls_of_a_thousand_green_threads_share_one_connection(shared_broker):
    with Proxy.running(shared_broker.port) as proxy:
        url = f"rabbit://127.0.0.1:{proxy.port}/"
        async with service(url, "many-green", concurrency=10_000) as (client, endpoint):
            endpoint.wanted = 10_000

            def ten(first):
                replies = [client.call("together", n=n) for n in range(first, first + 10)]
                return [await_(reply) for reply in replies]

            threads = [spawn(ten, first) for first in range(0, 10_000, 10)]
            results = await asyncio.gather(*threads)
            assert [n for ten_of_them in results for n in ten_of_them] == [*range(10_000)]
            # None was answered before all were in flight.
            assert client.statistics().replies == 10_000
            assert proxy.accepted == 2


async def test_a_server_that_does_not_exist_is_an_error_at_once(shared_broker):
    here = get_transport(shared_broker.url)
    client = Client(here, Target(topic="nobody-at-all"), timeout=60)
    assert await ends([client.call("work", n=1)]) == [MessageUndeliverable]
    await here.close()
