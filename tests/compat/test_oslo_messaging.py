"""oslo.messaging's signatures as ported code uses them: in OS threads and in green threads."""

import itertools
import json
import logging
import time

import pytest

import mainspring
from mainspring.compat import oslo_messaging
from mainspring.messaging import Client

PATIENCE = 60

_names = itertools.count()


class Math:
    """An endpoint of the old kind."""

    target = oslo_messaging.Target(version="1.1")

    def add(self, ctxt, a, b):
        return {"user": ctxt.get("user"), "sum": a + b}

    async def add_in_the_loop(self, ctxt, a, b):
        return a + b

    @oslo_messaging.expected_exceptions(KeyError)
    def fail(self, ctxt):
        raise KeyError("missing")

    @oslo_messaging.expose
    def exposed(self, ctxt):
        return "exposed"


class Doubling(oslo_messaging.NoOpSerializer):
    """Shows where it was."""

    def serialize_entity(self, ctxt, entity):
        return entity if isinstance(entity, dict) else entity * 2

    def deserialize_context(self, ctxt):
        return {**ctxt, "user": "from the serializer"}


@pytest.fixture
def transport():
    made = oslo_messaging.get_rpc_transport(None, url=f"memory://oslo{next(_names)}")
    yield made
    made.cleanup()


def serve(transport, **settings):
    target = oslo_messaging.Target(topic="math", server="one")
    server = oslo_messaging.get_rpc_server(transport, target, [Math()], **settings)
    server.start()
    return server


def client_of(transport, **settings):
    return oslo_messaging.get_rpc_client(
        transport, oslo_messaging.Target(topic="math", version="1.0"), **settings
    )


def exercise(transport):
    """Calls, casts and fails, as a program would."""
    server = serve(transport)
    client = client_of(transport)
    assert client.call({"user": "bob"}, "add", a=1, b=2) == {"user": "bob", "sum": 3}
    assert client.call({}, "add_in_the_loop", a=1, b=2) == 3
    assert client.prepare(server="one").cast({}, "add", a=1, b=2) is None
    assert client.prepare(fanout=True).cast({}, "add", a=1, b=2) is None
    with pytest.raises(KeyError, match="missing"):
        client.call({}, "fail")
    with pytest.raises(oslo_messaging.UnsupportedVersion):
        client.prepare(version="1.2").call({}, "add", a=1, b=2)
    with pytest.raises(oslo_messaging.MessageUndeliverable):
        client.prepare(topic="nothing").call({}, "add", a=1, b=2)
    assert client.can_send_version("9.9")
    server.stop()
    server.wait()


def test_a_client_and_a_server_in_os_threads(transport):
    exercise(transport)


def test_a_client_and_a_server_in_green_threads():
    def main():
        transport = oslo_messaging.get_rpc_transport(None, url=f"memory://oslo{next(_names)}")
        exercise(transport)
        transport.cleanup()

    mainspring.run(main)


def test_a_serializer_sees_every_value_and_the_context(transport):
    server = serve(transport, serializer=Doubling())
    client = client_of(transport, serializer=Doubling())
    assert client.call({}, "add", a=1, b=2) == {"user": "from the serializer", "sum": 6}
    server.stop()
    server.wait()


def test_a_policy_is_asked_about_the_endpoint_itself(transport):
    server = serve(transport, access_policy=oslo_messaging.ExplicitRPCAccessPolicy)
    client = client_of(transport)
    assert client.call({}, "exposed") == "exposed"
    with pytest.raises(oslo_messaging.NoSuchMethod):
        client.call({}, "add", a=1, b=2)
    server.stop()
    server.wait()


def test_a_notifier_and_a_listener(transport):
    heard = []

    class Ear:
        def info(self, ctxt, publisher_id, event_type, payload, metadata):
            heard.append((ctxt, publisher_id, event_type, payload, sorted(metadata)))

    notifier = oslo_messaging.Notifier(transport, "compute.host1", driver="messagingv2")
    listener = oslo_messaging.get_notification_listener(
        transport, [oslo_messaging.Target(topic="notifications")], [Ear()]
    )
    listener.start()
    notifier.info({"user": "bob"}, "created", {"id": 1})
    notifier.info({}, "refused", object())
    listener.stop()
    listener.wait()
    metadata = ["message_id", "timestamp"]
    assert heard == [({"user": "bob"}, "compute.host1", "created", {"id": 1}, metadata)]


def test_a_transport_that_was_cleaned_up_takes_no_calls(transport):
    server = serve(transport)
    client = client_of(transport)
    assert client.call({}, "exposed") == "exposed"
    server.stop()
    server.wait()
    transport.cleanup()
    transport.cleanup()
    with pytest.raises(oslo_messaging.MessageDeliveryFailure, match="closed"):
        client.call({}, "exposed")


def test_a_client_takes_every_setting_of_oslo_messagings(transport):
    client = client_of(
        transport,
        timeout=None,
        version_cap="1.5",
        retry=3,
        call_monitor_timeout=10,
        transport_options=oslo_messaging.TransportOptions(at_least_once=True),
    )
    assert (client._client.timeout, client._client.mandatory) == (60, True)
    prepared = client.prepare(
        exchange="exchange",
        topic="other",
        namespace="space",
        version="1.2",
        server="one",
        fanout=False,
        timeout=5,
        version_cap="1.9",
        retry=0,
        call_monitor_timeout=None,
        transport_options=oslo_messaging.TransportOptions(),
    )
    wanted = oslo_messaging.Target(
        exchange="exchange", topic="other", namespace="space", version="1.2", server="one"
    )
    assert prepared.target == wanted
    native = prepared._client
    assert isinstance(native, Client)
    assert (native.timeout, native.version_cap, native.mandatory) == (5, "1.9", False)
    assert native.call_monitor_timeout is None
    assert prepared.prepare(timeout=None)._client.timeout == 60
    with pytest.raises(TypeError):
        client.prepare(colour="green")


def test_the_configuration_says_where_to_and_how_long():
    class Notifications:
        transport_url = "memory://notifications"

    class Conf:
        transport_url = "memory://calls"
        rpc_response_timeout = 7
        oslo_messaging_notifications = Notifications

    calls = oslo_messaging.get_rpc_transport(Conf)
    assert calls.native.url.hosts[0].hostname == "calls"
    assert client_of(calls)._client.timeout == 7
    told = oslo_messaging.get_notification_transport(Conf)
    assert told.native.url.hosts[0].hostname == "notifications"


class Batches:
    """Hears lists."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.heard = []

    def info(self, messages):
        self.heard.append(messages)
        return self.answers.pop(0) if self.answers else None

    def error(self, messages):
        self.heard.append(messages)


def hear_batches(transport, endpoint, send, count=0, **settings):
    """Returns what an endpoint has heard when the listener has stopped.

    Parameters:
        count: how many it has heard or collected before it is told to stop.
    """
    listener = oslo_messaging.get_batch_notification_listener(
        transport, [oslo_messaging.Target(topic="notifications")], [endpoint], **settings
    )
    listener.start()
    send(oslo_messaging.Notifier(transport, "us"))
    # Nobody tells: the last come when those before them are settled, which is later than heard.
    deadline = time.monotonic() + PATIENCE
    while sum(map(len, endpoint.heard)) + len(listener._listener._batch) < count:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    listener.stop()
    listener.wait()
    return [[message["payload"] for message in messages] for messages in endpoint.heard]


def test_a_batch_is_as_many_as_there_may_be_and_the_last_what_is_left(transport):
    endpoint = Batches()

    def send(notifier):
        for n in range(5):
            notifier.info({"user": "bob"}, "made", n)

    heard = hear_batches(transport, endpoint, send, count=5, batch_size=2, batch_timeout=600)
    assert heard == [[0, 1], [2, 3], [4]]
    first = endpoint.heard[0][0]
    assert (first["ctxt"], first["publisher_id"]) == ({"user": "bob"}, "us")
    assert (first["event_type"], sorted(first["metadata"])) == ("made", ["message_id", "timestamp"])


def test_a_batch_is_heard_by_priority_in_the_order_of_arrival(transport):
    def send(notifier):
        for priority in ("info", "info", "error", "info"):
            getattr(notifier, priority)({}, "made", priority)

    heard = hear_batches(transport, Batches(), send, batch_size=4)
    assert heard == [["info", "info"], ["error"], ["info"]]


def test_a_batch_that_is_given_back_comes_again_whole(transport):
    def send(notifier):
        notifier.info({}, "made", 1)
        notifier.info({}, "made", 2)

    endpoint = Batches(oslo_messaging.NotificationResult.REQUEUE)
    heard = hear_batches(transport, endpoint, send, batch_size=2, allow_requeue=True)
    assert heard[0] == [1, 2]
    # What comes again while the listener stops goes back to the queue.
    assert heard[1:] in ([], [[1, 2]])


def test_a_batch_has_in_it_what_the_filter_lets_through(transport):
    class Filtered(Batches):
        filter_rule = oslo_messaging.NotificationFilter(event_type="^wanted")

    def send(notifier):
        for n, kind in enumerate(["wanted", "other", "wanted"]):
            notifier.info({}, kind, n)

    assert hear_batches(transport, Filtered(), send, batch_size=3) == [[0, 2]]


def test_a_notifier_logs_as_json_without_secrets_and_tells_nobody_with_noop(transport, caplog):
    caplog.set_level(logging.INFO, "oslo.messaging.notification")
    notifier = oslo_messaging.Notifier(transport, "us", driver=["log", "noop"])
    notifier.warn({}, "made", {"id": 1, "admin_password": "x", "nested": [{"token": "y"}]})
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("oslo.messaging.notification.made", "WARNING")
    told = json.loads(record.message)
    masked = {"id": 1, "admin_password": "***", "nested": [{"token": "***"}]}
    assert (told["payload"], told["priority"]) == (masked, "WARN")
    silent = oslo_messaging.Notifier(transport, "us", driver="noop").prepare("them")
    silent.error({}, "made", {})
    assert len(caplog.records) == 1
    assert notifier.is_enabled()
    assert not silent.is_enabled()


def test_a_driver_that_does_not_exist_is_refused_with_those_that_do(transport):
    with pytest.raises(ValueError, match=r"messagingv2.*routing"):
        oslo_messaging.Notifier(transport, "us", driver="routing")
