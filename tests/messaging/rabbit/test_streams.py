"""Fanouts over a stream that the servers of a topic share: each server gets each of them once."""

import asyncio

import pytest

from mainspring.messaging.rabbit.frames import FrameReader
from mainspring.messaging.rabbit.login import Login
from mainspring.messaging.rabbit.methods import commands, content_frames, encode_method, table
from mainspring.messaging.rabbit.opening import open_connection
from mainspring.messaging.rabbit.options import Options
from mainspring.messaging.rabbit.streams import StreamPosition
from mainspring.messaging.rabbit.topology import Topology, delete_queue
from mainspring.messaging.target import Target
from mainspring.messaging.transport import ConnectionEvent
from tests.services.bare import Call, Events, Worker, request, sent, transport
from tests.services.proxy import Proxy

STREAM = "rabbit_stream_fanout=true&rabbit_transient_quorum_queue=true&kombu_reconnect_delay=0.1"
OPTIONS = {"rabbit_stream_fanout": True, "rabbit_transient_quorum_queue": True}


class Kept:
    """Keeps the contents that a reader finds."""

    def __init__(self):
        self.contents = []
        self.on_confirm = self.on_method = self.contents.append

    def on_content(self, content):
        self.contents.append(content)


def content(offset=None, headers=b""):
    """Returns a delivery, with its offset in a stream if it has one."""
    if offset is not None:
        headers = table({"x-stream-offset": offset})
    deliver = encode_method(commands.Basic.Deliver("1", 1, False, "t_fanout", ""), 1)
    kept = Kept()
    FrameReader(kept, 4096).feed(deliver + b"".join(content_frames(1, b"{}", 4096, headers)))
    (made,) = kept.contents
    return made


def test_a_consumer_begins_with_what_comes_next():
    assert StreamPosition().arguments == {"x-stream-offset": "next"}


def test_it_goes_on_after_what_it_has_received():
    position = StreamPosition()
    assert position.receive(content(6))
    assert position.arguments == {"x-stream-offset": 7}


def test_what_comes_again_is_not_new():
    position = StreamPosition()
    assert [position.receive(content(n)) for n in (6, 7, 6, 7, 8)] == [
        True,
        True,
        False,
        False,
        True,
    ]


def test_what_was_received_and_not_delivered_is_asked_for_again():
    position = StreamPosition()
    for n in (6, 7, 8):
        position.receive(content(n))
    position.deliver(content(6))
    position.detached()
    assert position.arguments == {"x-stream-offset": 7}
    assert position.receive(content(7))


def test_a_stream_that_was_removed_is_read_from_its_beginning():
    position = StreamPosition()
    position.receive(content(6))
    position.removed()
    assert position.arguments == {"x-stream-offset": "first"}
    assert position.receive(content(0))


@pytest.mark.parametrize("other", [content(), content(headers=b"\x0fx-stream-offset?")])
def test_what_has_no_offset_that_can_be_read_is_new_and_changes_nothing(other):
    position = StreamPosition()
    position.receive(content(6))
    assert position.receive(other)
    position.deliver(other)
    assert position.arguments == {"x-stream-offset": 7}


def test_a_stream_keeps_its_messages_as_long_as_its_options_say():
    ages = []
    for ttl in (0, 60):
        topology = Topology(Options(**OPTIONS, rabbit_transient_queues_ttl=ttl))
        (stream,) = [q for q in topology.queues_of_server(Target(topic="t"), "x") if q.stream]
        assert (stream.name, stream.durable, stream.own) == ("t_fanout", True, False)
        ages.append(stream.arguments.get("x-max-age"))
    assert ages == [None, "60s"]


def test_only_fanouts_go_into_the_stream_that_others_read_too():
    queues = Topology(Options(**OPTIONS)).queues_of_server(Target(topic="t", server="s"), "x")
    assert [queue.name for queue in queues] == ["t", "t.s", "t_fanout", "t_cancel_x"]
    assert [exchange.name for exchange, _ in queues[2].bindings] == ["t_fanout"]


# -- over a broker


@pytest.fixture
def url(shared_broker):
    return f"{shared_broker.url}?{STREAM}"


def fanout(topic, n):
    message = request(topic, "note", n=n)
    message.target = Target(topic=topic, fanout=True)
    return message


async def send(over, topic, *numbers):
    for n in numbers:
        assert await sent(over, fanout(topic, n)) is None


def numbers(worker):
    return [got.args["n"] for got in worker.seen]


async def test_each_server_gets_each_fanout_once(url, topic):
    async with transport(url) as both:
        workers = [Worker(both), Worker(both)]
        for name, worker in zip(("one", "two"), workers, strict=True):
            await both.serve(Target(topic=topic, server=name), worker, 10)
        await send(both, topic, *range(20))
        for worker in workers:
            await worker.until(lambda worker=worker: len(worker.seen) >= 20)
            assert numbers(worker) == list(range(20))


async def test_a_server_does_not_get_what_was_sent_before_it_came(url, topic):
    async with transport(url) as both:
        first, second = Worker(both), Worker(both)
        await both.serve(Target(topic=topic, server="one"), first, 10)
        await send(both, topic, 1)
        await first.until(lambda: len(first.seen) == 1)
        await both.serve(Target(topic=topic, server="two"), second, 10)
        await send(both, topic, 2)
        await second.until(lambda: bool(second.seen))
        assert numbers(second) == [2]


async def test_after_a_lost_connection_it_gets_what_was_sent_meanwhile(shared_broker, url, topic):
    with Proxy.running(shared_broker.port) as proxy:
        async with (
            transport(f"rabbit://127.0.0.1:{proxy.port}/?{STREAM}") as server,
            transport(url) as client,
        ):
            events, worker = Events(server), Worker(server)
            await server.serve(Target(topic=topic, server="one"), worker, 10)
            await send(client, topic, 1, 2)
            await worker.until(lambda: len(worker.seen) == 2)
            await asyncio.to_thread(proxy.refuse)
            await asyncio.to_thread(proxy.cut)
            await events.until(ConnectionEvent.LOST)
            await send(client, topic, 3, 4)
            await asyncio.to_thread(proxy.refuse, False)
            await worker.until(lambda: len(worker.seen) >= 4)
            assert numbers(worker) == [1, 2, 3, 4]


async def test_what_was_held_back_when_the_connection_broke_comes_again(shared_broker, url, topic):
    with Proxy.running(shared_broker.port) as proxy:
        async with (
            transport(f"rabbit://127.0.0.1:{proxy.port}/?{STREAM}") as server,
            transport(url) as client,
        ):
            worker = Worker(server)
            worker.acknowledges = False
            await server.serve(Target(topic=topic, server="one"), worker, 1)
            await send(client, topic, 1, 2, 3)
            await worker.until(lambda: len(worker.seen) == 1)
            worker.acknowledges = True
            await asyncio.to_thread(proxy.cut)
            await worker.until(lambda: len(worker.seen) >= 3)
            assert numbers(worker) == [1, 2, 3]


async def test_more_concurrency_in_the_middle_brings_nothing_twice(url, topic):
    async with transport(url) as both:
        worker = Worker(both)
        worker.acknowledges = False
        subscription = await both.serve(Target(topic=topic, server="one"), worker, 2)
        await send(both, topic, *range(6))
        await worker.until(lambda: len(worker.seen) == 2)
        subscription.set_prefetch(5)
        for delivery in worker.deliveries:
            delivery.ack()
        worker.acknowledges = True
        await worker.until(lambda: len(worker.seen) >= 6)
        assert numbers(worker) == list(range(6))


async def test_a_removed_stream_is_made_anew_and_read_from_its_beginning(shared_broker, url, topic):
    async with transport(url) as both:
        worker = Worker(both)
        await both.serve(Target(topic=topic, server="one"), worker, 10)
        await send(both, topic, 1)
        await worker.until(lambda: len(worker.seen) == 1)
        loop = asyncio.get_running_loop()
        admin = await open_connection(
            loop, "127.0.0.1", shared_broker.port, Login("guest", "guest"), None, 10
        )
        await delete_queue(admin, f"{topic}_fanout")
        await admin.close()
        # It arrives once there is a queue again; until then nobody is there to get it.
        n = 1
        while len(worker.seen) < 2:
            n += 1
            await send(both, topic, n)
            await asyncio.sleep(0.01)
        assert len(set(numbers(worker))) == len(worker.seen)


async def test_a_caller_that_gives_up_is_heard(url, topic):
    async with transport(url) as both:
        worker = Worker(both)
        worker.answers = False
        await both.serve(Target(topic=topic, server="one"), worker, 10)
        given_up = Call(both, Target(topic=topic), "m", {})
        await worker.until(lambda: bool(worker.seen))
        both.cancel(given_up.request)
        await worker.until(lambda: worker.cancelled == [given_up.request.msg_id])


async def test_the_stream_stays_for_the_others_when_a_server_leaves(url, topic):
    async with transport(url) as both:
        worker = Worker(both)
        await both.serve(Target(topic=topic, server="one"), worker, 10)
        async with transport(url) as other:
            leaving = await other.serve(Target(topic=topic, server="two"), Worker(other), 10)
            await leaving.stop()
        await send(both, topic, 1)
        await worker.until(lambda: numbers(worker) == [1])
