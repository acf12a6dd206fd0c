"""oslo.messaging's signatures as ported code uses them: in OS threads and in green threads."""

import asyncio
import itertools

import pytest

import mainspring
from mainspring.compat import oslo_messaging

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
    if made.loop is not None and made.loop.is_running():
        asyncio.run_coroutine_threadsafe(made.close(), made.loop).result()


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
        mainspring.await_(transport.close())

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
