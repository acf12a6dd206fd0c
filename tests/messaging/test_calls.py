"""Calls: results, errors, deadlines, cancellation; on memory://, on asyncio's loop and on ours."""

import asyncio

import pytest

from mainspring.messaging import (
    Client,
    InvalidTarget,
    MessageUndeliverable,
    MessagingTimeout,
    NoSuchMethod,
    RemoteError,
    RPCVersionCapError,
    Server,
    Target,
    UnsupportedVersion,
    endpoint,
    errors,
    get_transport,
)


class Shop:
    """What the tests call."""

    async def add(self, a, b):
        return a + b

    def add_in_a_thread(self, a, b):
        return a + b

    @endpoint(run="loop")
    def add_here(self, a, b):
        return a + b

    @endpoint(run="green")
    def add_green(self, a, b):
        return a + b

    @endpoint(run="loop")
    def add_later(self, a, b):
        future = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(future.set_result, a + b)
        return future

    def add_in_a_generator(self, a, b):
        yield
        return a + b

    async def echo(self, value):
        return value

    async def fail(self):
        try:
            raise KeyError("inner")
        except KeyError as exc:
            raise ValueError("outer", 2) from exc

    async def fail_in_a_group(self):
        raise ExceptionGroup("two", [ValueError(1), KeyError("k")])

    async def fail_strangely(self):
        raise Strange("text", object())

    async def return_an_object(self):
        return object()

    async def forever(self):
        await asyncio.get_running_loop().create_future()


class Strange(Exception):
    """A class that its callers don't know."""


@pytest.mark.parametrize(
    "method",
    ["add", "add_in_a_thread", "add_here", "add_later", "add_green", "add_in_a_generator"],
)
def test_a_call_returns_what_the_method_returns(serving, method):
    async def main(client, _):
        assert await client.call(method, a=1, b=2) == 3

    serving(main, Shop())


def test_a_reply_calls_back(serving):
    async def main(client, _):
        reply = client.call("add", a=1, b=2)
        called = asyncio.get_running_loop().create_future()
        reply.add_done_callback(called.set_result)
        assert (await called) is reply
        assert reply.result() == 3

    serving(main, Shop())


def test_a_reply_that_is_not_there_cannot_be_waited_for_by_blocking_the_loop(serving):
    async def main(client, _):
        reply = client.call("add", a=1, b=2)
        with pytest.raises(asyncio.InvalidStateError, match="await the reply"):
            reply.result()
        assert await reply == 3

    serving(main, Shop())


def test_what_is_sent_is_a_copy_and_tuples_become_lists(serving):
    async def main(client, _):
        value = {"list": [1, (2, 3)], "bytes": b"x", "none": None}
        reply = client.call("echo", value=value)
        value["list"].append("later")
        assert await reply == {"list": [1, [2, 3]], "bytes": b"x", "none": None}

    serving(main, Shop())


def test_a_remote_exception_keeps_its_class_its_arguments_its_cause_and_its_traceback(serving):
    async def main(client, _):
        with pytest.raises(ValueError, match="outer") as raised:
            await client.call("fail")
        exc = raised.value
        assert (type(exc), exc.args) == (ValueError, ("outer", 2))
        assert (type(exc.__cause__), exc.__cause__.args) == (KeyError, ("inner",))
        assert 'raise KeyError("inner")' in exc.remote_traceback
        assert "Remote traceback" in exc.__notes__[0]

    serving(main, Shop())


def test_an_exception_group_keeps_its_members(serving):
    async def main(client, _):
        with pytest.raises(ExceptionGroup) as raised:
            await client.call("fail_in_a_group")
        assert raised.group_contains(ValueError)
        assert raised.group_contains(KeyError)

    serving(main, Shop())


def test_an_exception_of_a_class_that_is_not_allowed_is_a_remote_error(serving):
    async def main(client, _):
        with pytest.raises(RemoteError) as raised:
            await client.call("fail_strangely")
        assert raised.value.exc_type == "Strange"
        assert raised.value.remote_args[0] == "text"

    serving(main, Shop())


def test_an_exception_of_an_allowed_module_is_what_it_was(serving):
    async def main(client, _):
        with pytest.raises(Strange):
            await client.call("fail_strangely")

    serving(main, Shop(), settings={"allowed_remote_modules": [Strange.__module__]})


def test_a_result_that_cannot_be_encoded_is_a_failure_and_not_silence(serving):
    async def main(client, _):
        with pytest.raises(errors.EncodeError, match="can't be sent"):
            await client.call("return_an_object")

    serving(main, Shop())


def test_an_argument_that_cannot_be_encoded_is_an_error_of_the_reply(serving):
    async def main(client, _):
        with pytest.raises(errors.EncodeError, match="can't be sent"):
            await client.call("echo", value=object())
        with pytest.raises(errors.EncodeError, match="keys of a dict are str"):
            await client.call("echo", value={1: 2})
        circle = []
        circle.append(circle)
        with pytest.raises(errors.EncodeError, match="contains itself"):
            await client.call("echo", value=circle)

    serving(main, Shop())


def test_wrong_arguments_are_the_callers_type_error(serving):
    async def main(client, _):
        with pytest.raises(TypeError, match="unexpected keyword"):
            await client.call("add", a=1, b=2, c=3)

    serving(main, Shop())


def test_a_method_that_does_not_exist_is_an_error(serving):
    async def main(client, _):
        with pytest.raises(NoSuchMethod, match="nonsense"):
            await client.call("nonsense")

    serving(main, Shop())


def test_a_version_that_nobody_implements_is_an_error(serving):
    async def main(client, _):
        with pytest.raises(UnsupportedVersion, match=r"2\.0"):
            await client.prepare(version="2.0").call("add", a=1, b=2)

    serving(main, Shop())


def test_a_server_that_does_not_exist_is_an_error_at_once(serving):
    async def main(client, _):
        with pytest.raises(MessageUndeliverable, match="nobody serves"):
            await client.prepare(server="nobody").call("add", a=1, b=2)
        with pytest.raises(MessageUndeliverable, match="nobody serves"):
            await client.prepare(topic="nothing").cast("add", a=1, b=2)

    serving(main, Shop())


def test_every_server_answers_a_ping_unless_told_not_to(serving):
    async def main(client, _):
        assert await client.ping() == "pong"
        assert await client.ping("server") == "pong"

    async def deaf(client, _):
        with pytest.raises((NoSuchMethod, UnsupportedVersion)):
            await client.ping()

    serving(main, Shop())
    serving(deaf, Shop(), ping=False)


def test_a_call_cannot_be_a_fanout(url):
    client = Client(get_transport(url), Target(topic="topic", fanout=True))
    with pytest.raises(InvalidTarget, match="one reply"):
        client.call("add")


def test_a_version_above_the_cap_is_refused_before_anything_is_sent(url):
    client = Client(get_transport(url), Target(topic="topic", version="1.4"), version_cap="1.3")
    assert not client.can_send_version()
    assert client.can_send_version("1.3")
    with pytest.raises(RPCVersionCapError, match=r"1\.4"):
        client.call("add")


def test_a_client_needs_a_topic_and_a_server_a_name(url):
    with pytest.raises(InvalidTarget, match="topic"):
        Client(get_transport(url), Target())
    with pytest.raises(InvalidTarget, match="name"):
        Server(get_transport(url), Target(topic="topic"), [Shop()])


def test_a_call_whose_deadline_is_over_is_a_timeout_and_its_handler_is_stopped(bench):
    shop = Waiting()
    server = bench.server(shop)
    reply = bench.begin(bench.client(timeout=5).call, "wait")
    assert shop.log == ["began"]
    bench.pass_time(4.9)
    assert not reply.done()
    bench.pass_time(0.2)
    assert isinstance(reply.exception(), MessagingTimeout)
    assert isinstance(reply.exception(), TimeoutError)
    assert shop.log == ["began", "cancelled"]
    assert server.statistics().overdue == 1


def test_a_call_that_is_cancelled_stops_its_handler(bench):
    shop = Waiting()
    server = bench.server(shop)
    client = bench.client()
    reply = bench.begin(client.call, "wait")
    assert bench.begin(reply.cancel)
    assert shop.log == ["began", "cancelled"]
    assert (server.statistics().cancelled, server.statistics().running) == (1, 0)
    assert (client.statistics().abandoned, client.statistics().in_flight) == (1, 0)


def test_a_task_that_is_cancelled_gives_its_call_up(bench):
    shop = Waiting()
    bench.server(shop)
    client = bench.client()

    async def caller():
        await client.call("wait")

    task = bench.begin(bench.loop.create_task, caller())
    assert shop.log == ["began"]
    bench.begin(task.cancel)
    assert task.cancelled()
    assert shop.log == ["began", "cancelled"]


def test_a_method_that_may_run_for_so_long_is_stopped_and_its_caller_told(bench):
    shop = Waiting()
    server = bench.server(shop)
    reply = bench.begin(bench.client().call, "wait_briefly")
    bench.pass_time(2.1)
    assert isinstance(reply.exception(), MessagingTimeout)
    assert "may run for 2" in str(reply.exception())
    assert shop.log == ["began", "cancelled"]
    assert (server.statistics().running, server.statistics().overdue) == (0, 1)


def test_a_call_inside_a_handler_waits_no_longer_than_its_own_caller(bench):
    shop = Waiting(bench.client(timeout=None))
    bench.server(shop)
    reply = bench.begin(bench.client(timeout=5).call, "wait_by_calling")
    assert shop.log == ["began"]
    bench.pass_time(5.1)
    assert isinstance(reply.exception(), MessagingTimeout)
    assert shop.log == ["began", "cancelled"]


def test_signs_of_life_keep_a_monitored_call_waiting_and_silence_ends_it(bench):
    shop = Waiting()
    transport = bench.transport()
    bench.server(shop, transport=transport)
    client = bench.client(timeout=100, call_monitor_timeout=4)
    reply = bench.begin(client.call, "wait")
    for _ in range(10):
        bench.pass_time(2)
    assert not reply.done()
    assert client.statistics().signs_of_life == 10
    bench.begin(transport.lose_connection)
    for _ in range(3):
        bench.pass_time(2)
    assert "no sign of life" in str(reply.exception())


class Waiting:
    """Methods that wait until they are stopped, and note it."""

    def __init__(self, client=None):
        self.log = []
        self.client = client

    async def wait(self):
        self.log.append("began")
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            self.log.append("cancelled")
            raise

    @endpoint(timeout=2)
    async def wait_briefly(self):
        await self.wait()

    async def wait_by_calling(self):
        await self.client.call("wait")
