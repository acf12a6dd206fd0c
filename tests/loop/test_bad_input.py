"""Mistakes: asyncio's own type of exception, what to do about it, and nothing left behind."""

import asyncio
import contextvars
import socket

import pytest

from tests.loop.helpers import run_ready


def callback():
    pass


async def connect_socket(loop, *address):
    with socket.socket() as sock:
        sock.setblocking(False)
        await loop.sock_connect(sock, address)


takes_callbacks = pytest.mark.parametrize(
    ("call", "args"),
    [
        ("call_soon", ()),
        ("call_soon_threadsafe", ()),
        ("call_later", (1,)),
        ("call_at", (1,)),
        ("call_idle", ()),
    ],
)


@takes_callbacks
@pytest.mark.parametrize("wrong", [None, 5, "callback"])
def test_what_can_not_be_called_is_refused_where_it_is_given(ours, call, args, wrong):
    with pytest.raises(TypeError, match=rf"by {call}\(\), got .*pass the function itself"):
        getattr(ours, call)(*args, wrong)


@takes_callbacks
def test_a_coroutine_is_refused_where_a_callback_belongs(ours, call, args):
    async def coroutine_function():
        pass

    coroutine = coroutine_function()
    with pytest.raises(TypeError, match=r"use create_task\(\) to run a coroutine"):
        getattr(ours, call)(*args, coroutine)
    coroutine.close()


def test_a_refused_callback_leaves_nothing_queued(ours):
    ran = []
    for call in (lambda: ours.call_soon(5), lambda: ours.call_soon(print, priority=9)):
        with pytest.raises((TypeError, ValueError)):
            call()
    ours.call_soon(ran.append, 1)
    ours.step()
    assert ran == [1]


@pytest.mark.parametrize("call", ["call_soon", "call_soon_threadsafe", "call_idle"])
def test_a_keyword_that_does_not_exist_is_refused(ours, call):
    with pytest.raises(TypeError, match="unknown"):
        getattr(ours, call)(callback, unknown=1)


def test_a_context_of_another_type_is_reported_and_ends_nothing(loop):
    contexts = []
    loop.set_exception_handler(lambda _, context: contexts.append(context["exception"]))
    ran = []
    try:
        loop.call_soon(callback, context=5)
    except (TypeError, AttributeError) as exc:
        contexts.append(exc)
    loop.call_soon(ran.append, 1)
    run_ready(loop)
    assert ran == [1]
    assert isinstance(contexts[0], TypeError | AttributeError)


def test_a_priority_belongs_to_the_keyword(ours):
    seen = []
    ours.call_soon(seen.append, -2)
    ours.step()
    assert seen == [-2]


def test_a_port_in_use_is_an_error_that_names_the_address(loop):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=rf"bind on address \('127.0.0.1', {port}\)"):
            loop.run_until_complete(
                loop.create_server(asyncio.Protocol, "127.0.0.1", port, reuse_address=False)
            )


def test_a_refused_connection_names_the_address(loop):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(ConnectionRefusedError, match=rf"\('127.0.0.1', {port}\)"):
        loop.run_until_complete(loop.create_connection(asyncio.Protocol, "127.0.0.1", port))


takes_addresses = pytest.mark.parametrize(
    "open_address",
    [
        lambda loop, *address: loop.create_connection(asyncio.Protocol, *address),
        lambda loop, *address: loop.create_server(asyncio.Protocol, *address),
        lambda loop, *address: loop.create_datagram_endpoint(
            asyncio.DatagramProtocol, local_addr=address
        ),
        lambda loop, *address: loop.create_datagram_endpoint(
            asyncio.DatagramProtocol, remote_addr=address
        ),
        connect_socket,
    ],
    ids=["connection", "server", "bound datagrams", "connected datagrams", "socket"],
)


@takes_addresses
@pytest.mark.parametrize("port", [65536, 99999, -1, "99999"])
def test_a_port_that_does_not_exist_is_refused_and_not_taken_for_another(loop, open_address, port):
    with pytest.raises(OverflowError, match="port must be 0-65535"):
        loop.run_until_complete(open_address(loop, "127.0.0.1", port))


@takes_addresses
def test_a_host_with_a_nul_is_refused_and_not_cut_there(loop, open_address):
    with pytest.raises(ValueError, match="null character"):
        loop.run_until_complete(open_address(loop, "127.0.0.1\0.example", 80))


@takes_addresses
def test_a_host_that_is_no_text_is_refused(loop, open_address):
    with pytest.raises(TypeError):
        loop.run_until_complete(open_address(loop, 5, 80))


def test_a_port_may_be_any_kind_of_integer(loop):
    class Number:
        def __init__(self, value):
            self.value = value

        def __int__(self):
            return self.value

        __index__ = __int__

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = Number(server.getsockname()[1])
        transport, _ = loop.run_until_complete(
            loop.create_connection(asyncio.Protocol, "127.0.0.1", port)
        )
        transport.abort()
        run_ready(loop)


@pytest.mark.parametrize("port", ["", b"", "0", None])
def test_a_server_without_a_port_takes_a_free_one(loop, port):
    server = loop.run_until_complete(loop.create_server(asyncio.Protocol, "127.0.0.1", port))
    assert server.sockets[0].getsockname()[1] > 0
    server.close()


def test_an_address_without_a_port_is_refused(loop):
    with pytest.raises(ValueError, match="not enough values"):
        loop.run_until_complete(connect_socket(loop, "1"))


def test_two_callbacks_of_one_context_run_one_after_the_other(loop):
    variable = contextvars.ContextVar("variable", default=0)
    context = contextvars.copy_context()

    def count():
        variable.set(variable.get() + 1)

    loop.call_soon(count, context=context)
    loop.call_soon(count, context=context)
    run_ready(loop)
    assert context[variable] == 2


def test_a_callback_that_raises_base_exception_is_reported(loop):
    class Strange(BaseException):
        pass

    def fail():
        raise Strange

    contexts = []
    loop.set_exception_handler(lambda _, context: contexts.append(context))
    loop.call_soon(fail)
    run_ready(loop)
    assert isinstance(contexts[0]["exception"], Strange)
