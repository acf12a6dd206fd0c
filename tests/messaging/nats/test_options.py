"""The query of a nats:// URL: what it may say, and errors that say what was meant."""

import importlib.util

import pytest

from mainspring.messaging.errors import DriverLoadFailure, InvalidTransportURL
from mainspring.messaging.nats import transport as nats_transport
from mainspring.messaging.nats.options import Options, Place, context_of, places_of
from mainspring.messaging.registry import get_transport
from mainspring.messaging.url import TransportURL


def parsed(url):
    made = TransportURL.parse(url)
    return made, Options.of(made)


def test_each_host_has_its_login():
    places = places_of(*parsed("nats://a:b%40@one:1,secret@two,[::1]:3?token=other"))
    assert places == [
        Place("one", 1, "a", "b@", "other"),
        Place("two", 4222, None, None, "secret"),
        Place("::1", 3, None, None, "other"),
    ]
    assert [place.where for place in places] == ["one:1", "two:4222", "[::1]:3"]


def test_without_anything_it_is_the_servers_own_defaults():
    assert places_of(*parsed("nats://")) == [Place("localhost", 4222)]
    assert context_of(*parsed("nats://")) is None


def test_a_path_is_the_exchange_of_targets_that_name_none():
    assert get_transport("nats://h/shop").subjects.request(TARGET) == "shop.topic.t"
    assert get_transport("nats://h").subjects.request(TARGET) == "mainspring.topic.t"


TARGET = nats_transport.Target(topic="t")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("heartbeats=3", "did you mean heartbeat"),
        ("heartbeat=0", "above 0"),
        ("heartbeat=soon", "number of seconds"),
        ("max_waiting=-1", "whole number"),
        ("tls=perhaps", "true or false"),
        ("inbox_prefix=a..b", "is no subject"),
        ("inbox_prefix=a.*", "is no subject"),
        ("xyzzy=1", "no option 'xyzzy'"),
    ],
)
def test_what_is_wrong_is_named_without_the_password(query, words):
    with pytest.raises(InvalidTransportURL, match=words) as caught:
        parsed(f"nats://user:secret@h/?{query}")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["tls://h", "nats://h?tls=true"])
def test_tls_checks_the_certificate(url):
    context = context_of(*parsed(url))
    assert context.check_hostname
    assert not context_of(
        *parsed(f"{url}{'&' if '?' in url else '?'}tls_verify_hostname=no")
    ).check_hostname


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(InvalidTransportURL, match=r"nowhere\.pem"):
        context_of(*parsed("nats://h?tls_ca_file=/nowhere.pem"))


def test_keys_without_what_signs_with_them_say_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DriverLoadFailure, match="nkeys"):
        parsed("nats://h?nkey_seed_file=/seed")


def test_without_nats_py_the_error_names_the_extra(monkeypatch):
    import sys

    for name in [name for name in sys.modules if name.startswith("mainspring.messaging.nats")]:
        monkeypatch.delitem(sys.modules, name)
    for name in [name for name in sys.modules if name.partition(".")[0] == "nats"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "nats", None)
    with pytest.raises(DriverLoadFailure, match=r"mainspring\[nats\]"):
        get_transport("nats://h")
