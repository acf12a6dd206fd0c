"""A network that breaks or drops everything: both sides find out, and go on where they were."""

import asyncio

from mainspring.messaging.target import Target
from mainspring.messaging.transport import ConnectionEvent
from tests.faults.test_brokers import QUICK, Once
from tests.services.bare import Call, Events, Worker, call, transport
from tests.services.proxy import Proxy

COUNT = 200


def through(proxy, query=QUICK):
    return f"rabbit://guest:guest@127.0.0.1:{proxy.port}/?{query}"


async def test_a_connection_that_is_reset_again_and_again_loses_and_doubles_nothing(shared_broker):
    with Proxy.running(shared_broker.port) as proxy:
        async with transport(through(proxy)) as server, transport(through(proxy)) as client:
            worker = Once(server)
            worker.acknowledges = True
            await server.serve(Target(topic="resets", server="one"), worker, 50)
            calls = []
            for n in range(COUNT):
                calls.append(Call(client, Target(topic="resets"), "m", {"n": n}))
                if n % 50 == 25:
                    await asyncio.to_thread(proxy.cut)
                await asyncio.sleep(0.002)  # sleep-ok: spreads the calls over the cuts
            replied = await asyncio.gather(*[one.response() for one in calls])
            assert [response.result["n"] for response in replied] == [*range(COUNT)]
            assert max(one.replies for one in calls) == 1


async def test_a_cut_is_survived_by_what_is_in_flight(shared_broker):
    with Proxy.running(shared_broker.port) as proxy:
        async with transport(through(proxy)) as server, transport(through(proxy)) as client:
            events = [Events(server), Events(client)]
            worker = Worker(server)
            worker.answers = False
            await server.serve(Target(topic="cut", server="one"), worker, COUNT)
            calls = [Call(client, Target(topic="cut"), "m", {"n": n}) for n in range(COUNT)]
            await worker.until(lambda: len(worker.seen) == COUNT)
            await asyncio.to_thread(proxy.refuse)
            for one in events:
                await one.until(ConnectionEvent.LOST)
            for got in worker.seen:
                worker.respond(got)
            await asyncio.to_thread(proxy.refuse, False)
            results = await asyncio.gather(*[one.result() for one in calls])
            assert [result["n"] for result in results] == [*range(COUNT)]
            assert {one.replies for one in calls} == {1}


async def test_a_network_that_drops_everything_is_noticed_by_the_missing_heartbeats(shared_broker):
    with Proxy.running(shared_broker.port) as proxy:
        url = through(proxy, f"heartbeat=1&{QUICK}")
        async with transport(url) as both:
            events, worker = Events(both), Worker(both)
            await both.serve(Target(topic="silence", server="one"), worker, 10)
            await asyncio.to_thread(proxy.hold)
            await events.until(ConnectionEvent.LOST)
            await asyncio.to_thread(proxy.release)
            await events.until(ConnectionEvent.CONNECTED)
            assert await call(both, "silence", "m", n=1) == {"n": 1}


async def test_with_two_brokers_the_other_one_takes_over(shared_broker, broker):
    with Proxy.running(shared_broker.port) as proxy:
        place = f"guest:guest@127.0.0.1:{proxy.port}"
        other = f"guest:guest@127.0.0.1:{broker.port}"
        async with transport(f"rabbit://{place}/?{QUICK}") as only:
            await only.serve(Target(topic="over", server="one"), Worker(only), 10)
        async with transport(f"rabbit://{place},{other}/?{QUICK}") as both:
            events = Events(both)
            await both.serve(Target(topic="over", server="one"), Worker(both), 10)
            assert await call(both, "over", "m", n=1) == {"n": 1}
            await asyncio.to_thread(proxy.refuse)
            if proxy.accepted > 1:
                await events.until(ConnectionEvent.CONNECTED)
            assert await call(both, "over", "m", n=2) == {"n": 2}
