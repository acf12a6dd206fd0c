"""The transport over a real RabbitMQ."""

import asyncio
import os
import threading
import time

import pytest

from mainspring.messaging.errors import (
    MessageDeliveryFailure,
    MessageUndeliverable,
    TransportBusy,
    TransportClosed,
)
from mainspring.messaging.rabbit.errors import BrokerError, Refused
from mainspring.messaging.rabbit.login import Login
from mainspring.messaging.rabbit.methods import commands
from mainspring.messaging.rabbit.opening import open_connection
from mainspring.messaging.rabbit.transport import RabbitTransport
from mainspring.messaging.target import Target
from mainspring.messaging.transport import ConnectionEvent
from mainspring.messaging.url import TransportURL
from tests.services.bare import (
    Call,
    Events,
    Worker,
    call,
    notification,
    request,
    sent,
    transport,
    until,
)
from tests.services.proxy import Proxy
from tests.services.rabbitmq import RabbitMQ


@pytest.fixture
def url(shared_broker: RabbitMQ) -> str:
    return shared_broker.url


async def test_without_extensions_a_call_carries_only_what_the_real_library_sends(url, topic):
    async with transport(url) as server, transport(f"{url}?extensions=false") as client:
        worker = Worker(server)
        await server.serve(Target(topic=topic, server="one"), worker, 10)
        deadline = asyncio.get_running_loop().time() + 30
        fields = {"headers": {"shop": "north"}, "priority": 1, "deadline": deadline}
        await Call(client, Target(topic=topic), "m", {}, **fields).result()
        (got,) = worker.seen
        assert (dict(got.headers), got.priority) == ({}, None)
        # What is left of it is the expiration.
        assert abs(got.deadline - deadline) < 5


async def test_what_nobody_receives_is_undeliverable(url, topic):
    async with transport(url) as client:
        message = request(topic, "m")
        message.mandatory = True
        assert isinstance(await sent(client, message), MessageUndeliverable)
        assert await sent(client, request(topic, "m")) is None
        assert client.statistics()["returned"] == 1


async def test_notifications_wait_for_their_first_listener(url, topic):
    async with transport(url) as both:
        assert await sent(both, notification(topic, "info", 7)) is None
        worker = Worker(both)
        await both.listen([(Target(topic=topic), "info")], worker, 10)
        await worker.until(lambda: [got.payload for got in worker.seen] == [7])


async def test_after_a_stop_nothing_is_delivered_and_what_is_unsettled_can_be_answered(url, topic):
    async with transport(url) as server, transport(url) as client:
        worker = Worker(server)
        worker.acknowledges = worker.answers = False
        subscription = await server.serve(Target(topic=topic, server="one"), worker, 10)
        first = Call(client, Target(topic=topic), "m", {"n": 1})
        await worker.until(lambda: len(worker.seen) == 1)
        await subscription.stop()
        assert await sent(client, request(topic, "m", n=2)) is None
        worker.deliveries[0].ack()
        worker.respond(worker.seen[0])
        assert await first.result() == {"n": 1}
        assert len(worker.seen) == 1
        await subscription.close()
        other = Worker(server)
        await server.serve(Target(topic=topic, server="two"), other, 10)
        await other.until(lambda: [got.args for got in other.seen] == [{"n": 2}])


async def test_a_stopped_subscription_does_not_begin_again_with_a_new_connection(
    shared_broker, topic
):
    with Proxy.running(shared_broker.port) as proxy:
        url = f"rabbit://127.0.0.1:{proxy.port}/?kombu_reconnect_delay=0.1"
        async with transport(url) as both:
            events, worker = Events(both), Worker(both)
            subscription = await both.serve(Target(topic=topic, server="one"), worker, 10)
            await subscription.stop()
            await asyncio.to_thread(proxy.cut)
            await events.until(ConnectionEvent.CONNECTED)
            assert await sent(both, request(topic, "m")) is None
            other = Worker(both)
            await both.serve(Target(topic=topic, server="two"), other, 10)
            await other.until(lambda: len(other.seen) == 1)
            assert worker.seen == []


async def test_what_a_closed_subscription_had_goes_to_another(url, topic):
    async with transport(url) as both:
        worker = Worker(both)
        worker.acknowledges = False
        subscription = await both.serve(Target(topic=topic, server="one"), worker, 10)
        await sent(both, request(topic, "m", n=1))
        await worker.until(lambda: len(worker.seen) == 1)
        await subscription.close()
        other = Worker(both)
        await both.serve(Target(topic=topic, server="two"), other, 10)
        await other.until(lambda: len(other.seen) == 1)
        worker.deliveries[0].ack()  # does nothing


@pytest.mark.parametrize("server", [None, "one"])
async def test_a_call_that_is_given_up_before_its_turn_is_not_delivered(url, topic, server):
    async with transport(url) as over, transport(url) as client:
        worker = Worker(over)
        worker.acknowledges = worker.answers = False
        await over.serve(Target(topic=topic, server="one"), worker, 1)
        first = Call(client, Target(topic=topic), "m", {"n": 1})
        await worker.until(lambda: len(worker.seen) == 1)
        # It waits at the broker; or here, because each queue has a prefetch of its own.
        target = Target(topic=topic, server=server)
        second = Call(client, target, "m", {"n": 2})
        third = Call(client, target, "m", {"n": 3})
        assert await first.outcome is await second.outcome is await third.outcome is None
        client.cancel(second.request)
        await until(lambda: over.statistics()["given_up"] == 1)
        worker.deliveries[0].ack()
        await worker.until(lambda: len(worker.seen) == 2)
        assert [got.args["n"] for got in worker.seen] == [1, 3]


async def test_a_message_of_many_frames_comes_back_whole(url, topic):
    async with transport(url) as both:
        await both.serve(Target(topic=topic, server="one"), Worker(both), 10)
        text = os.urandom(700_000).hex()
        assert (await call(both, topic, "echo", value=text))["value"] == text


@pytest.mark.parametrize("compression", ["gzip", "bz2"])
async def test_compressed_messages_are_understood_by_who_compresses_nothing(
    url, topic, compression
):
    packed = f"{url}?kombu_compression={compression}"
    async with transport(url) as server, transport(packed) as client:
        await server.serve(Target(topic=topic, server="one"), Worker(server), 10)
        await client.serve(Target(topic=topic + "2", server="one"), Worker(client), 10)
        assert await call(client, topic, "echo", value=1) == {"value": 1}
        assert await call(server, topic + "2", "echo", value=2) == {"value": 2}


@pytest.mark.parametrize(
    "query",
    [
        "amqp_durable_queues=true",
        "rabbit_quorum_queue=true&rabbit_transient_quorum_queue=true",
        "rabbit_transient_queues_ttl=0",
        "rabbit_login_method=AMQPLAIN",
        "rabbit_quorum_queue=true&rabbit_quorum_delivery_limit=3",
    ],
)
async def test_every_profile_of_queues_carries_calls(url, topic, query):
    async with transport(f"{url}?control_exchange={topic}&{query}") as both:
        await both.serve(Target(topic=topic, server="one"), Worker(both), 10)
        assert await call(both, topic, "echo", value=1) == {"value": 1}


async def test_queues_that_others_made_transient_are_taken_as_they_are(url, topic):
    async with transport(url) as first, transport(f"{url}?amqp_durable_queues=true") as second:
        worker = Worker(first)
        await first.serve(Target(topic=topic, server="one"), worker, 10)
        await second.serve(Target(topic=topic, server="one"), Worker(second), 10)
        assert await sent(second, request(topic, "m")) is None


async def test_queues_with_other_arguments_are_an_error_that_says_which(url, topic):
    quorum = f"{url}?rabbit_quorum_queue=true&control_exchange={topic}"
    async with transport(f"{url}?control_exchange={topic}&amqp_durable_queues=true") as first:
        await first.serve(Target(topic=topic, server="one"), Worker(first), 10)
        async with transport(quorum) as second:
            with pytest.raises(BrokerError, match=r"406.*x-queue-type"):
                await second.serve(Target(topic=topic, server="two"), Worker(second), 10)


async def test_a_wrong_password_and_a_wrong_host_say_whose(shared_broker):
    place = f"127.0.0.1:{shared_broker.port}"
    cases = {
        f"rabbit://guest:wrong@{place}/": "'guest'.*'/'.*password is wrong",
        f"rabbit://guest:guest@{place}/nowhere": "'guest'.*'nowhere'.*doesn't exist",
    }
    for url, words in cases.items():
        made = RabbitTransport(TransportURL.parse(url))
        made.start(asyncio.get_running_loop())
        with pytest.raises(Refused, match=words):
            await made.connected()
        await made.close()


async def test_messages_to_a_broker_that_refuses_us_fail(shared_broker, topic):
    url = f"rabbit://guest:wrong@127.0.0.1:{shared_broker.port}/"
    made = RabbitTransport(TransportURL.parse(url))
    made.start(asyncio.get_running_loop())
    assert isinstance(await sent(made, request(topic, "m")), Refused)
    await made.close()


async def test_with_several_hosts_the_one_that_is_there_serves(shared_broker, topic):
    dead = "127.0.0.1:1"
    alive = f"127.0.0.1:{shared_broker.port}"
    for hosts in (f"{dead},{alive}", f"{alive},{dead}", f"{dead},{dead},{alive}"):
        login = ",".join(f"guest:guest@{host}" for host in hosts.split(","))
        async with transport(f"rabbit://{login}/") as both:
            await both.serve(Target(topic=topic, server="one"), Worker(both), 10)
            assert await call(both, topic, "echo", value=1) == {"value": 1}


async def test_more_than_may_wait_is_refused(url, topic):
    async with transport(f"{url}?max_pending=10") as both:
        outcomes = []
        for _ in range(10):
            both.publish(request(topic, "m"), lambda _, error: outcomes.append(error))
        with pytest.raises(TransportBusy, match="10 messages"):
            both.publish(request(topic, "m"))
        assert await asyncio.wait_for(until(lambda: len(outcomes) == 10), 60) is None
        assert await sent(both, request(topic, "m")) is None


async def test_a_closed_transport_says_so_and_owes_nobody_an_outcome(url, topic):
    async with transport(url) as both:
        events = Events(both)
        outcomes = []
        for _ in range(100):
            both.publish(request(topic, "m"), lambda _, error: outcomes.append(error))
        await both.close()
        assert outcomes == [None] * 100
        assert events.seen == [ConnectionEvent.CLOSED]
        with pytest.raises(TransportClosed):
            both.publish(request(topic, "m"))
        with pytest.raises(TransportClosed):
            await both.connected()


async def test_what_could_not_be_sent_before_the_end_fails(topic):
    made = RabbitTransport(TransportURL.parse("rabbit://127.0.0.1:1/"))
    made.start(asyncio.get_running_loop())
    outcomes = []
    made.publish(request(topic, "m"), lambda _, error: outcomes.append(error))
    await made.close()
    assert [type(error) for error in outcomes] == [TransportClosed]


async def test_ten_thousand_calls_are_in_flight_over_one_connection(url, topic):
    count = 10_000
    async with transport(url) as server, transport(url) as client:
        worker = Worker(server)
        worker.answers = False
        await server.serve(Target(topic=topic, server="one"), worker, count)
        calls = [Call(client, Target(topic=topic), "echo", {"n": n}) for n in range(count)]
        await worker.until(lambda: len(worker.seen) == count)
        for got in worker.seen:
            worker.respond(got)
        results = await asyncio.gather(*[one.result() for one in calls])
        assert [result["n"] for result in results] == [*range(count)]
        assert {one.replies for one in calls} == {1}


async def test_heartbeats_go_on_while_user_code_holds_the_loop_up(url, topic):
    async with transport(f"{url}?heartbeat=1") as both:
        events = Events(both)
        await both.serve(Target(topic=topic, server="one"), Worker(both), 10)
        # The broker hangs up after two intervals without a sign of life. Blocking is the point.
        time.sleep(4)
        assert await call(both, topic, "echo", value=1) == {"value": 1}
        assert events.seen == []


async def test_the_heartbeats_thread_ends_with_the_last_connection(url):
    async with transport(url):
        assert "mainspring-heartbeats" in [thread.name for thread in threading.enumerate()]
    for thread in threading.enumerate():
        if thread.name == "mainspring-heartbeats":
            thread.join(60)
            assert not thread.is_alive()


async def test_a_message_that_is_too_large_for_the_broker_fails_alone(broker, topic):
    broker.configure(max_message_size="100000")
    await asyncio.to_thread(broker.restart)
    async with transport(broker.url) as both:
        await both.serve(Target(topic=topic, server="one"), Worker(both), 1000)
        calls = [Call(both, Target(topic=topic), "echo", {"n": n}) for n in range(100)]
        large = await sent(both, request(topic, "m", value="x" * 200_000))
        assert isinstance(large, BrokerError)
        assert [(await one.result())["n"] for one in calls] == [*range(100)]
        assert await call(both, topic, "echo", value=1) == {"value": 1}


async def test_a_deadline_far_away_is_one(url, topic):
    async with transport(url) as both:
        await both.serve(Target(topic=topic, server="one"), Worker(both), 10)
        far = asyncio.get_running_loop().time() + 1e9
        assert await Call(both, Target(topic=topic), "echo", {"n": 1}, deadline=far).result()


async def test_an_exchange_that_is_removed_is_declared_again(url, topic, shared_broker):
    exchange = f"exchange-{topic}"
    async with transport(f"{url}?control_exchange={exchange}") as both:
        assert await sent(both, request(topic, "m")) is None
        loop = asyncio.get_running_loop()
        login = Login("guest", "guest")
        other = await open_connection(loop, "127.0.0.1", shared_broker.port, login)
        channel = await other.channel()
        await channel.call(commands.Exchange.Delete(0, exchange), commands.Exchange.DeleteOk)
        await other.close()
        assert await sent(both, request(topic, "m")) is None
        assert both.statistics()["resent"] == 1


async def test_a_message_that_cannot_be_sent_because_of_its_exchange_fails_alone(url, topic):
    async with transport(url) as both:
        await both.serve(Target(topic=topic, server="one"), Worker(both), 10)
        bad = request(topic, "m")
        # Of a kind that only the broker may declare.
        bad.target = Target(topic=topic, exchange="amq.nothing")
        bad_outcome, good = await asyncio.gather(
            sent(both, bad), call(both, topic, "echo", value=1)
        )
        assert isinstance(bad_outcome, MessageDeliveryFailure)
        assert good == {"value": 1}
