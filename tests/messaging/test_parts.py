"""The small parts: targets, versions, URLs, deadlines, ids, places, duplicates, failures."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainspring.messaging import Target, errors, get_transport
from mainspring.messaging.admission import Admission, Cap
from mainspring.messaging.deadlines import TravellingDeadline, arrive, leave
from mainspring.messaging.dedup import Duplicates
from mainspring.messaging.failures import failure_of, raised_by
from mainspring.messaging.messages import Failure, Response, new_id
from mainspring.messaging.target import version_is_compatible
from mainspring.messaging.url import TransportHost, TransportURL


@pytest.mark.parametrize(
    ("implemented", "requested", "is_compatible"),
    [
        ("1.5", "1.5", True),
        ("1.5", "1.4", True),
        ("1.5", "1.6", False),
        ("2.0", "1.9", False),
        ("1.5.2", "1.5.1", True),
        ("1.5.1", "1.5.2", False),
        ("1.6", "1.5.9", True),
        ("1", "1.0", True),
        (None, "9.9", True),
        (None, None, True),
        ("1.0", None, False),
    ],
)
def test_within_a_major_version_the_newer_answers_the_older(implemented, requested, is_compatible):
    assert version_is_compatible(implemented, requested) is is_compatible


def test_a_version_that_is_none_is_refused():
    with pytest.raises(ValueError, match=r"'1\.x'"):
        version_is_compatible("1.x", "1.0")


def test_a_target_makes_changed_copies_and_is_a_key():
    target = Target(topic="t", version="1.0", legacy_namespaces=["old"])
    assert target(server="s") == Target(
        topic="t", version="1.0", server="s", legacy_namespaces=("old",)
    )
    assert {target: 1}[target()] == 1
    assert target.accepted_namespaces == (None, "old")
    assert str(target(fanout=True)) == "<Target topic=t, version=1.0, fanout>"


@pytest.mark.parametrize(
    ("url", "parsed"),
    [
        ("memory://", TransportURL("memory")),
        ("memory://name", TransportURL("memory", (TransportHost("name"),))),
        (
            "rabbit://u:p%40ss@h1:5672,h2/v%2Fhost?a=1&b=",
            TransportURL(
                "rabbit",
                (TransportHost("h1", 5672, "u", "p@ss"), TransportHost("h2")),
                "v/host",
                {"a": "1", "b": ""},
            ),
        ),
        ("rabbit://h:1//", TransportURL("rabbit", (TransportHost("h", 1),), "/")),
        ("rabbit://[::1]:5672/", TransportURL("rabbit", (TransportHost("::1", 5672),))),
    ],
)
def test_a_url_is_taken_apart(url, parsed):
    assert TransportURL.parse(url) == parsed


@pytest.mark.parametrize("url", ["", "nothing", "rabbit://h:port", "rabbit://u:secret@[::1"])
def test_a_url_that_cannot_be_read_is_refused_without_showing_a_password(url):
    with pytest.raises(errors.InvalidTransportURL) as raised:
        TransportURL.parse(url)
    assert "secret" not in str(raised.value)


def test_a_scheme_that_no_transport_has_is_refused_with_those_that_there_are():
    with pytest.raises(errors.InvalidTransportURL, match="memory://"):
        get_transport("carrier-pigeon://")


@given(left=st.integers(1, 10**6), travelled=st.integers(0, 10**6), skew=st.integers(-9, 9))
def test_a_deadline_becomes_nearer_on_its_way_and_never_later(left, travelled, skew):
    sent = leave(100 + left, now=100, wall=5000)
    arrived = arrive(sent, now=7, wall=5000 + travelled + skew)
    assert 0 < arrived - 7 <= left
    if 0 < travelled + skew < left:
        assert arrived - 7 == pytest.approx(left - travelled - skew, abs=0.002)


def test_a_deadline_without_the_time_of_day_is_what_was_left():
    assert arrive(TravellingDeadline(1500), now=1.0) == 2.5


def test_ids_are_32_hexadecimal_digits_and_differ():
    ids = {new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(len(each) == 32 and int(each, 16) for each in ids)


class Capped:
    """A method with caps."""

    def __init__(self, *caps):
        self.caps = list(caps)


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 2), st.integers(-2, 2)), max_size=60),
    st.integers(1, 4),
    st.lists(st.integers(1, 3), min_size=3, max_size=3),
)
def test_places_are_never_exceeded_and_go_to_the_most_urgent_that_fits(steps, limit, limits):
    everything = Cap(limit)
    methods = [Capped(Cap(own), everything) for own in limits]
    admission = Admission()
    running, waiting = [], []
    for arrival, (comes, which, rank) in enumerate(steps):
        if comes:
            job = (rank, arrival, which)
            entered = admission.enter(job, methods[which], rank)
            (running if entered else waiting).append(job)
        elif running:
            admission.leave(methods[running.pop(0)[2]])
            while (job := admission.next()) is not None:
                fits = [
                    each
                    for each in waiting
                    if sum(r[2] == each[2] for r in running) < limits[each[2]]
                ]
                assert job == min(fits)
                waiting.remove(job)
                running.append(job)
        assert len(running) <= limit
        for number in range(3):
            assert sum(job[2] == number for job in running) <= limits[number]
        if waiting and len(running) < limit:
            full = [sum(r[2] == n for r in running) >= limits[n] for n in range(3)]
            assert all(full[job[2]] for job in waiting)
    assert sorted(admission.waiting()) == sorted(waiting)


def test_the_ids_and_the_answers_of_the_last_are_remembered():
    duplicates = Duplicates(window=3, replies=2)
    for name in "abcd":
        duplicates.end(name, Response(name))
    assert [duplicates.is_done(name) for name in "abcd"] == [False, True, True, True]
    assert [bool(duplicates.response(name)) for name in "abcd"] == [False, False, True, True]


@pytest.mark.parametrize(
    "error",
    [
        errors.NoSuchMethod("m"),
        errors.UnsupportedVersion("1.0", "m"),
        errors.RPCVersionCapError("1.1", "1.0"),
        errors.RemoteError("Type", "value", "trace", (1,)),
        errors.InvalidTransportURL("url", "why"),
        errors.InvalidTarget("why", "target"),
        errors.MessagingTimeout("text"),
    ],
)
def test_every_error_can_be_pickled_and_can_travel(error):
    for copy in (pickle.loads(pickle.dumps(error)), raised_by(failure_of(error))):
        assert (type(copy), copy.args, str(copy)) == (type(error), error.args, str(error))


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("NoSuchMethod", "Endpoint does not support RPC method add", errors.NoSuchMethod("add")),
        (
            "UnsupportedVersion",
            "Endpoint does not support RPC version 1.3. Attempted method: add",
            errors.UnsupportedVersion("1.3", "add"),
        ),
    ],
)
def test_the_errors_of_oslos_dispatcher_are_ours(name, text, expected):
    exc = raised_by(Failure(name, "oslo_messaging.rpc.dispatcher", text, (text,)))
    assert (type(exc), exc.args) == (type(expected), expected.args)


@pytest.mark.parametrize("name", ["SystemExit", "KeyboardInterrupt", "print", "nonsense"])
def test_only_exceptions_are_made_of_what_a_server_sends(name):
    exc = raised_by(Failure(name, "builtins", "text", (1,)))
    assert (type(exc), exc.exc_type) == (errors.RemoteError, name)


def test_a_chain_of_causes_that_goes_in_a_circle_ends():
    first, second = ValueError(1), ValueError(2)
    first.__cause__, second.__cause__ = second, first
    exc = raised_by(failure_of(first))
    assert exc.__cause__.args == (2,)
