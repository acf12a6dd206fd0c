"""The transports over their brokers, without the core: what each of them does."""

import asyncio

import pytest

from mainspring.messaging.errors import EncodeError, InvalidTarget, MessageUndeliverable
from mainspring.messaging.messages import Trace
from mainspring.messaging.target import Target
from tests.services.bare import (
    Call,
    Worker,
    call,
    notification,
    request,
    sent,
    transport,
    until,
)


async def test_a_call_comes_back(url, topic):
    async with transport(url) as server, transport(url) as client:
        await server.serve(Target(topic=topic, server="one"), Worker(server), 10)
        assert await call(client, topic, "echo", value=[1, "é"]) == {"value": [1, "é"]}


async def test_a_transport_may_call_itself(url, topic):
    async with transport(url) as both:
        await both.serve(Target(topic=topic, server="one"), Worker(both), 10)
        assert await call(both, topic, "echo", value=1) == {"value": 1}


async def test_all_that_a_call_carries_arrives(url, topic):
    async with transport(url) as server, transport(url) as client:
        worker = Worker(server)
        await server.serve(Target(topic=topic, server="one"), worker, 10)
        loop = asyncio.get_running_loop()
        fields = {
            "context": {"user": "bob"},
            "trace": Trace("00-1-2-01", "a=b"),
            "headers": {"shop": "north"},
            "deadline": loop.time() + 30,
            "monitor": 5,
            "priority": -1,
        }
        target = Target(topic=topic, namespace="space", version="1.1")
        await Call(client, target, "m", {}, **fields).result()
        (got,) = worker.seen
        assert (got.target.namespace, got.target.version) == ("space", "1.1")
        assert (got.context, got.trace) == (fields["context"], fields["trace"])
        assert (got.headers, got.monitor, got.priority) == (fields["headers"], 5, -1)
        assert abs(got.deadline - fields["deadline"]) < 5


async def test_a_failure_comes_back(url, topic):
    def fail(request):
        raise ValueError("bad", 7)

    async with transport(url) as server, transport(url) as client:
        await server.serve(Target(topic=topic, server="one"), Worker(server, fail), 10)
        response = await Call(client, Target(topic=topic), "m", {}).response()
        assert response.failure[:4] == ("ValueError", "builtins", "('bad', 7)", ("bad", 7))


async def test_a_call_to_one_server_reaches_that_one_only(url, topic):
    async with transport(url) as client, transport(url) as first, transport(url) as second:
        workers = [Worker(first), Worker(second)]
        await first.serve(Target(topic=topic, server="one"), workers[0], 10)
        await second.serve(Target(topic=topic, server="two"), workers[1], 10)
        for _ in range(5):
            await Call(client, Target(topic=topic, server="two"), "m", {}).result()
        assert [len(worker.seen) for worker in workers] == [0, 5]


async def test_a_fanout_reaches_every_server_once(url, topic):
    async with transport(url) as client, transport(url) as first, transport(url) as second:
        workers = [Worker(first), Worker(second)]
        for over, name, worker in zip((first, second), "ab", workers, strict=True):
            await over.serve(Target(topic=topic, server=name), worker, 10)
        message = request(topic, "note", n=1)
        message.target = Target(topic=topic, fanout=True)
        assert await sent(client, message) is None
        for worker in workers:
            await worker.until(lambda worker=worker: len(worker.seen) == 1)


async def test_of_many_messages_those_that_nobody_receives_are_told_apart(url, topic):
    async with transport(url) as client:
        worker = Worker(client)
        await client.serve(Target(topic=topic, server="one"), worker, 1000)
        messages = [request(topic if n % 3 else f"{topic}-none", "m", n=n) for n in range(300)]
        for message in messages:
            message.mandatory = True
        outcomes = await asyncio.gather(*[sent(client, message) for message in messages])
        undeliverable = [isinstance(error, MessageUndeliverable) for error in outcomes]
        assert undeliverable == [n % 3 == 0 for n in range(300)]


async def test_notifications_of_a_priority_reach_the_listeners_of_it(url, topic):
    async with transport(url) as client, transport(url) as server:
        worker = Worker(server)
        bindings = [(Target(topic=topic), "info"), (Target(topic=topic), "error")]
        await server.listen(bindings, worker, 10)
        for priority in ("info", "debug", "error"):
            assert await sent(client, notification(topic, priority, {"n": 1})) is None
        await worker.until(lambda: len(worker.seen) == 2)
        assert sorted(got.priority for got in worker.seen) == ["error", "info"]


async def test_each_pool_of_listeners_gets_each_notification_once(url, topic):
    async with transport(url) as both:
        workers = {pool: [Worker(both), Worker(both)] for pool in ("x" + topic, "y" + topic)}
        for pool, members in workers.items():
            for worker in members:
                await both.listen([(Target(topic=topic), "info")], worker, 10, pool)
        for n in range(10):
            await sent(both, notification(topic, "info", n))
        for members in workers.values():
            await until(lambda: sum(len(one.seen) for one in members) == 10)  # noqa: B023
            assert sorted(got.payload for one in members for got in one.seen) == [*range(10)]


async def test_what_is_given_back_comes_again(url, topic):
    async with transport(url) as both:
        worker = Worker(both)
        worker.acknowledges = False
        await both.listen([(Target(topic=topic), "info")], worker, 10)
        await sent(both, notification(topic, "info", 1))
        await worker.until(lambda: len(worker.deliveries) == 1)
        worker.deliveries[0].reject(requeue=True)
        worker.deliveries[0].ack()  # only the first counts
        await worker.until(lambda: len(worker.deliveries) == 2)
        first, second = worker.deliveries
        assert (first.redelivered, second.redelivered) == (False, True)
        assert (first.attempt, second.attempt) == (1, 2)
        second.ack()


async def test_no_more_than_the_prefetch_is_unsettled(url, topic):
    async with transport(url) as both:
        worker = Worker(both)
        worker.acknowledges = False
        subscription = await both.serve(Target(topic=topic, server="one"), worker, 3)
        for n in range(6):
            target = Target(topic=topic, server="one" if n % 2 else None)
            await sent(both, message := request(topic, "m", n=n))
            message.target = target
        await worker.until(lambda: len(worker.deliveries) == 3)
        await sent(both, request(topic, "m", n=6))
        assert len(worker.deliveries) == 3
        worker.deliveries[0].ack()
        await worker.until(lambda: len(worker.deliveries) == 4)
        subscription.set_prefetch(10)
        await worker.until(lambda: len(worker.deliveries) == 7)
        assert sorted(delivery.message.args["n"] for delivery in worker.deliveries) == [*range(7)]
        for delivery in worker.deliveries:
            delivery.ack()


async def test_a_call_that_is_given_up_is_cancelled_at_its_server(url, topic):
    async with transport(url) as server, transport(url) as client:
        worker = Worker(server)
        worker.answers = False
        await server.serve(Target(topic=topic, server="one"), worker, 10)
        given_up = Call(client, Target(topic=topic), "m", {})
        await worker.until(lambda: len(worker.seen) == 1)
        client.cancel(given_up.request)
        await worker.until(lambda: worker.cancelled == [given_up.request.msg_id])


async def test_a_value_without_a_form_is_refused_at_once(url, topic):
    async with transport(url) as both:
        with pytest.raises(EncodeError):
            both.publish(request(topic, "m", value=object()))
        with pytest.raises(InvalidTarget):
            both.publish(request("", "m"))
        assert both.statistics()["published"] == 0
