"""NATS that breaks: it keeps nothing, so what is counted is that each call ends once, told so."""

import asyncio
import signal
import subprocess
import sys
from collections import Counter

import nats as nats_py
import pytest

from mainspring.messaging import (
    Client,
    MessageUndeliverable,
    MessagingTimeout,
    Server,
    ServerBusy,
    Target,
    get_transport,
)
from mainspring.messaging.errors import ConnectionLost
from mainspring.messaging.messages import Request, new_id
from mainspring.messaging.nats.wire import encode_request
from mainspring.messaging.transport import ConnectionEvent
from tests.faults.test_services import (
    COUNT,
    Counting,
    calls_over_a_restart,
    ends,
    ends_of_an_overload,
    service,
)
from tests.interop.debian import ROOT
from tests.services.bare import Events, until
from tests.services.proxy import Proxy

QUICK = "reconnect_delay=0.05&retry_interval=0.05&retry_backoff=0"


async def served_again(client):
    """Calls until a server is there again, which may be after the client."""
    while (await ends([client.call("work", n=-1)])) == [MessageUndeliverable]:
        pass
    assert await client.call("work", n=-2) == -2


async def test_each_call_ends_once_when_the_server_restarts(nats, topic):
    async with service(f"{nats.url}?{QUICK}", topic) as (client, endpoint):
        client = client.prepare(timeout=10)
        replies = await calls_over_a_restart(client, nats)
        ended = await ends(replies)
        wrong = {end for n, end in enumerate(ended) if end != n}
        # A server's answer may be lost while the caller is there again already: hence the timeout.
        assert wrong <= {ConnectionLost, MessageUndeliverable, MessagingTimeout}
        assert ended[:40] == [*range(40)]
        assert max(endpoint.ran.values()) == 1
        await served_again(client)


async def test_calls_in_flight_are_told_at_once_that_the_connection_broke(nats, topic):
    async with service(f"{nats.url}?{QUICK}", topic) as (client, _):
        replies = [client.call("endless") for _ in range(COUNT)]
        await client.call("work", n=0)
        await asyncio.to_thread(nats.kill)
        assert await ends(replies) == [ConnectionLost] * COUNT
        assert client.statistics().in_flight == 0
        await asyncio.to_thread(nats.start)
        await served_again(client)


@pytest.mark.parametrize("ack", ["early", "late"])
async def test_each_call_runs_once_at_most_and_ends_once_while_the_network_breaks(
    shared_nats, topic, ack
):
    with Proxy.running(shared_nats.port) as proxy:
        url = f"nats://127.0.0.1:{proxy.port}?{QUICK}"
        async with service(url, topic, ack=ack) as (client, endpoint):
            client = client.prepare(timeout=10)
            replies = []
            for n in range(COUNT):
                replies.append(client.call("work", n=n))
                if n % 50 == 25:
                    await asyncio.to_thread(proxy.cut)
                await asyncio.sleep(0.002)  # sleep-ok: spreads the calls over the cuts
            ended = await ends(replies)
            wrong = {end for n, end in enumerate(ended) if end != n}
            assert wrong <= {ConnectionLost, MessageUndeliverable, MessagingTimeout}
            answered = {end for end in ended if isinstance(end, int)}
            assert answered <= set(endpoint.ran)
            assert max(endpoint.ran.values()) == 1
            await served_again(client)


async def test_answers_that_were_due_while_the_servers_connection_was_broken_arrive(
    shared_nats, topic
):
    with Proxy.running(shared_nats.port) as proxy:
        there = get_transport(f"nats://127.0.0.1:{proxy.port}?{QUICK}")
        here = get_transport(shared_nats.url)
        endpoint = Waiting()
        async with Server(there, Target(topic=topic, server="one"), [endpoint]):
            events = Events(there)
            client = Client(here, Target(topic=topic))
            replies = [client.call("wait", n=n) for n in range(COUNT)]
            await until(lambda: endpoint.running == COUNT)
            await asyncio.to_thread(proxy.refuse)
            await events.until(ConnectionEvent.LOST)
            endpoint.go_on.set()
            await until(lambda: endpoint.running == 0)
            await asyncio.to_thread(proxy.refuse, False)
            assert await ends(replies) == [*range(COUNT)]
        await here.close()
        await there.close()


class Waiting:
    """Runs calls until it is told to go on."""

    def __init__(self):
        self.running = 0
        self.go_on = asyncio.Event()

    async def wait(self, n):
        self.running += 1
        try:
            await self.go_on.wait()
        finally:
            self.running -= 1
        return n


@pytest.mark.parametrize("ack", ["early", "late"])
async def test_the_calls_of_a_killed_server_end_at_their_deadline_and_the_next_go_elsewhere(
    shared_nats, topic, ack
):
    url = shared_nats.url
    command = [sys.executable, "-m", "tests.faults.core_server", url, topic, "victim", ack]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as victim:
        try:
            assert await asyncio.to_thread(victim.stdout.readline) == "ready\n"
            here = get_transport(url)
            client = Client(here, Target(topic=topic), timeout=2)
            replies = [client.call("work", n=n) for n in range(20)]
            for _ in replies:
                await asyncio.to_thread(victim.stdout.readline)
            async with service(url, topic) as (_, endpoint):
                victim.kill()
                # NATS has nothing to deliver again, with either.
                assert await ends(replies) == [MessagingTimeout] * 20
                assert endpoint.ran == Counter()
                assert await client.call("work", n=7) == 7
            await here.close()
        finally:
            victim.kill()


async def test_a_caller_that_is_killed_leaves_nothing_behind_at_the_server(shared_nats, topic):
    async with service(shared_nats.url, topic) as (client, endpoint):
        command = [sys.executable, "-c", "from mainspring.cli.main import main; main()", "call"]
        arguments = [shared_nats.url, topic, "endless", "--timeout", "2"]
        with subprocess.Popen([*command, *arguments], cwd=ROOT) as caller:
            await until(lambda: endpoint.endless_ones == 1)
            caller.send_signal(signal.SIGKILL)
        assert await client.call("work", n=1) == 1
        # The handler goes on to its caller's deadline, and no further.
        await until(lambda: endpoint.endless_ones == 0)


async def test_a_request_that_comes_twice_runs_once(shared_nats, topic):
    async with service(shared_nats.url, topic, ack="late") as (_, endpoint):
        other = await nats_py.connect(shared_nats.url)
        inbox = other.new_inbox()
        answers = await other.subscribe(inbox)
        request = Request(Target(topic=topic), "work", {"n": 1})
        request.msg_id = request.unique_id = new_id()
        body = encode_request(request, 0.0)
        for _ in range(3):
            await other.publish(f"mainspring.topic.{topic}", body, inbox)
            # The answer is kept, and sent again.
            assert (await answers.next_msg(timeout=30)).data == b'{"result":1}'
        assert endpoint.ran == Counter([1])
        await other.close()


async def test_each_call_to_a_server_that_is_too_slow_for_nats_ends_once(nats, topic):
    # What waits for one connection, beyond which it is closed.
    nats.configure("max_pending: 2MB")
    nats.restart()
    with Proxy.running(nats.port) as proxy:
        there = get_transport(f"nats://127.0.0.1:{proxy.port}?{QUICK}")
        here, endpoint = get_transport(nats.url), Counting()
        client = Client(here, Target(topic=topic), timeout=3)
        nobody = Client(here, Target(topic=f"{topic}-nobody"))
        async with Server(there, Target(topic=topic, server="one"), [endpoint]):
            events = Events(there)
            await asyncio.to_thread(proxy.hold)
            # More than the system keeps on the way.
            weight = "x" * 200_000
            replies = [client.call("work", n=n, weight=weight) for n in range(COUNT)]
            # By then NATS has tried to hand over all of them.
            assert await ends([nobody.call("work", n=0)]) == [MessageUndeliverable]
            await asyncio.to_thread(proxy.release)
            await events.until(ConnectionEvent.LOST)
            ended = await ends(replies)
            wrong = {end for n, end in enumerate(ended) if end != n}
            # What was on its way, and what came when the server had no connection.
            assert {MessagingTimeout} <= wrong <= {MessagingTimeout, MessageUndeliverable}
            answered = {end for end in ended if isinstance(end, int)}
            assert answered <= set(endpoint.ran)
            assert max(endpoint.ran.values(), default=1) == 1
            await served_again(client)
        await here.close()
        await there.close()


async def test_ten_times_more_load_than_capacity_is_answered_or_refused(shared_nats, topic):
    ended = await ends_of_an_overload(f"{shared_nats.url}?max_waiting=40", topic)
    refused = [end for end in ended if not isinstance(end, int)]
    assert set(refused) == {ServerBusy}
    # What runs, what waits in the server, what waits in its transport; and what comes later.
    assert len(ended) - len(refused) >= 50


async def test_a_handler_that_never_ends_is_cancelled_with_its_deadline(shared_nats, topic):
    async with service(shared_nats.url, topic) as (client, endpoint):
        impatient = client.prepare(timeout=0.2)
        assert await ends([impatient.call("endless") for _ in range(10)]) == [MessagingTimeout] * 10
        await until(lambda: endpoint.endless_ones == 0)


async def test_a_call_that_shows_signs_of_life_is_waited_for_and_one_that_shows_none_is_not(
    shared_nats, topic
):
    with Proxy.running(shared_nats.port) as proxy:
        there = get_transport(f"nats://127.0.0.1:{proxy.port}")
        async with Server(there, Target(topic=topic, server="one"), [Counting()]):
            here = get_transport(shared_nats.url)
            client = Client(here, Target(topic=topic), call_monitor_timeout=2)
            reply = client.call("endless")
            await until(lambda: client.statistics().signs_of_life == 3)
            await asyncio.to_thread(proxy.hold)
            assert await ends([reply]) == [MessagingTimeout]
            await asyncio.to_thread(proxy.release)
            await here.close()
        await there.close()
