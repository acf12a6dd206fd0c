"""`sock_*`: TCP by hand, without a transport."""

import asyncio
import socket

import pytest


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as made:
        made.setblocking(False)
        yield made


@pytest.fixture
def client():
    with socket.socket() as made:
        made.setblocking(False)
        yield made


def test_a_client_and_a_server_talk(loop, listener, client):
    async def serve():
        connection, address = await loop.sock_accept(listener)
        with connection:
            received = await loop.sock_recv(connection, 100)
            await loop.sock_sendall(connection, received.upper())
            assert address == client.getsockname()
            assert connection.gettimeout() == 0

    async def main():
        serving = asyncio.ensure_future(serve())
        await loop.sock_connect(client, listener.getsockname())
        await loop.sock_sendall(client, b"hello")
        assert await loop.sock_recv(client, 100) == b"HELLO"
        await serving
        assert await loop.sock_recv(client, 100) == b""

    loop.run_until_complete(main())


def test_a_large_message_arrives_whole(loop, pair):
    async def receive(size):
        parts = []
        while size:
            parts.append(await loop.sock_recv(pair[1], 1 << 16))
            size -= len(parts[-1])
        return b"".join(parts)

    async def main():
        _, received = await asyncio.gather(
            loop.sock_sendall(pair[0], message), receive(len(message))
        )
        return received

    message = bytes(range(256)) * 20_000
    assert loop.run_until_complete(main()) == message


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_buffer_can_be_sent(loop, pair, kind):
    async def main():
        await loop.sock_sendall(pair[0], kind(b"data"))
        return await loop.sock_recv(pair[1], 100)

    assert loop.run_until_complete(main()) == b"data"


def test_sending_nothing_is_right(loop, pair):
    assert loop.run_until_complete(loop.sock_sendall(pair[0], b"")) is None


def test_a_buffer_is_received_into(loop, pair):
    async def main():
        buffer = bytearray(10)
        receiving = asyncio.ensure_future(loop.sock_recv_into(pair[0], buffer))
        await asyncio.sleep(0)
        await loop.sock_sendall(pair[1], b"data")
        return await receiving, bytes(buffer)

    assert loop.run_until_complete(main()) == (4, b"data" + bytes(6))


def test_a_datagram_comes_with_its_sender(loop):
    async def main():
        receiving = asyncio.ensure_future(loop.sock_recvfrom(ours, 100))
        await asyncio.sleep(0)
        assert await loop.sock_sendto(theirs, b"data", ours.getsockname()) == 4
        return await receiving

    with (
        socket.socket(type=socket.SOCK_DGRAM) as ours,
        socket.socket(type=socket.SOCK_DGRAM) as theirs,
    ):
        for sock in (ours, theirs):
            sock.bind(("127.0.0.1", 0))
            sock.setblocking(False)
        assert loop.run_until_complete(main()) == (b"data", theirs.getsockname())


def test_a_cancelled_receive_loses_no_data(loop, pair):
    async def main():
        receiving = asyncio.ensure_future(loop.sock_recv(pair[0], 100))
        await asyncio.sleep(0)
        receiving.cancel()
        await asyncio.wait([receiving])
        await loop.sock_sendall(pair[1], b"data")
        return await loop.sock_recv(pair[0], 100)

    assert loop.run_until_complete(main()) == b"data"
    assert loop.remove_reader(pair[0]) is False


def test_a_receive_that_is_over_watches_the_socket_no_more(ours, pair):
    async def main():
        receiving = asyncio.ensure_future(ours.sock_recv(pair[0], 100))
        await asyncio.sleep(0)
        pair[1].send(b"x")
        await receiving

    ours.run_until_complete(main())
    pair[1].send(b"x")
    timer = []
    ours.call_later(0.001, timer.append, 1)
    iterations = 0
    while not timer:
        ours.step(may_sleep=True)
        iterations += 1
        assert iterations < 100, "the loop spins on a socket that nobody waits for"


def test_the_end_of_the_peer_ends_a_receive(loop, pair):
    async def main():
        receiving = asyncio.ensure_future(loop.sock_recv(pair[0], 100))
        await asyncio.sleep(0)
        pair[1].close()
        return await receiving

    assert loop.run_until_complete(main()) == b""


def test_a_reset_by_the_peer_is_an_error_of_the_receive(loop, listener, client):
    async def main():
        await loop.sock_connect(client, listener.getsockname())
        connection, _ = await loop.sock_accept(listener)
        receiving = asyncio.ensure_future(loop.sock_recv(client, 100))
        await asyncio.sleep(0)
        linger_for_no_time = b"\x01\x00\x00\x00\x00\x00\x00\x00"
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_for_no_time)
        connection.close()
        await receiving

    with pytest.raises(ConnectionResetError):
        loop.run_until_complete(main())


def test_sending_to_a_peer_that_has_gone_is_an_error(loop, pair):
    pair[1].close()
    with pytest.raises(BrokenPipeError):
        loop.run_until_complete(loop.sock_sendall(pair[0], b"data"))


def test_a_refused_connection_is_an_error(loop, listener, client):
    address = listener.getsockname()
    listener.close()
    with pytest.raises(ConnectionRefusedError):
        loop.run_until_complete(loop.sock_connect(client, address))


def test_a_cancelled_accept_leaves_the_connection_to_the_next(loop, listener, client):
    async def main():
        accepting = asyncio.ensure_future(loop.sock_accept(listener))
        await asyncio.sleep(0)
        accepting.cancel()
        await asyncio.wait([accepting])
        await loop.sock_connect(client, listener.getsockname())
        connection, _ = await loop.sock_accept(listener)
        connection.close()
        return accepting.cancelled()

    assert loop.run_until_complete(main())


def test_a_name_is_looked_up_before_the_connection(loop, listener, client, monkeypatch):
    look_up = socket.getaddrinfo
    names = []

    def note(host, port, *args, **kwargs):
        names.append(host)
        return look_up("127.0.0.1", port, *args, **kwargs)

    async def main():
        await loop.sock_connect(client, ("a.name", listener.getsockname()[1]))
        await loop.shutdown_default_executor()

    monkeypatch.setattr(socket, "getaddrinfo", note)
    loop.run_until_complete(main())
    assert names[0] == "a.name"
    assert client.getpeername() == listener.getsockname()


CALLS = {
    "sock_recv": (10,),
    "sock_recv_into": (bytearray(10),),
    "sock_recvfrom": (10,),
    "sock_sendall": (b"data",),
    "sock_sendto": (b"data", ("127.0.0.1", 9)),
    "sock_accept": (),
    "sock_connect": (("127.0.0.1", 9),),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_blocking_socket_is_refused_in_debug_mode(loop, call):
    loop.set_debug(True)
    with socket.socket() as sock, pytest.raises(ValueError, match="must be non-blocking"):
        loop.run_until_complete(getattr(loop, call)(sock, *CALLS[call]))


@pytest.mark.parametrize("call", CALLS)
def test_our_loop_always_refuses_a_blocking_socket_and_says_what_to_do(ours, call):
    with socket.socket() as sock, pytest.raises(ValueError, match=r"setblocking\(False\)"):
        ours.run_until_complete(getattr(ours, call)(sock, *CALLS[call]))


@pytest.mark.parametrize("call", ["sock_recv", "sock_recv_into", "sock_sendall", "sock_accept"])
def test_a_closed_socket_is_an_error(loop, call):
    sock = socket.socket()
    sock.setblocking(False)
    sock.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        loop.run_until_complete(getattr(loop, call)(sock, *CALLS[call]))


def test_the_socket_of_a_transport_is_refused(ours, listener, client):
    async def main():
        await ours.sock_connect(client, listener.getsockname())
        transport, _ = await ours.create_connection(asyncio.Protocol, sock=client.dup())
        with socket.socket(fileno=transport.get_extra_info("socket").fileno()) as same:
            same.setblocking(False)
            with pytest.raises(RuntimeError, match="is used by transport"):
                await ours.sock_recv(same, 10)
            same.detach()
        transport.close()
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    ours.run_until_complete(main())
