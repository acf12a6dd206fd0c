"""`mainspring serve`, `call` and `listen`, over the broker of this process and over NATS."""

import asyncio
import json
import os
import signal
import threading

import pytest

from mainspring.cli.main import main
from mainspring.messaging import (
    Client,
    MessageUndeliverable,
    Notifier,
    Server,
    Target,
    get_transport,
)


class Shop:
    """What is called."""

    async def add(self, a, b):
        return a + b

    async def greet(self, name):
        return f"hello {name}"

    async def fail(self):
        raise ValueError("out of stock")


@pytest.fixture(params=["memory", "nats"])
def url(request):
    """A broker."""
    if request.param == "memory":
        return "memory://cli"
    return request.getfixturevalue("shared_nats").url


@pytest.fixture
def served(url):
    """A server in the background."""
    transport = get_transport(url)
    with Server(transport, Target(topic="shop", server="one"), [Shop()]) as server:
        yield server
    asyncio.run_coroutine_threadsafe(transport.close(), transport.loop).result()


def test_call_prints_the_result_as_json(served, url, capsys):
    assert main(["call", url, "shop", "add", "a=1", "b=2"]) == 0
    assert main(["call", url, "shop", "greet", "name=Ada Lovelace"]) == 0
    assert capsys.readouterr().out == '3\n"hello Ada Lovelace"\n'


def test_a_cast_and_a_fanout_print_nothing(served, url, capsys):
    assert main(["call", "--cast", url, "shop", "greet", "name=Ada"]) == 0
    assert main(["call", "--fanout", url, "shop", "greet", "name=Ada"]) == 0
    assert capsys.readouterr().out == ""


def test_what_the_method_raised_is_shown_with_its_traceback(served, url, capsys):
    assert main(["call", url, "shop", "fail"]) == 1
    errors = capsys.readouterr().err
    assert errors.startswith("mainspring call: ValueError: out of stock\n")
    assert 'raise ValueError("out of stock")' in errors


def test_what_cannot_be_called_is_one_line(served, url, capsys):
    assert main(["call", url, "nothing", "add"]) == 1
    assert main(["call", url, "shop", "sell"]) == 1
    assert main(["call", "pigeon://", "shop", "sell"]) == 1
    assert main(["call", url, "shop", "add", "one"]) == 2
    kinds = [line.split(": ")[1] for line in capsys.readouterr().err.splitlines()]
    assert kinds[:3] == ["MessageUndeliverable", "NoSuchMethod", "InvalidTransportURL"]
    assert "KEY=VALUE" in kinds[3]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("json", "must be MODULE:NAME"),
        ("no_such_module:Shop", "no module 'no_such_module'"),
        ("json:Shop", "has no 'Shop'"),
    ],
)
def test_what_cannot_be_served_is_one_line(name, why, capsys):
    assert main(["serve", name]) == 2
    assert why in capsys.readouterr().err


def test_serve_serves_until_it_is_interrupted_and_says_what_it_did(url, capsys):
    answers = []

    def call():
        """Calls until somebody serves, then interrupts."""
        with Client(url, Target(topic="shop")) as client:
            while not answers:
                try:
                    answers.append(client.call("add", a=1, b=2).result(30))
                except MessageUndeliverable:
                    continue
        os.kill(os.getpid(), signal.SIGTERM)

    caller = threading.Thread(target=call)
    caller.start()
    assert main(["serve", "tests.cli.test_messages:Shop", "--url", url, "--topic", "shop"]) == 0
    caller.join()
    assert answers == [3]
    assert capsys.readouterr().err.splitlines()[1:] == [
        "draining",
        "1 done, 0 failed, 0 given back",
    ]


def test_listen_prints_notifications_as_lines_of_json(url, capsys):
    transport = get_transport(url)
    notifier = Notifier(transport, "compute")
    is_heard = threading.Event()

    def notify():
        """Notifies until it was heard."""
        while not is_heard.is_set():
            notifier.info("created", {"id": 1}).result(30)

    notifying = threading.Thread(target=notify)
    notifying.start()
    assert main(["listen", url, "--count", "2"]) == 0
    is_heard.set()
    notifying.join()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == 2
    assert (lines[0]["priority"], lines[0]["event_type"]) == ("info", "created")
    assert (lines[0]["publisher_id"], lines[0]["payload"]) == ("compute", {"id": 1})
    asyncio.run_coroutine_threadsafe(transport.close(), transport.loop).result()
