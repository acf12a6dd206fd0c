"""The green modules beside sockets: what a green thread waits for in them, it waits for alone."""

import importlib
import math
import os as stdlib_os
import ssl as stdlib_ssl
from pathlib import Path

import pytest

from mainspring.green import os, select, selectors, socket, spawn, ssl, subprocess, time
from tests.green.helpers import turns


@pytest.mark.parametrize(
    "name",
    [
        *("socket", "ssl", "select", "selectors", "time", "os", "subprocess"),
        *("http.client", "urllib.request"),
    ],
)
def test_every_public_name_of_the_stdlib_is_there(name):
    ours = vars(importlib.import_module(f"mainspring.green.{name}"))
    stdlib = vars(importlib.import_module(name))
    assert {key for key in stdlib if not key.startswith("_")} <= set(ours)
    assert all(ours[key] is not stdlib[key] for key in ours["__implements__"])


@pytest.mark.parametrize(
    "wait",
    [
        lambda sock: select.select([sock], [], []),
        lambda sock: poll_for(select.poll(), sock),
        lambda sock: poll_for(select.epoll(), sock),
        lambda sock: select_with(selectors.DefaultSelector(), sock),
        lambda sock: select_with(selectors.PollSelector(), sock),
        lambda sock: select_with(selectors.SelectSelector(), sock),
    ],
)
def test_a_green_thread_selects_alone(run, wait):
    def main():
        one, other = socket.socketpair()
        with one, other:
            thread = spawn(wait, one)
            turns()
            was_waiting = not thread.done()
            other.send(b"x")
            return was_waiting, bool(thread.get())

    assert run(main) == (True, True)


@pytest.mark.parametrize("kind", ["poll", "epoll"])
def test_a_poll_for_nan_seconds_is_refused(run, kind):
    with pytest.raises(ValueError, match="NaN"):
        run(lambda: getattr(select, kind)().poll(math.nan))


def poll_for(poller, sock):
    poller.register(sock.fileno(), select.POLLIN)
    return poller.poll()


def select_with(selector, sock):
    with selector:
        selector.register(sock, selectors.EVENT_READ)
        return selector.select()


def test_a_green_thread_sleeps_alone(run):
    def main():
        thread = spawn(time.sleep, 0.001)
        turns(1)
        was_asleep = not thread.done()
        thread.get()
        return was_asleep

    assert run(main)


def test_a_list_that_changes_while_it_is_selected_from_is_read_as_it_is(run):
    def main():
        one, other = socket.socketpair()
        with one, other:
            files = []

            class File:
                def fileno(self):
                    files.pop()
                    return one.fileno()

            files += [File(), File()]
            only, *_ = files
            return select.select([], files, []) == ([], [only], [])

    assert run(main)


def test_pipes_are_read_and_written_greenly(run):
    def main():
        reading, writing = stdlib_os.pipe()
        thread = spawn(os.write, writing, bytes(300_000))
        count = 0
        while count < 300_000:
            count += len(os.read(reading, 65536))
        stdlib_os.close(reading)
        stdlib_os.close(writing)
        return thread.get()

    assert run(main) == 300_000


def test_a_child_is_run_greenly(run):
    def main():
        done = subprocess.run(["cat"], input=b"x" * 200_000, capture_output=True, check=True)
        child = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
        thread = spawn(child.wait)
        turns()
        child.stdin.close()
        return len(done.stdout), thread.get()

    assert run(main) == (200_000, 0)


def test_tls_is_spoken_greenly(run):
    chain = Path(__file__).parents[1] / "net" / "certificates" / "server.pem"

    def main():
        server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server_context.load_cert_chain(chain)
        client_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client_context.check_hostname = False
        client_context.verify_mode = ssl.CERT_NONE
        one, other = socket.socketpair()

        def serve():
            with server_context.wrap_socket(one, server_side=True) as sock:
                sock.sendall(sock.recv(100).upper())

        thread = spawn(serve)
        with client_context.wrap_socket(other) as sock:
            sock.sendall(b"hello")
            answer = sock.recv(100)
            thread.get()
            return answer, isinstance(sock, stdlib_ssl.SSLSocket)

    assert run(main) == (b"HELLO", True)
