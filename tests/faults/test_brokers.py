"""A broker that goes and comes back: what was in flight arrives once, or its sender knows."""

import asyncio

import pytest

from mainspring.messaging.target import Target
from mainspring.messaging.transport import ConnectionEvent
from tests.services.bare import Call, Events, Worker, call, request, transport

QUICK = "kombu_reconnect_delay=0.1&rabbit_retry_interval=0.1&rabbit_retry_backoff=0"
DURABLE = f"amqp_durable_queues=true&{QUICK}"
COUNT = 200


class Once(Worker):
    """Answers each request once, however often it is delivered, as the core's servers do."""

    def __init__(self, over):
        super().__init__(over)
        self.ids = set()
        self.answers = False

    def on_delivery(self, delivery):
        super().on_delivery(delivery)
        if delivery.message.unique_id not in self.ids:
            self.ids.add(delivery.message.unique_id)
            if delivery.message.msg_id:
                self.respond(delivery.message)


@pytest.mark.parametrize("way", ["restart", "crash"])
async def test_answers_that_were_due_while_the_broker_was_away_arrive_once(broker, way):
    url = f"{broker.url}?{QUICK}"
    async with transport(url) as server, transport(url) as client:
        worker = Worker(server)
        worker.answers = False
        events = [Events(server), Events(client)]
        await server.serve(Target(topic="t", server="one"), worker, COUNT)
        calls = [Call(client, Target(topic="t"), "m", {"n": n}) for n in range(COUNT)]
        await worker.until(lambda: len(worker.seen) == COUNT)
        await asyncio.to_thread(broker.stop if way == "restart" else broker.kill)
        for one in events:
            await one.until(ConnectionEvent.LOST)
        for got in worker.seen:
            worker.respond(got)
        await asyncio.to_thread(broker.start)
        results = await asyncio.gather(*[one.result() for one in calls])
        assert [result["n"] for result in results] == [*range(COUNT)]
        assert {one.replies for one in calls} == {1}
        await worker.until(lambda: worker.losses == 1)
        # Each answer has one outcome, and it is that it has arrived.
        assert [error for error in worker.outcomes if error is not None] == []


async def test_calls_made_while_the_broker_is_away_are_sent_when_it_is_back(broker):
    url = f"{broker.url}?{QUICK}"
    async with transport(url) as server, transport(url) as client:
        events = [Events(server), Events(client)]
        worker = Once(server)
        await server.serve(Target(topic="t", server="one"), worker, COUNT)
        assert await call(client, "t", "m", n=-1) == {"n": -1}
        await asyncio.to_thread(broker.stop)
        for one in events:
            await one.until(ConnectionEvent.LOST)
        calls = [Call(client, Target(topic="t", server="one"), "m", {"n": n}) for n in range(COUNT)]
        await asyncio.to_thread(broker.start)
        # What is sent before the server has its queues again goes to nobody: so the outcome tells,
        # or the deadline does. Here the message is not mandatory, and so waits for neither.
        for one in events:
            await one.until(ConnectionEvent.CONNECTED)
        outcomes = await asyncio.gather(*[one.outcome for one in calls])
        assert outcomes == [None] * COUNT


async def test_no_call_is_lost_or_answered_twice_when_a_broker_with_durable_queues_restarts(broker):
    url = f"{broker.url}?{DURABLE}"
    async with transport(url) as server, transport(url) as client:
        worker = Once(server)
        await server.serve(Target(topic="t", server="one"), worker, 20)
        calls = []

        async def keep_calling():
            for n in range(COUNT):
                calls.append(Call(client, Target(topic="t"), "m", {"n": n}))
                await asyncio.sleep(0.005)  # sleep-ok: spreads the calls over the restart

        calling = asyncio.create_task(keep_calling())
        await worker.until(lambda: len(worker.seen) > 20)
        await asyncio.to_thread(broker.restart)
        await calling
        results = await asyncio.gather(*[one.result() for one in calls])
        assert [result["n"] for result in results] == [*range(COUNT)]
        assert {one.replies for one in calls} == {1}
        assert len(worker.ids) == COUNT


async def test_unsettled_requests_come_again_after_a_crash_of_a_broker_with_durable_queues(broker):
    url = f"{broker.url}?{DURABLE}"
    async with transport(url) as both:
        worker = Worker(both)
        worker.acknowledges = False
        await both.serve(Target(topic="t", server="one"), worker, 10)
        outcome = asyncio.get_running_loop().create_future()
        both.publish(request("t", "m", n=1), lambda _, error: outcome.set_result(error))
        assert await outcome is None
        await worker.until(lambda: len(worker.seen) == 1)
        await asyncio.to_thread(broker.kill)
        await asyncio.to_thread(broker.start)
        await worker.until(lambda: len(worker.seen) == 2)
        first, second = worker.deliveries
        assert first.message.unique_id == second.message.unique_id
        assert second.redelivered
        first.ack()  # of a connection that has gone: does nothing
        second.ack()
        assert worker.losses == 1


async def test_a_broker_that_is_out_of_memory_is_waited_for(broker):
    async with transport(broker.url) as both:
        events, worker = Events(both), Worker(both)
        await both.serve(Target(topic="t", server="one"), worker, 1000)
        set_limit = ("set_vm_memory_high_watermark", "absolute")
        await asyncio.to_thread(broker.control, *set_limit, "1000")
        # RabbitMQ tells who publishes next.
        first = Call(both, Target(topic="t"), "m", {"n": -1})
        await events.until(ConnectionEvent.BLOCKED)
        before = both.statistics()["published"]
        calls = [Call(both, Target(topic="t"), "m", {"n": n}) for n in range(COUNT)]
        await asyncio.sleep(0)
        assert both.statistics()["published"] == before
        await asyncio.to_thread(broker.control, *set_limit, "4000000000")
        await events.until(ConnectionEvent.UNBLOCKED)
        results = await asyncio.gather(*[one.result() for one in [first, *calls]])
        assert [result["n"] for result in results] == [*range(-1, COUNT)]
