"""What we declare and send against what the real oslo.messaging has declared and sent."""

import asyncio
import json

import pytest

from mainspring.messaging.messages import Notification, new_id
from mainspring.messaging.rabbit.options import Options
from mainspring.messaging.rabbit.topology import Topology
from mainspring.messaging.target import Target
from mainspring.messaging.url import TransportURL
from tests.services.bare import Call, Worker, request, sent, transport
from tests.services.proxy import Proxy

from .capture import as_text
from .captured import RELEASES, said

QUERIES = {
    "fanout": "",
    "durable": "amqp_durable_queues=true&rabbit_qos_prefetch_count=5",
    "quorum": "rabbit_quorum_queue=true&rabbit_transient_quorum_queue=true",
    "stream": (
        "rabbit_transient_quorum_queue=true&rabbit_stream_fanout=true&rabbit_qos_prefetch_count=5"
    ),
}
DECLARED = ("Exchange.Declare", "Queue.Declare", "Queue.Bind", "Basic.Consume")
WITHOUT_CANCELS = "extensions=false"


def same_names(events):
    """Returns events with one name for what is named at random."""
    for event in events:
        fields = dict(event["fields"])
        for key in ("queue", "routing_key"):
            name = fields.get(key, "")
            for start in ("reply_", "capture_fanout_"):
                if name.startswith(start):
                    fields[key] = start + "X"
        if fields.get("arguments") == {"x-stream-offset": "last"}:
            # The real library repeats the last of what was there before; ours begins after it.
            fields["arguments"] = {"x-stream-offset": "next"}
        yield {**event, "fields": fields, "channel": 0}


def declared(events):
    """Returns what is declared and consumed, each thing once, in order."""
    found = []
    for event in same_names(events):
        if event["method"] in DECLARED and event not in found:
            found.append(event)
    return found


def messages(events):
    """Returns where messages go, how, and with which properties."""
    return [
        (event["fields"], event["properties"])
        for event in same_names(events)
        if event["method"] == "Basic.Publish"
    ]


async def what_we_say(broker, query):
    """Returns what our server and our client send, as methods."""
    found = []
    with (
        Proxy.running(broker.port, record=True) as before_server,
        Proxy.running(broker.port, record=True) as before_client,
    ):
        urls = [
            f"rabbit://guest:guest@127.0.0.1:{relay.port}/?{WITHOUT_CANCELS}&{query}"
            for relay in (before_server, before_client)
        ]
        async with transport(urls[0]) as server, transport(urls[1]) as client:
            worker = Worker(server)
            await server.serve(Target(topic="capture", server="one"), worker, 5)
            await a_fanout_and_a_call(client)
        for relay in (before_server, before_client):
            (recording,) = relay.recordings
            found.append(as_text(recording.sent()))
    return found


async def a_fanout_and_a_call(client):
    message = request("capture", "note")
    message.target = Target(topic="capture", fanout=True)
    assert await sent(client, message) is None
    deadline = asyncio.get_running_loop().time() + 20
    await Call(client, Target(topic="capture"), "echo", {}, deadline=deadline).result()


def in_any_order(events):
    return sorted(json.dumps(event, sort_keys=True) for event in declared(events))


@pytest.mark.parametrize("scenario", QUERIES)
async def test_our_server_and_client_declare_and_send_what_the_real_ones_do(broker, scenario):
    ours = dict(
        zip(("server", "client"), await what_we_say(broker, QUERIES[scenario]), strict=True)
    )
    for release in RELEASES:
        theirs = {
            side: [event for connection in said(release, scenario, side) for event in connection]
            for side in ours
        }
        # What a server declares, it declares in that order; a client does when it needs to.
        assert declared(ours["server"]) == declared(theirs["server"])
        assert in_any_order(ours["client"]) == in_any_order(theirs["client"])
        for side in ours:
            for mine, other in zip(messages(ours[side]), messages(theirs[side]), strict=True):
                assert mine[0] == other[0]
                assert without_expiration(mine[1]) == without_expiration(other[1])
                assert abs(expiration(mine[1]) - expiration(other[1])) < 5000


def expiration(properties):
    return int(properties.get("expiration", 0))


def without_expiration(properties):
    return {name: value for name, value in properties.items() if name != "expiration"}


def test_a_notification_goes_where_the_real_library_sends_it():
    topology = Topology(Options())
    queue = topology.notification_queue(Target(topic="events"), "info")
    (binding,) = queue.bindings
    sent_there = [
        event["fields"]
        for connection in said("current", "notifications", "client")
        for event in connection
        if event["method"] == "Basic.Publish"
    ]
    assert (binding[0].name, binding[1]) == (
        sent_there[0]["exchange"],
        sent_there[0]["routing_key"],
    )
    assert queue.name == "events.info"


async def test_the_notifier_declares_the_queue_that_keeps_what_nobody_hears_yet(broker):
    with Proxy.running(broker.port, record=True) as relay:
        async with transport(f"rabbit://127.0.0.1:{relay.port}/") as client:
            made = Notification(Target(topic="events"), "thing.made", "me", "info", {})
            made.unique_id = new_id()
            assert await sent(client, made) is None
        ours = declared(as_text(relay.recordings[0].sent()))
    theirs = [e for c in said("current", "notifications", "client") for e in c]
    info = [e for e in declared(theirs) if "error" not in str(e["fields"])]
    assert ours == info


def topology(query):
    return Topology(Options.of(TransportURL.parse(f"rabbit://host/?{query}")))


def test_a_broker_without_transient_queues_gets_durable_ones():
    made = topology("")
    made.be_durable()
    queues = made.queues_of_server(Target(topic="t", server="s"), "x")
    assert {queue.durable for queue in [*queues, made.reply_queue("r")]} == {True}
    # Durable or not, what is one process's alone still goes when it has gone.
    assert made.reply_queue("r").arguments == {"x-expires": 1_800_000}


def test_limits_of_quorum_queues_are_sent_if_they_are_set():
    query = "rabbit_quorum_queue=1&rabbit_quorum_delivery_limit=3&rabbit_transient_queues_ttl=0"
    made = topology(query)
    (first, *_) = made.queues_of_server(Target(topic="t"), "x")
    assert first.arguments == {"x-queue-type": "quorum", "x-delivery-limit": 3}
    assert made.reply_queue("r").arguments == {}
