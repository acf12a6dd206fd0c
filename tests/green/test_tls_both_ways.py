"""A read of TLS that has to write: the client is asked for its certificate after the handshake."""

import ssl as stdlib

import pytest

from mainspring.green import await_, socket, spawn, ssl
from mainspring.sync import Event
from tests.net.support import PATIENCE
from tests.net.tls_support import NAME, client_context, server_context


def test_a_read_that_has_to_write_waits_until_the_peer_takes_something(run):
    sent = bytes(20_000)
    asked = server_context(asks_client=True)
    asks = client_context("client")
    for context in (asked, asks):
        context.post_handshake_auth = True
        context.sslsocket_class = ssl.SSLSocket

    def serve(raw, has_filled, has_asked):
        with asked.wrap_socket(raw, server_side=True) as server:
            await_(has_filled.wait())
            server.verify_client_post_handshake()
            server.sendall(b"ok")
            has_asked.set()
            # Not before the client's read has found no room.
            await_(has_found_no_room.wait())
            received = b""
            while len(received) < len(sent) + 1:
                received += server.recv(65536)
            return received, server.getpeercert() is not None

    def main():
        nonlocal has_found_no_room
        has_found_no_room, has_filled, has_asked = Event(), Event(), Event()
        ours, theirs = socket.socketpair()
        serving = spawn(serve, theirs, has_filled, has_asked)
        with asks.wrap_socket(ours, server_hostname=NAME) as client:
            client.sendall(sent)
            # What lies there already is more than that: there is no room for another byte.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
            has_filled.set()
            await_(has_asked.wait())
            client.settimeout(0)
            with pytest.raises(stdlib.SSLWantWriteError):
                client.recv(10)
            client.settimeout(PATIENCE)
            reading = spawn(client.recv, 10)
            has_found_no_room.set()
            answer = reading.get()
            client.sendall(b"!")
            return answer, serving.get()

    has_found_no_room = None
    assert run(main) == (b"ok", (sent + b"!", True))
