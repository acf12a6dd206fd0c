"""The transport over a real NATS server: what is this wire's own."""

import asyncio
import json

import nats as nats_py
import pytest

from mainspring.messaging import Client, Server, ServerBusy, Target, errors, get_transport
from mainspring.messaging.errors import ConnectionLost, MessageTooLarge, TransportClosed
from mainspring.messaging.messages import Trace
from mainspring.messaging.nats.errors import Refused
from mainspring.messaging.transport import ConnectionEvent
from tests.messaging.nats.conftest import AUTHORITY
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

QUICK = "reconnect_delay=0.05&retry_interval=0.05&retry_backoff=0"


async def raw(url):
    """A connection of nats-py's own."""
    return await nats_py.connect(url)


async def test_who_only_speaks_json_calls_with_any_client(url, topic):
    async with transport(url) as over:
        await over.serve(Target(topic=topic, server="one"), Worker(over), 10)
        other = await raw(url)
        body = json.dumps({"method": "echo", "args": {"a": [1, None]}}).encode()
        answer = await other.request(f"mainspring.topic.{topic}", body, timeout=30)
        assert json.loads(answer.data) == {"result": {"a": [1, None]}}
        answer = await other.request(f"mainspring.server.{topic}.one", body, timeout=30)
        assert json.loads(answer.data) == {"result": {"a": [1, None]}}
        await other.close()


async def test_a_message_that_cannot_be_read_is_counted_and_its_sender_told(url, topic):
    async with transport(url) as over:
        await over.serve(Target(topic=topic, server="one"), Worker(over), 10)
        other = await raw(url)
        for body in (b"", b"[1]", b'{"args": {}}'):
            answer = await other.request(f"mainspring.topic.{topic}", body, timeout=30)
            assert json.loads(answer.data)["failure"]["type"] == "MalformedMessage"
        await other.close()
        assert over.statistics()["poisoned"] == 3
        assert await call(over, topic, "echo", n=1) == {"n": 1}


async def test_an_answer_that_cannot_be_read_ends_its_call_and_no_other(url, topic):
    async with transport(url) as over:
        other = await raw(url)

        async def answer(msg):
            await msg.respond(b"nonsense")

        await other.subscribe(f"mainspring.topic.{topic}", cb=answer)
        await other.flush()
        response = await Call(over, Target(topic=topic), "m", {}).response()
        assert response.failure.name == "MalformedMessage"
        await other.close()


async def test_the_trace_context_is_where_other_tools_look_for_it(url, topic):
    async with transport(url) as over:
        other = await raw(url)
        subscription = await other.subscribe(f"mainspring.topic.{topic}")
        await other.flush()
        message = request(topic, "m")
        message.trace, message.headers = Trace("00-1-2-01", "a=b"), {"shop": "north"}
        assert await sent(over, message) is None
        got = await subscription.next_msg(timeout=30)
        assert got.headers == {"traceparent": "00-1-2-01", "tracestate": "a=b", "shop": "north"}
        await other.close()


async def test_a_notification_that_nobody_listens_to_is_lost(url, topic):
    async with transport(url) as over:
        assert await sent(over, notification(topic, "info", 1)) is None
        worker = Worker(over)
        await over.listen([(Target(topic=topic), "info")], worker, 10)
        await sent(over, notification(topic, "info", 2))
        await worker.until(lambda: bool(worker.seen))
        assert [got.payload for got in worker.seen] == [2]


class Shop:
    """What is called here."""

    def __init__(self):
        self.began = []
        self.go_on = asyncio.Event()

    async def echo(self, value):
        return value

    async def large(self, size):
        return "x" * size

    async def wait(self, n):
        self.began.append(n)
        await self.go_on.wait()
        return n


async def test_what_is_larger_than_the_server_takes_is_an_error_at_once(url, topic):
    async with transport(url) as over:
        over.replies = None
        client = Client(over, Target(topic=topic))
        async with Server(over, Target(topic=topic, server="one"), [Shop()]):
            with pytest.raises(MessageTooLarge, match="max_payload"):
                await client.call("echo", value="x" * (1 << 20))
            with pytest.raises(MessageTooLarge, match="max_payload"):
                await client.call("large", size=1 << 20)
            half = "x" * (1 << 19)
            assert await client.call("echo", value=half) == half


async def test_what_there_is_no_place_for_is_refused_and_the_rest_runs_in_order(url, topic):
    shop = Shop()
    over = get_transport(f"{url}?max_waiting=3")
    client = Client(over, Target(topic=topic))
    target, bounds = Target(topic=topic, server="one"), {"concurrency": 1, "backlog": 1}
    async with Server(over, target, [shop], ack="late", **bounds):
        # One runs, one waits in the server, three wait here.
        replies = [client.call("wait", n=n) for n in range(8)]
        refused = await asyncio.gather(*replies[5:], return_exceptions=True)
        assert [type(error) for error in refused] == [ServerBusy] * 3
        assert over.statistics()["refused"] == 3
        shop.go_on.set()
        assert await asyncio.gather(*replies[:5]) == [*range(5)]
        assert shop.began == [*range(5)]
    await over.close()


async def test_a_call_that_is_given_up_while_it_waits_is_never_run(url, topic):
    async with transport(url) as server, transport(url) as client:
        worker = Worker(server)
        worker.acknowledges = worker.answers = False
        await server.serve(Target(topic=topic, server="one"), worker, 1)
        calls = [Call(client, Target(topic=topic), "m", {"n": n}) for n in range(3)]
        await worker.until(lambda: len(worker.seen) == 1)
        client.cancel(calls[1].request)
        await until(lambda: server.statistics()["given_up"] == 1)
        assert await calls[1].outcome is None
        worker.deliveries[0].ack()
        await worker.until(lambda: len(worker.seen) == 2)
        assert [got.args["n"] for got in worker.seen] == [0, 2]


async def test_what_waits_at_a_server_that_stops_goes_to_another(url, topic):
    async with transport(url) as first, transport(url) as second, transport(url) as client:
        worker, other = Worker(first), Worker(second)
        worker.acknowledges = worker.answers = False
        subscription = await first.serve(Target(topic=topic, server="one"), worker, 1)
        calls = [Call(client, Target(topic=topic), "m", {"n": n}) for n in range(3)]
        await worker.until(lambda: len(worker.seen) == 1)
        await second.serve(Target(topic=topic, server="two"), other, 10)
        await subscription.stop()
        # What is unsettled is still its own.
        worker.deliveries[0].ack()
        worker.respond(worker.seen[0])
        assert [await one.result() for one in calls] == [{"n": n} for n in range(3)]
        assert sorted(got.args["n"] for got in other.seen) == [1, 2]
        assert first.statistics()["given_back"] == 2


async def test_what_waits_at_the_last_server_that_stops_is_an_error_at_once(url, topic):
    async with transport(url) as server, transport(url) as client:
        worker = Worker(server)
        worker.acknowledges = worker.answers = False
        subscription = await server.serve(Target(topic=topic, server="one"), worker, 1)
        calls = [Call(client, Target(topic=topic), "m", {"n": n}) for n in range(2)]
        await worker.until(lambda: len(worker.seen) == 1)
        await subscription.close()
        failures = [(await one.response()).failure for one in calls]
        assert [failure.name for failure in failures] == ["MessageUndeliverable"] * 2


async def test_no_call_is_lost_while_servers_come_and_go(url, topic):
    async with transport(url) as here:
        here.replies = None
        client = Client(here, Target(topic=topic), timeout=30)
        async with Server(url, Target(topic=topic, server="stays"), [Shop()]):
            replies = []
            for n in range(10):
                async with Server(url, Target(topic=topic, server="goes"), [Shop()]):
                    replies += [client.call("echo", value=(n, m)) for m in range(50)]
                    # Some are answered, and some are on their way, when it stops.
                    await replies[-25]
            results = await asyncio.gather(*replies)
            assert results == [[n, m] for n in range(10) for m in range(50)]


async def test_clients_servers_and_listeners_share_one_connection(shared_nats, topic):
    with Proxy.running(shared_nats.port) as proxy:
        async with transport(f"nats://127.0.0.1:{proxy.port}") as over:
            for name in ("one", "two"):
                await over.serve(Target(topic=topic, server=name), Worker(over), 10)
            await over.listen([(Target(topic=topic), "info")], Worker(over), 10)
            assert await call(over, topic, "echo", n=1) == {"n": 1}
            assert proxy.accepted == 1


async def test_a_closed_transport_says_so_and_owes_nobody_an_outcome(url, topic):
    async with transport(url) as over, transport(url) as server:
        worker = Worker(server)
        worker.answers = False
        await server.serve(Target(topic=topic, server="one"), worker, 10)
        calls = [Call(over, Target(topic=topic), "m", {}) for _ in range(5)]
        await worker.until(lambda: len(worker.seen) == 5)
        await over.close()
        assert [type(await one.outcome) for one in calls] == [TransportClosed] * 5
        with pytest.raises(TransportClosed):
            over.publish(request(topic, "m"))


async def test_what_is_published_before_there_is_a_connection_is_sent_then(nats, topic):
    nats.stop()
    over = get_transport(f"{nats.url}?{QUICK}")
    worker = Worker(over)
    client = Client(over, Target(topic=topic))
    reply = client.call("m", n=1)
    serving = asyncio.create_task(over.serve(Target(topic=topic, server="one"), worker, 10))
    await asyncio.to_thread(nats.start)
    assert await reply == {"n": 1}
    await serving
    await over.close()


async def test_more_than_may_wait_for_a_connection_is_refused(nats, topic):
    nats.stop()
    over = get_transport(f"{nats.url}?max_pending=2")
    client = Client(over, Target(topic=topic), timeout=0.1)
    replies = [client.call("m") for _ in range(3)]
    ended = await asyncio.gather(*replies, return_exceptions=True)
    assert [type(error) for error in ended] == [
        errors.MessagingTimeout,
        errors.MessagingTimeout,
        errors.TransportBusy,
    ]
    await over.close()


async def test_with_several_hosts_the_one_that_is_there_serves(shared_nats, nats, topic):
    nats.stop()
    url = f"nats://127.0.0.1:{nats.port},127.0.0.1:{shared_nats.port}?{QUICK}"
    async with transport(url) as over:
        await over.serve(Target(topic=topic, server="one"), Worker(over), 10)
        assert await call(over, topic, "echo", n=1) == {"n": 1}


LOGINS = {
    "password": ('authorization: {user: me, password: "p@ss"}', "me:p%40ss@", ""),
    "token": ("authorization: {token: secret}", "secret@", ""),
    "token as an option": ("authorization: {token: secret}", "", "token=secret"),
}


@pytest.mark.parametrize("login", LOGINS)
async def test_who_says_who_he_is_is_let_in_and_nobody_else(nats, topic, login):
    settings, before, query = LOGINS[login]
    nats.configure(settings)
    nats.restart()
    async with transport(f"nats://{before}127.0.0.1:{nats.port}?{query}") as over:
        await over.serve(Target(topic=topic, server="one"), Worker(over), 10)
        assert await call(over, topic, "echo", n=1) == {"n": 1}
    for wrong in ("", "me:wrong@", "wrong@"):
        over = get_transport(f"nats://{wrong}127.0.0.1:{nats.port}?{QUICK}")
        with pytest.raises(Refused, match=f"{nats.port}"):
            await Client(over, Target(topic=topic)).call("echo")
        await over.close()


async def test_a_subject_that_is_not_allowed_is_an_error_at_once(nats, topic):
    nats.configure(
        "authorization: {users: [{user: me, password: me, permissions: "
        '{subscribe: {deny: "mainspring.*.closed"}, publish: {deny: "mainspring.*.closed"}}}]}'
    )
    nats.restart()
    async with transport(f"nats://me:me@127.0.0.1:{nats.port}") as over:
        with pytest.raises(Refused, match="subscription"):
            await over.serve(Target(topic="closed", server="one"), Worker(over), 10)
        closed = Call(over, Target(topic="closed"), "m", {})
        assert isinstance(await closed.outcome, Refused)
        await over.serve(Target(topic=topic, server="one"), Worker(over), 10)
        assert await call(over, topic, "echo", n=1) == {"n": 1}


async def test_without_permission_to_hear_answers_nothing_is_begun(nats):
    nats.configure(
        "authorization: {users: [{user: me, password: me, permissions: "
        '{subscribe: {deny: "_INBOX.>"}}}]}'
    )
    nats.restart()
    over = get_transport(f"nats://me:me@127.0.0.1:{nats.port}?{QUICK}")
    over.start(asyncio.get_running_loop())
    with pytest.raises(Refused, match="subscription"):
        await over.connected()
    await over.close()


async def test_calls_go_over_tls(tls_nats, topic):
    async with transport(f"tls://localhost:{tls_nats.port}?tls_ca_file={AUTHORITY}") as over:
        await over.serve(Target(topic=topic, server="one"), Worker(over), 10)
        text = "x" * 300_000
        assert await call(over, topic, "echo", value=text) == {"value": text}


async def test_a_certificate_that_nobody_trusts_is_refused(tls_nats):
    over = get_transport(f"tls://localhost:{tls_nats.port}?{QUICK}")
    over.start(asyncio.get_running_loop())
    with pytest.raises(Refused, match="CERTIFICATE_VERIFY_FAILED"):
        await over.connected()
    await over.close()


async def test_a_server_without_tls_is_told_no_password(shared_nats):
    with Proxy.running(shared_nats.port, record=True) as proxy:
        over = get_transport(f"tls://me:secret@localhost:{proxy.port}?{QUICK}")
        over.start(asyncio.get_running_loop())
        with pytest.raises(Refused, match="has no TLS"):
            await over.connected()
        await over.close()
        assert all(b"secret" not in each.sent() for each in proxy.recordings)


async def test_a_server_that_is_silent_is_given_up(shared_nats, topic):
    with Proxy.running(shared_nats.port) as proxy:
        url = f"nats://127.0.0.1:{proxy.port}?heartbeat=0.2&connection_timeout=1&{QUICK}"
        async with transport(url) as over:
            events, worker = Events(over), Worker(over)
            worker.answers = False
            await over.serve(Target(topic=topic, server="one"), worker, 10)
            one = Call(over, Target(topic=topic), "m", {})
            await worker.until(lambda: len(worker.seen) == 1)
            await asyncio.to_thread(proxy.hold)
            await events.until(ConnectionEvent.LOST)
            assert isinstance(await one.outcome, ConnectionLost)
            await asyncio.to_thread(proxy.release)
            await events.until(ConnectionEvent.CONNECTED)
            worker.answers = True
            assert await call(over, topic, "m", n=1) == {"n": 1}


async def test_a_server_that_says_what_is_no_nats_is_left_and_asked_again(url, topic):
    async with transport(f"{url}?{QUICK}") as over:
        events = Events(over)
        lost = asyncio.get_running_loop().create_future()
        over.add_connection_callback(lambda event, error: error and lost.set_result(error))
        over._connection._stream.data_received(b"MSG nonsense\r\n")
        await events.until(ConnectionEvent.CONNECTED)
        assert "a message that can't be read: b'MSG nonsense" in str(await lost)
        await over.serve(Target(topic=topic, server="one"), Worker(over), 10)
        assert await call(over, topic, "echo", n=1) == {"n": 1}


async def test_ten_thousand_calls_are_in_flight_over_one_connection(url, topic):
    async with transport(url) as over:
        over.replies = None
        client = Client(over, Target(topic=topic))
        server = Server(over, Target(topic=topic, server="one"), [Shop()], concurrency=10_000)
        async with server:
            replies = [client.call("echo", value=n) for n in range(10_000)]
            assert client.statistics().in_flight == 10_000
            assert await asyncio.gather(*replies) == [*range(10_000)]
        assert len(over._outbox) == 0
