"""Servers: places, acknowledgement, duplicates, drain; on a clock that stands still."""

import asyncio

import pytest

import mainspring
from mainspring import Priority
from mainspring.messaging import (
    DefaultRPCAccessPolicy,
    ExplicitRPCAccessPolicy,
    LegacyRPCAccessPolicy,
    NoSuchMethod,
    Server,
    ServerBusy,
    Target,
    UnsupportedVersion,
    endpoint,
    errors,
    expose,
    get_transport,
)


class Gate:
    """A method that notes who has begun, and ends when the test says so."""

    def __init__(self):
        self.began = []
        self.ends = {}

    async def work(self, name):
        self.began.append(name)
        self.ends[name] = asyncio.get_running_loop().create_future()
        return await self.ends[name]

    @endpoint(concurrency=1)
    async def narrow(self, name):
        return await self.work(name)

    async def priority(self):
        return int(mainspring.get_priority(asyncio.current_task()))


def test_a_method_runs_no_more_calls_at_once_than_it_may_and_others_go_on(bench):
    gate = Gate()
    server = bench.server(gate)
    client = bench.client()
    replies = [bench.begin(client.call, "narrow", name=name) for name in "abc"]
    bench.begin(client.call, "work", name="other")
    assert gate.began == ["a", "other"]
    assert server.statistics().methods["narrow"].waiting == 2
    bench.begin(gate.ends["a"].set_result, 1)
    assert (gate.began, replies[0].result()) == (["a", "other", "b"], 1)


def test_the_most_urgent_of_those_that_wait_is_next(bench):
    gate = Gate()
    bench.server(gate)
    client = bench.client()
    for name, priority in [("a", 0), ("low", 1), ("b", 0), ("high", -1)]:
        bench.begin(client.prepare(priority=priority).call, "narrow", name=name)
    for name in ["a", "high", "b"]:
        bench.begin(gate.ends[name].set_result, None)
    assert gate.began == ["a", "high", "b", "low"]


def test_the_priority_of_a_message_is_that_of_the_handlers_task(bench):
    bench.server(Gate())
    client = bench.client()
    assert bench.finish(client.prepare(priority=Priority.LOW).call, "priority") == Priority.LOW

    def call_inside():
        with mainspring.priority(Priority.HIGH):
            return client.call("priority")

    assert bench.finish(call_inside) == Priority.HIGH
    assert bench.finish(client.call, "priority") == Priority.DEFAULT


def test_what_a_server_cannot_hold_stays_with_the_broker_for_another(bench):
    first, second = Gate(), Gate()
    bench.server(first, concurrency=1, backlog=2, name="first")
    client = bench.client()
    for name in range(6):
        bench.begin(client.call, "work", name=name)
    bench.server(second, name="second")
    # One runs at the first, two wait there; the rest was still to be had.
    assert (first.began, second.began) == ([0], [3, 4, 5])


def test_prefetch_is_what_runs_and_waits_here_if_answers_come_before_acknowledgement(url):
    def prefetch(**settings):
        target = Target(topic="topic", server="server")
        return Server(get_transport(url), target, [Gate()], backlog=10, **settings).prefetch

    assert prefetch(ack="early") == 10
    assert prefetch(ack="late", concurrency=50) == 60
    assert (
        Server(
            get_transport(url), Target(topic="t", server="s"), [Narrow()], ack="late", backlog=10
        ).prefetch
        == 13
    )


class Narrow:
    """Both methods have limits."""

    @endpoint(concurrency=1)
    async def one(self):
        """Does nothing."""

    @endpoint(concurrency=2)
    async def two(self):
        """Does nothing."""


@pytest.mark.parametrize(("ack", "again"), [("early", []), ("late", ["a"])])
def test_a_call_in_hand_survives_its_server_only_if_it_is_acknowledged_late(bench, ack, again):
    first, second = Gate(), Gate()
    transport = bench.transport()
    bench.server(first, ack=ack, name="first", transport=transport)
    bench.begin(bench.client().call, "work", name="a")
    assert first.began == ["a"]
    bench.server(second, ack=ack, name="second")
    bench.begin(transport.lose_connection)
    assert second.began == again


def test_a_call_that_comes_again_while_it_runs_is_not_run_again_and_answered_once(bench):
    gate = Gate()
    transport = bench.transport()
    server = bench.server(gate, ack="late", transport=transport)
    client = bench.client()
    reply = bench.begin(client.call, "work", name="a")
    bench.begin(transport.lose_connection)
    bench.begin(transport.restore_connection)
    assert server.statistics().duplicates == 1
    bench.begin(gate.ends["a"].set_result, "done")
    assert (reply.result(), gate.began) == ("done", ["a"])
    assert client.statistics().dropped_replies == 0
    bench.begin(transport.lose_connection)
    bench.begin(transport.restore_connection)
    assert server.statistics().duplicates == 1, "it was acknowledged, and doesn't come again"


def test_a_duplicate_of_what_is_done_gets_the_answer_that_was_kept(bench):
    gate = Gate()
    transport = bench.transport()
    server = bench.server(gate, ack="late", transport=transport)
    client = bench.client()
    sent = []
    publish = client.transport.publish
    client.transport.publish = lambda *args: (sent.append(args[0]), publish(*args))
    reply = bench.begin(client.call, "work", name="a")
    bench.begin(gate.ends["a"].set_result, "done")
    assert reply.result() == "done"
    # The client's side sends it once more, as after a lost confirmation.
    bench.begin(publish, sent[0])
    assert gate.began == ["a"]
    assert server.statistics().duplicates == 1
    assert client.statistics().dropped_replies == 1


def test_what_comes_late_is_dropped_and_never_run(bench):
    gate = Gate()
    server = bench.server(gate, concurrency=1)
    client = bench.client(timeout=5)
    bench.begin(client.prepare(timeout=None).call, "work", name="a")
    bench.begin(client.call, "work", name="b")
    bench.pass_time(6)
    bench.begin(gate.ends["a"].set_result, None)
    assert (gate.began, server.statistics().late) == (["a"], 1)


def test_what_is_given_up_while_it_waits_is_never_run(bench):
    gate = Gate()
    server = bench.server(gate, concurrency=1)
    client = bench.client()
    bench.begin(client.call, "work", name="a")
    reply = bench.begin(client.call, "work", name="b")
    bench.begin(reply.cancel)
    bench.begin(gate.ends["a"].set_result, None)
    assert (gate.began, server.statistics().cancelled) == (["a"], 1)


def test_stopping_finishes_what_is_in_hand_and_takes_nothing_more(bench):
    gate = Gate()
    server = bench.server(gate, concurrency=1)
    client = bench.client()
    replies = [bench.begin(client.call, "work", name=name) for name in "ab"]
    stopped = bench.begin(server.stop)
    refused = bench.begin(client.call, "work", name="c")
    assert isinstance(refused.exception(), errors.MessageUndeliverable)
    assert not stopped.done()
    bench.begin(gate.ends["a"].set_result, 1)
    bench.begin(gate.ends["b"].set_result, 2)
    assert stopped.done()
    assert [reply.result() for reply in replies] == [1, 2]


def test_stopping_with_a_timeout_tells_the_callers_of_what_had_no_time_to_end(bench):
    gate = Gate()
    server = bench.server(gate, concurrency=1)
    client = bench.client()
    running, waiting = (bench.begin(client.call, "work", name=name) for name in "ab")
    stopped = bench.begin(server.stop, timeout=3)
    bench.pass_time(3.1)
    assert stopped.done()
    assert isinstance(running.exception(), ServerBusy)
    other = Gate()
    bench.server(other, name="other")
    bench.begin(other.ends["b"].set_result, "done elsewhere")
    assert waiting.result() == "done elsewhere"


def test_a_stopped_server_with_late_acknowledgement_gives_back_what_it_could_not_end(bench):
    gate, other = Gate(), Gate()
    server = bench.server(gate, ack="late")
    reply = bench.begin(bench.client().call, "work", name="a")
    bench.begin(server.stop, timeout=3)
    bench.pass_time(3.1)
    bench.server(other, name="other")
    bench.begin(other.ends["a"].set_result, "done elsewhere")
    assert reply.result() == "done elsewhere"


def test_a_server_can_be_started_again(bench):
    server = bench.server(Gate())
    bench.finish(server.stop)
    bench.finish(server.start)
    assert bench.finish(bench.client().ping) == "pong"


def test_a_cast_is_done_when_the_broker_has_it_and_its_failure_is_logged(bench, caplog):
    bench.server(Gate())
    assert bench.finish(bench.client().cast, "work", nonsense=1) is None
    assert "nobody is told" in caplog.text


def test_a_fanout_reaches_every_server(bench):
    gates = [Gate(), Gate()]
    for number, gate in enumerate(gates):
        bench.server(gate, name=f"server{number}")
    bench.finish(bench.client().fanout, "work", name="a")
    assert [gate.began for gate in gates] == [["a"], ["a"]]


def test_calls_go_to_the_servers_of_a_topic_in_turns_and_to_a_named_one_alone(bench):
    gates = [Gate(), Gate()]
    for number, gate in enumerate(gates):
        bench.server(gate, name=f"server{number}")
    client = bench.client()
    for name in range(4):
        bench.begin(client.call, "work", name=name)
    bench.begin(client.prepare(server="server1").call, "work", name="named")
    assert [len(gate.began) for gate in gates] == [2, 3]
    assert gates[1].began[-1] == "named"


class Versions:
    """One interface of two."""

    target = Target(namespace="ns", version="1.2", legacy_namespaces=[None])

    async def which(self):
        return "new"

    def _private(self):
        """Not to be called."""

    @expose
    async def exposed(self):
        return "exposed"


class Older:
    """The other."""

    target = Target(version="2.0")

    async def which(self):
        return "old"


def test_the_first_endpoint_of_the_namespace_and_the_version_serves_a_call(bench):
    bench.server(Versions(), Older())
    client = bench.client()
    assert bench.finish(client.call, "which") == "new"
    assert bench.finish(client.prepare(namespace="ns", version="1.1").call, "which") == "new"
    assert bench.finish(client.prepare(version="2.0").call, "which") == "old"
    too_new = bench.begin(client.prepare(namespace="ns", version="1.3").call, "which")
    assert isinstance(too_new.exception(), UnsupportedVersion)
    elsewhere = bench.begin(client.prepare(namespace="other").call, "which")
    assert isinstance(elsewhere.exception(), UnsupportedVersion)


@pytest.mark.parametrize(
    ("policy", "allowed"),
    [
        (DefaultRPCAccessPolicy(), {"which", "exposed"}),
        (ExplicitRPCAccessPolicy(), {"exposed"}),
        (LegacyRPCAccessPolicy(), {"which", "exposed", "_private"}),
    ],
)
def test_a_policy_says_what_may_be_called(bench, policy, allowed):
    bench.server(Versions(), access_policy=policy)
    client = bench.client()
    refused = {
        name
        for name in ("which", "exposed", "_private")
        if name not in ("_private",) or name not in allowed
        if isinstance(bench.begin(client.call, name)._exception, NoSuchMethod)
    }
    assert refused == {"which", "exposed", "_private"} - allowed


def test_what_cannot_be_an_endpoint_is_refused(url):
    class WrongTarget:
        target = "topic"

    class WrongRun:
        @endpoint(run="thread")
        async def method(self):
            """Can't run in a thread."""

    for wrong, why in [(Gate, "is a class"), (WrongTarget(), "Target"), (WrongRun(), "coroutine")]:
        with pytest.raises(errors.InvalidEndpoint, match=why):
            Server(get_transport(url), Target(topic="t", server="s"), [wrong])


@pytest.mark.parametrize("wrong", [{"concurrency": 0}, {"timeout": 0}, {"run": "process"}])
def test_what_means_nothing_is_refused_by_the_decorator(wrong):
    with pytest.raises(ValueError, match="must be"):
        endpoint(**wrong)
