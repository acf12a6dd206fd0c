"""The query of a URL: oslo.messaging's names, and errors that say what was meant."""

import pytest

from mainspring.messaging.errors import InvalidTransportURL
from mainspring.messaging.rabbit.options import Options
from mainspring.messaging.rabbit.places import context_of, places_of
from mainspring.messaging.url import TransportURL


def parsed(url):
    made = TransportURL.parse(url)
    return made, Options.of(made)


def test_each_kind_of_value_is_read():
    _, options = parsed(
        "rabbit://h/?rabbit_quorum_queue=True&heartbeat_timeout_threshold=10"
        "&kombu_reconnect_delay=0.5&control_exchange=nova&kombu_compression=gzip"
    )
    assert options.rabbit_quorum_queue is True
    assert options.heartbeat_timeout_threshold == 10
    assert options.kombu_reconnect_delay == 0.5
    assert (options.control_exchange, options.kombu_compression) == ("nova", "gzip")


def test_settings_of_the_real_library_that_mean_nothing_here_are_taken():
    parsed("rabbit://h/?rpc_conn_pool_size=30&conn_pool_ttl=1200&heartbeat_rate=3")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("rabbit_quorum_queues=true", "did you mean rabbit_quorum_queue"),
        ("rabbit_quorum_queue=maybe", "rabbit_quorum_queue=maybe: it is true or false"),
        ("heartbeat_timeout_threshold=-1", "whole number"),
        ("kombu_reconnect_delay=soon", "number of seconds"),
        ("kombu_compression=zip", "kombu_compression is one of"),
        ("rabbit_login_method=KERBEROS", "PLAIN, AMQPLAIN or EXTERNAL"),
        ("rabbit_stream_fanout=true", "needs rabbit_transient_quorum_queue=true"),
        ("xyzzy=1", "no option 'xyzzy'"),
    ],
)
def test_what_is_wrong_is_named(query, words):
    with pytest.raises(InvalidTransportURL, match=words):
        parsed(f"rabbit://user:secret@h/?{query}")


def test_an_error_does_not_show_the_password():
    with pytest.raises(InvalidTransportURL) as caught:
        parsed("rabbit://user:secret@h/?xyzzy=1")
    assert "secret" not in str(caught.value)


def test_each_host_has_its_login_and_its_port():
    url, options = parsed("rabbit://a:b@one:1,c:d%40@two,[::1]:3/v%2Fh?heartbeat=7")
    places = places_of(url, options)
    assert [place[:2] for place in places] == [("one", 1), ("two", 5672), ("::1", 3)]
    logins = [place[2] for place in places]
    assert [(login.username, login.password) for login in logins] == [
        ("a", "b"),
        ("c", "d@"),
        ("guest", "guest"),
    ]
    assert {(login.virtual_host, login.heartbeat) for login in logins} == {("v/h", 7)}


def test_without_anything_it_is_the_brokers_own_defaults():
    ((host, port, login),) = places_of(*parsed("rabbit://"))
    assert (host, port, login.virtual_host, login.username) == ("localhost", 5672, "/", "guest")


@pytest.mark.parametrize("url", ["amqps://h/", "rabbit://h/?ssl=true"])
def test_tls_has_a_port_of_its_own(url):
    url, options = parsed(url)
    assert options.ssl
    assert places_of(url, options)[0][1] == 5671
    assert context_of(url, options).check_hostname


def test_a_file_for_tls_that_is_not_there_is_named():
    url, options = parsed("amqps://h/?ssl_ca_file=nowhere.pem")
    with pytest.raises(InvalidTransportURL, match=r"nowhere\.pem"):
        context_of(url, options)
