"""Servers and callers that are killed, queues that are removed, messages that nobody can read."""

import asyncio
import json
import signal
import subprocess
import sys

import pytest

from mainspring.messaging.errors import MessageUndeliverable
from mainspring.messaging.rabbit.envelope import wrap
from mainspring.messaging.rabbit.login import Login
from mainspring.messaging.rabbit.methods import commands, content_frames, publish_frame
from mainspring.messaging.rabbit.opening import open_connection
from mainspring.messaging.rabbit.topology import delete_queue
from mainspring.messaging.target import Target
from tests.faults.test_brokers import QUICK, Once
from tests.interop.debian import ROOT
from tests.services.bare import Call, Worker, call, transport

COUNT = 50


@pytest.fixture
def url(shared_broker):
    return f"{shared_broker.url}?{QUICK}&kombu_missing_consumer_retry_timeout=2"


async def raw(broker):
    """Returns a connection that does as it is told, and a channel of it."""
    loop = asyncio.get_running_loop()
    connection = await open_connection(loop, "127.0.0.1", broker.port, Login("guest", "guest"))
    channel = await connection.channel()
    await channel.call(commands.Confirm.Select(), commands.Confirm.SelectOk)
    return connection, channel


async def put(channel, queue, *bodies):
    """Puts bodies into a queue, as they are."""
    confirmed = asyncio.get_running_loop().create_future()

    def on_confirm(tag, multiple, taken):
        if tag == len(bodies):
            confirmed.set_result(taken)

    channel.on_confirm = on_confirm
    for body in bodies:
        channel.connection.write(publish_frame(channel.number, "", queue, False))
        channel.connection.write_all(content_frames(channel.number, body, 131072))
    assert await confirmed


async def test_calls_of_a_killed_server_that_it_had_not_acknowledged_go_to_another(url):
    command = [sys.executable, "-m", "tests.faults.bare_server", url, "killed", "victim"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as victim:
        try:
            assert await asyncio.to_thread(victim.stdout.readline) == "ready\n"
            async with transport(url) as client, transport(url) as server:
                calls = [Call(client, Target(topic="killed"), "m", {"n": n}) for n in range(COUNT)]
                while await asyncio.to_thread(victim.stdout.readline) != f"got {COUNT}\n":
                    pass
                worker = Once(server)
                await server.serve(Target(topic="killed", server="heir"), worker, COUNT)
                victim.send_signal(signal.SIGKILL)
                results = await asyncio.gather(*[one.result() for one in calls])
                assert [result["n"] for result in results] == [*range(COUNT)]
                assert {one.replies for one in calls} == {1}
                assert all(delivery.redelivered for delivery in worker.deliveries)
        finally:
            victim.kill()


async def test_answers_to_a_caller_that_is_gone_are_given_up_and_nothing_is_kept(
    url, shared_broker
):
    async with transport(url) as server:
        worker = Worker(server)
        worker.answers = False
        await server.serve(Target(topic="gone", server="one"), worker, COUNT)
        async with transport(url) as caller:
            calls = [Call(caller, Target(topic="gone"), "m", {"n": n}) for n in range(COUNT)]
            await worker.until(lambda: len(worker.seen) == COUNT)
        assert [len(one.caller.lost) for one in calls] == [1] * COUNT
        for got in worker.seen:
            worker.respond(got)
        await worker.until(lambda: len(worker.outcomes) == COUNT)
        assert {type(error) for error in worker.outcomes} == {MessageUndeliverable}
        assert server._responder._missing == {}


async def test_answers_to_a_removed_queue_arrive_when_it_is_there_again(url, shared_broker):
    async with transport(url) as server, transport(url) as client:
        worker = Worker(server)
        worker.answers = False
        await server.serve(Target(topic="removed", server="one"), worker, COUNT)
        calls = [Call(client, Target(topic="removed"), "m", {"n": n}) for n in range(COUNT)]
        await worker.until(lambda: len(worker.seen) == COUNT)
        connection, _ = await raw(shared_broker)
        await delete_queue(connection, worker.seen[0].reply_to)
        for got in worker.seen:
            worker.respond(got)
        results = await asyncio.gather(*[one.result() for one in calls])
        assert [result["n"] for result in results] == [*range(COUNT)]
        assert {one.replies for one in calls} == {1}
        # The broker confirms an answer when it likes; its caller may have it before.
        await worker.until(lambda: len(worker.outcomes) == COUNT)
        assert worker.outcomes == [None] * COUNT
        await connection.close()


async def test_a_servers_queue_that_is_removed_is_made_anew(url, shared_broker):
    async with transport(url) as both:
        await both.serve(Target(topic="anew", server="one"), Worker(both), COUNT)
        connection, _ = await raw(shared_broker)
        await delete_queue(connection, "anew")
        # At the latest after a few attempts: nobody tells when the queue is there again.
        async with asyncio.timeout(60):
            while True:
                one = Call(both, Target(topic="anew"), "m", {"n": 1}, mandatory=True)
                if await one.outcome is None:
                    break
        assert await one.result() == {"n": 1}
        await connection.close()


POISON = [
    b"",
    b"\xff\x00",
    b"{}",
    b"[1]",
    wrap({"args": {}}),
    b'{"oslo.version": "9.0", "oslo.message": "{}"}',
    json.dumps({"oslo.version": "2.0", "oslo.message": "{"}).encode(),
]


async def test_poison_is_dropped_once_and_the_calls_around_it_are_answered(url, shared_broker):
    async with transport(url) as both:
        await both.serve(Target(topic="poison", server="one"), Worker(both), 2)
        connection, channel = await raw(shared_broker)
        before = Call(both, Target(topic="poison"), "m", {"n": 1})
        await put(channel, "poison", *POISON)
        assert await call(both, "poison", "m", n=2) == {"n": 2}
        assert await before.result() == {"n": 1}
        assert both.statistics()["poisoned"] == len(POISON)
        declared = await channel.call(
            commands.Queue.Declare(0, "poison", passive=True), commands.Queue.DeclareOk
        )
        assert declared.message_count == 0
        await connection.close()


async def test_a_malformed_call_that_says_who_called_is_answered(url, shared_broker):
    async with transport(url) as both:
        await both.serve(Target(topic="odd", server="one"), Worker(both), 2)
        one = Call(both, Target(topic="odd"), "m", {})
        assert await one.result() == {}
        future = asyncio.get_running_loop().create_future()
        one.caller.waiting["odd-call"] = future
        connection, channel = await raw(shared_broker)
        odd = {"method": 7, "_msg_id": "odd-call", "_reply_q": both._replies.name}
        await put(channel, "odd", wrap(odd))
        async with asyncio.timeout(60):
            response = await future
        assert response.failure.name == "MalformedMessage"
        await connection.close()


async def test_a_reply_that_cannot_be_read_ends_its_call_and_no_other(url, shared_broker):
    async with transport(url) as both:
        worker = Worker(both)
        worker.answers = False
        await both.serve(Target(topic="unread", server="one"), worker, 2)
        first = Call(both, Target(topic="unread"), "m", {"n": 1})
        second = Call(both, Target(topic="unread"), "m", {"n": 2})
        await worker.until(lambda: len(worker.seen) == 2)
        connection, channel = await raw(shared_broker)
        bad = {"_msg_id": first.request.msg_id, "failure": "{", "ending": True, "result": None}
        await put(channel, both._replies.name, b"nonsense", wrap(bad))
        assert (await first.response()).failure.name == "MalformedMessage"
        worker.respond(worker.seen[1])
        assert await second.result() == {"n": 2}
        await connection.close()


async def test_a_request_that_is_delivered_twice_carries_the_same_id_twice(url, shared_broker):
    async with transport(url) as both:
        worker = Once(both)
        await both.serve(Target(topic="twice", server="one"), worker, 10)
        one = Call(both, Target(topic="twice"), "m", {"n": 1})
        assert await one.result() == {"n": 1}
        connection, channel = await raw(shared_broker)
        again = wrap(
            {
                "method": "m",
                "args": {"n": 1},
                "_msg_id": one.request.msg_id,
                "_reply_q": both._replies.name,
                "_unique_id": one.request.unique_id,
            }
        )
        await put(channel, "twice", again, again)
        await worker.until(lambda: len(worker.seen) == 3)
        assert await call(both, "twice", "m", n=2) == {"n": 2}
        assert one.replies == 1
        await connection.close()
