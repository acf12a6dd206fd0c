"""The real oslo.messaging as a process of its own: obeys orders that come as lines of JSON.

It runs in a virtual environment that has oslo.messaging and nothing of ours, so it imports nothing
from here. `tests/services/oslo.py` starts it and speaks to it. Each order is answered by
one line; what its endpoints have seen is kept until it is asked for.
"""

import json
import logging
import sys
import threading
import time
import warnings

warnings.simplefilter("ignore")

import oslo_messaging  # noqa: E402
from oslo_config import cfg  # noqa: E402

CONF = cfg.CONF
PRIORITIES = ("audit", "debug", "info", "warn", "error", "critical", "sample")


class Seen:
    """What endpoints were called with; who asks can wait for a number of them."""

    def __init__(self):
        self.changed = threading.Condition()
        self.items = []

    def add(self, item):
        with self.changed:
            self.items.append(item)
            self.changed.notify_all()

    def wait(self, count, seconds):
        with self.changed:
            self.changed.wait_for(lambda: len(self.items) >= count, seconds)
            return list(self.items)


SEEN = Seen()


class Worse(Exception):
    """An error of this module's own: the caller may not import it."""


class Endpoint:
    """The methods that the tests call."""

    def __init__(self, name, namespace, version):
        self.name = name
        self.target = oslo_messaging.Target(namespace=namespace, version=version)

    def echo(self, ctxt, value):
        return value

    def name_of_server(self, ctxt):
        return self.name

    def context(self, ctxt):
        return ctxt

    def note(self, ctxt, value):
        SEEN.add({"server": self.name, "value": value, "context": ctxt})

    def fail(self, ctxt, message):
        raise ValueError(message)

    def fail_worse(self, ctxt, message):
        raise Worse(message)

    @oslo_messaging.expected_exceptions(KeyError)
    def fail_as_expected(self, ctxt, key):
        raise KeyError(key)

    def slow(self, ctxt, seconds):
        SEEN.add({"server": self.name, "slow": seconds})
        time.sleep(seconds)
        return seconds


class Notified:
    """A notification endpoint: one method for each priority."""

    def __init__(self, requeue):
        self.requeue = requeue
        for priority in PRIORITIES:
            setattr(self, priority, self.handler(priority))

    def handler(self, priority):
        def handle(ctxt, publisher_id, event_type, payload, metadata):
            item = {"priority": priority, "publisher_id": publisher_id, "event_type": event_type}
            SEEN.add({**item, "payload": payload, "context": ctxt, "metadata": metadata})
            if self.requeue > 0:
                self.requeue -= 1
                return oslo_messaging.NotificationResult.REQUEUE
            return oslo_messaging.NotificationResult.HANDLED

        return handle


class Peer:
    """Carries out orders."""

    def __init__(self):
        self.transport = None
        self.notifications = None
        self.servers = []

    def open(self, url, exchange="openstack", options=None):
        CONF([], project="peer")
        oslo_messaging.set_transport_defaults(exchange)
        self.transport = oslo_messaging.get_rpc_transport(CONF, url)
        self.notifications = oslo_messaging.get_notification_transport(CONF, url)
        for name, value in (options or {}).items():
            CONF.set_override(name, value, group="oslo_messaging_rabbit")

    def serve(self, topic, server, namespace=None, version="1.0"):
        target = oslo_messaging.Target(topic=topic, server=server)
        endpoints = [Endpoint(server, namespace, version)]
        rpc = oslo_messaging.get_rpc_server(self.transport, target, endpoints, executor="threading")
        rpc.start()
        self.servers.append(rpc)

    def client(self, topic, target=None, timeout=20, monitor=None, at_least_once=False):
        options = oslo_messaging.TransportOptions(at_least_once=at_least_once)
        client = oslo_messaging.get_rpc_client(
            self.transport,
            oslo_messaging.Target(topic=topic),
            timeout=timeout,
            call_monitor_timeout=monitor,
            transport_options=options,
        )
        return client.prepare(**(target or {}))

    def call(self, method, args=None, ctxt=None, **options):
        return self.client(**options).call(ctxt or {}, method, **(args or {}))

    def cast(self, method, args=None, ctxt=None, **options):
        self.client(**options).cast(ctxt or {}, method, **(args or {}))

    def notify(self, topic, priority, event_type, payload, driver="messagingv2", ctxt=None):
        notifier = oslo_messaging.Notifier(
            self.notifications, publisher_id="peer", driver=driver, topics=[topic]
        )
        getattr(notifier, priority)(ctxt or {}, event_type, payload)

    def listen(self, topic, pool=None, requeue=0):
        listener = oslo_messaging.get_notification_listener(
            self.notifications,
            [oslo_messaging.Target(topic=topic)],
            [Notified(requeue)],
            executor="threading",
            pool=pool,
            allow_requeue=True,
        )
        listener.start()
        self.servers.append(listener)

    def seen(self, count, seconds=20):
        return SEEN.wait(count, seconds)

    def stop(self):
        for server in self.servers:
            server.stop()
            server.wait()
        self.servers.clear()

    def close(self):
        self.stop()
        self.transport.cleanup()
        self.notifications.cleanup()


def error(exc):
    """Says what an exception was."""
    return {
        "type": type(exc).__name__,
        "module": type(exc).__module__,
        "text": str(exc),
        "args": [str(arg) for arg in exc.args],
        "exc_type": getattr(exc, "exc_type", None),
    }


def main():
    """Obeys until the input ends."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    peer = Peer()
    for line in sys.stdin:
        order = json.loads(line)
        try:
            answer = {"result": getattr(peer, order.pop("do"))(**order)}
        except Exception as exc:
            answer = {"error": error(exc)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
