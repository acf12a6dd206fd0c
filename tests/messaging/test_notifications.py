"""Notifiers and listeners: priorities, pools, filters, requeue."""

import pytest

from mainspring.messaging import (
    InvalidTarget,
    Listener,
    NotificationFilter,
    NotificationResult,
    Notifier,
    Target,
    context,
    endpoint,
    get_context,
)


class Ear:
    """Notes what it hears."""

    def __init__(self, filter_rule=None, answers=()):
        self.heard = []
        self.answers = list(answers)
        if filter_rule is not None:
            self.filter_rule = filter_rule

    async def info(self, publisher_id, event_type, payload, metadata):
        self.heard.append((event_type, payload))
        self.metadata = metadata
        self.context = get_context()
        return self.answers.pop(0) if self.answers else None

    @endpoint(run="green")
    def error(self, publisher_id, event_type, payload, metadata):
        self.heard.append(("error", event_type))
        raise RuntimeError("a listener's own trouble")


@pytest.fixture
def notifier(bench):
    return Notifier(bench.transport(), "compute.host1")


@pytest.fixture
def listen(bench):
    """Starts a listener with some endpoints."""

    def start(*ears, **settings):
        transport = settings.pop("transport", None) or bench.transport()
        targets = settings.pop("targets", [Target(topic="notifications")])
        made = Listener(transport, targets, ears, **settings)
        bench.finish(made.start)
        return made

    return start


def test_an_endpoint_hears_the_priorities_that_it_has_methods_for(bench, notifier, listen):
    ear = Ear()
    listen(ear)
    bench.finish(notifier.info, "created", {"id": 1})
    bench.finish(notifier.debug, "ignored", {})
    assert ear.heard == [("created", {"id": 1})]
    assert len(ear.metadata["message_id"]) == 36
    assert len(ear.metadata["timestamp"]) == 26


def test_what_a_listener_raises_is_logged_and_the_notification_done_with(
    bench, notifier, listen, caplog
):
    ear = Ear()
    listen(ear)
    bench.finish(notifier.error, "broken", {})
    assert ear.heard == [("error", "broken")]
    assert "a listener's own trouble" in caplog.text


def test_the_context_of_who_notifies_reaches_who_listens(bench, notifier, listen):
    ear = Ear()
    listen(ear)

    def notify():
        with context(user="bob"):
            return notifier.info("created", {})

    bench.finish(notify)
    assert ear.context == {"user": "bob"}


def test_listeners_of_one_pool_share_and_each_pool_hears_all(bench, notifier, listen):
    ears = [Ear() for _ in range(3)]
    for ear, pool in zip(ears, ["a", "a", "b"], strict=True):
        listen(ear, pool=pool)
    for number in range(4):
        bench.finish(notifier.info, "event", number)
    assert [len(ear.heard) for ear in ears] == [2, 2, 4]


def test_what_nobody_listens_to_yet_is_kept(bench, notifier, listen):
    bench.finish(notifier.info, "early", 1)
    ear = Ear()
    listen(ear)
    bench.settle()
    assert ear.heard == [("early", 1)]


def test_a_notification_that_is_given_back_comes_again(bench, notifier, listen):
    ear = Ear(answers=[NotificationResult.REQUEUE, NotificationResult.HANDLED])
    listen(ear, allow_requeue=True)
    bench.finish(notifier.info, "event", 1)
    assert ear.heard == [("event", 1), ("event", 1)]


def test_it_is_not_given_back_where_that_is_not_allowed(bench, notifier, listen):
    ear = Ear(answers=[NotificationResult.REQUEUE])
    listen(ear)
    bench.finish(notifier.info, "event", 1)
    assert ear.heard == [("event", 1)]


def test_a_notification_whose_listener_is_lost_comes_to_another(bench, notifier, listen):
    transport = bench.transport()
    ear, other = Ear(), Ear()
    listen(ear, transport=transport)
    bench.begin(transport.lose_connection)
    bench.begin(notifier.info, "event", 1)
    listen(other)
    bench.settle()
    assert (ear.heard, other.heard) == ([], [("event", 1)])


def test_a_filter_lets_through_what_matches(bench, notifier, listen):
    rule = NotificationFilter(
        event_type=r"compute\.", publisher_id="compute", payload={"state": "^act"}
    )
    ear = Ear(rule)
    listen(ear)
    bench.finish(notifier.info, "compute.create", {"state": "active"})
    bench.finish(notifier.info, "compute.create", {"state": "error"})
    bench.finish(notifier.info, "volume.create", {"state": "active"})
    bench.finish(notifier.info, "compute.create", "no mapping")
    bench.finish(notifier.prepare("volume").info, "compute.create", {"state": "active"})
    assert ear.heard == [("compute.create", {"state": "active"})]


def test_a_notifier_refuses_a_priority_that_does_not_exist(notifier):
    with pytest.raises(ValueError, match="urgent"):
        notifier.notify("urgent", "event", {})


def test_a_notification_that_cannot_be_sent_is_logged(bench, notifier, caplog):
    reply = bench.begin(notifier.info, "event", object())
    assert "was not sent" in caplog.text
    assert reply.exception() is not None


def test_a_listener_needs_a_topic(bench):
    with pytest.raises(InvalidTarget):
        Listener(bench.transport(), [], [Ear()])
