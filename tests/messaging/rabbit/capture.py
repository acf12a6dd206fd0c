"""Captures what the real oslo.messaging and RabbitMQ say to each other, for the codec's tests.

    python -m tests.messaging.rabbit.capture [RELEASE ...]

Two processes with the real library, a client's and a server's, each reach a real RabbitMQ through a
relay that listens in. What they sent becomes `captures/RELEASE/SCENARIO.json`: for each of the two
the methods in the order they went, bodies as text (or base64 if compressed). Nothing is changed but
the folder of this checkout, which shows in tracebacks and becomes `/checkout`.
"""

import base64
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pamqp import body, frame, header

from tests.interop.debian import ROOT
from tests.services.oslo import RELEASES, Oslo, OsloError
from tests.services.proxy import Proxy
from tests.services.rabbitmq import RabbitMQ

CAPTURES = Path(__file__).with_name("captures")
TOPIC = "capture"
Event = dict[str, Any]


def events(data: bytes) -> Iterator[Event]:
    """Takes one direction of a connection apart.

    Args:
        data: all that was sent, from the first byte on.

    Yields:
        Each method, with the properties and the body of its content if it has one.
    """
    waiting: Event | None = None
    content = b""
    while data:
        size, channel, part = frame.unmarshal(data)
        data = data[size:]
        if isinstance(part, header.ContentHeader):
            assert waiting is not None
            waiting["properties"] = {
                name: value for name, value in part.properties if value is not None
            }
            waiting["size"], content = part.body_size, b""
        elif isinstance(part, body.ContentBody):
            assert waiting is not None
            content += part.value
        else:
            # Of no interest: the greeting differs from one broker to the next, heartbeats come at
            # any time.
            if part.name.startswith(("Connection.", "Channel.", "ProtocolHeader", "Heartbeat")):
                continue
            waiting = {"channel": channel, "method": part.name, "fields": dict(part)}
            yield waiting
        if waiting is not None and len(content) == waiting.get("size"):
            waiting["body"] = content
            waiting = None


def as_text(data: bytes) -> list[Event]:
    """Returns what was sent in one direction as what JSON can hold."""
    said = list(events(data))
    for event in said:
        event.pop("size", None)
        if "body" in event:
            try:
                event["body"] = event["body"].decode().replace(str(ROOT), "/checkout")
            except UnicodeDecodeError:
                event["base64"] = base64.b64encode(event.pop("body")).decode()
    return said


def in_lines(said: dict[str, list[dict[str, list[Event]]]]) -> str:
    """Returns a capture as JSON with one line for each event."""
    sides = []
    for side, connections in said.items():
        parts = []
        for connection in connections:
            directions = [
                f'   "{direction}": [\n'
                + ",\n".join(
                    "    " + json.dumps(e, ensure_ascii=False, sort_keys=True) for e in found
                )
                + "\n   ]"
                for direction, found in connection.items()
            ]
            parts.append("  {\n" + ",\n".join(directions) + "\n  }")
        sides.append(f' "{side}": [\n' + ",\n".join(parts) + "\n ]")
    return "{\n" + ",\n".join(sides) + "\n}\n"


def call(client: Oslo) -> None:
    """A call with a context, and one to a server by name, with a namespace and a version."""
    context = {"user": "bob", "request_id": "req-1"}
    client.order(
        "call", topic=TOPIC, method="echo", args={"value": {"é": [1, 2.5, None]}}, ctxt=context
    )


def call_one_server(client: Oslo) -> None:
    """A call to a server by its name, with a namespace and a version."""
    target = {"server": "one", "namespace": "space", "version": "1.1"}
    client.order("call", topic=TOPIC, method="name_of_server", target=target)


def failure(client: Oslo) -> None:
    """An exception that nobody expected, and one that was."""
    for method, args in (("fail", {"message": "bad"}), ("fail_as_expected", {"key": "k"})):
        with pytest.raises(OsloError, match="Error"):
            client.order("call", topic=TOPIC, method=method, args=args)


def monitored(client: Oslo) -> None:
    """A call that takes longer than its monitor's timeout, and is kept alive by heartbeats."""
    client.order("call", topic=TOPIC, method="slow", args={"seconds": 2.5}, monitor=2)


def cast(client: Oslo) -> None:
    """A message without an answer; the call after it makes sure that it was seen."""
    client.order("cast", topic=TOPIC, method="note", args={"value": 1})
    client.order("call", topic=TOPIC, method="echo", args={"value": 0})


def fanout(client: Oslo) -> None:
    """A message to all servers of the topic."""
    client.order("cast", topic=TOPIC, method="note", args={"value": 2}, target={"fanout": True})
    client.order("call", topic=TOPIC, method="echo", args={"value": 0})


def notifications(client: Oslo) -> None:
    """One notification in the envelope, one without."""
    for driver, priority in (("messagingv2", "info"), ("messaging", "error")):
        payload = {"id": 7, "tags": ["a"]}
        client.order(
            "notify",
            topic="events",
            priority=priority,
            event_type="thing.made",
            payload=payload,
            driver=driver,
            ctxt={"user": "bob"},
        )


SCENARIOS: dict[str, tuple[Callable[[Oslo], None], str]] = {
    "call": (call, ""),
    "call_one_server": (call_one_server, ""),
    "failure": (failure, ""),
    "monitored": (monitored, ""),
    "cast": (cast, ""),
    "fanout": (fanout, ""),
    "notifications": (notifications, ""),
    "gzip": (call, "?kombu_compression=gzip"),
    "bz2": (call, "?kombu_compression=bzip2"),
    "durable": (fanout, "?amqp_durable_queues=true&rabbit_qos_prefetch_count=5"),
    "quorum": (fanout, "?rabbit_quorum_queue=true&rabbit_transient_quorum_queue=true"),
    "stream": (
        fanout,
        "?rabbit_transient_quorum_queue=true&rabbit_stream_fanout=true&rabbit_qos_prefetch_count=5",
    ),
}


def capture(release: str, scenario: str, folder: Path) -> None:
    """Runs a scenario on a broker of its own and writes what was said."""
    act, query = SCENARIOS[scenario]
    log = folder / "oslo.log"
    with (
        RabbitMQ.running() as broker,
        Proxy.running(broker.port, record=True) as before_server,
        Proxy.running(broker.port, record=True) as before_client,
    ):
        urls = [
            f"rabbit://guest:guest@127.0.0.1:{relay.port}/{query}"
            for relay in (before_server, before_client)
        ]
        with (
            Oslo.running(release, urls[0], log) as server,
            Oslo.running(release, urls[1], log) as client,
        ):
            version = (
                {"namespace": "space", "version": "1.2"} if scenario == "call_one_server" else {}
            )
            server.order("serve", topic=TOPIC, server="one", **version)
            if scenario == "notifications":
                server.order("listen", topic="events")
            act(client)
            if scenario == "notifications":
                assert len(server.order("seen", count=2)) == 2
        said = {
            side: [
                {
                    "sent": as_text(recording.sent()),
                    "received": as_text(recording.received()),
                }
                for recording in relay.recordings
            ]
            for side, relay in (("server", before_server), ("client", before_client))
        }
    path = CAPTURES / release / f"{scenario}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(in_lines(said))
    print(path.relative_to(ROOT))


def main(releases: list[str]) -> None:
    """Captures every scenario with each release."""
    with tempfile.TemporaryDirectory() as folder:
        for release in releases or list(RELEASES):
            for scenario in SCENARIOS:
                capture(release, scenario, Path(folder))


if __name__ == "__main__":
    main(sys.argv[1:])
