"""The servers of the documentation serve, as they stand there.

Only the address is another: a socket that listens already, so that a client needn't wait.
"""

import re
import shlex
import signal
import socket
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .programs import ROOT

DOCS = ROOT / "docs"
PATIENCE = 60
PYTHON = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ (gunicorn .*)$", re.MULTILINE)
ADDRESS = re.compile(r'\("127\.0\.0\.1", \d+\)')
LISTENER = """
import socket
LISTENER = socket.create_server(("127.0.0.1", 0))
print("listens at", LISTENER.getsockname()[1], flush=True)

"""

APPLICATION = """
def app(environ, start_response):
    start_response("200 OK", [])
    return [b"hello from the application"]
"""


@pytest.fixture(autouse=True)
def loop_spec() -> str:
    """The pages are about one loop only."""
    return "mainspring:new_event_loop"


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


@pytest.fixture
def serve(start: Any, tmp_path: Path) -> Callable[[str], tuple[Any, int]]:
    """Starts a program whose one address is replaced; returns it and its port."""

    def start_one(text: str) -> tuple[Any, int]:
        text, count = ADDRESS.subn("LISTENER", text)
        assert count == 1
        path = tmp_path / "program.py"
        path.write_text(LISTENER + text)
        program = start(path)
        return program, int(program.until(r"listens at (\d+)")[1])

    return start_one


def get(port: int) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=PATIENCE) as response:
        return bytes(response.read())


def test_the_server_of_the_how_to_answers_and_ctrl_c_ends_it(
    serve: Callable[[str], tuple[Any, int]],
) -> None:
    program, port = serve(PYTHON.findall(page("how-to/serve-wsgi.md"))[0])
    assert get(port) == b"hello\n"
    program.interrupt(signal.SIGINT)
    # As Python ends a program that doesn't catch the KeyboardInterrupt.
    assert program.wait() == -signal.SIGINT


def test_the_line_that_replaces_another_servers_serves(
    serve: Callable[[str], tuple[Any, int]],
) -> None:
    line = re.search(r"`(WSGIServer\(addr, app\).*?)`", page("how-to/serve-wsgi.md"))
    assert line is not None
    program = f"""
import mainspring
from mainspring.green.wsgi import WSGIServer
{APPLICATION}
addr = ("127.0.0.1", 8000)
mainspring.run(lambda: {line[1]})
"""
    assert get(serve(program)[1]) == b"hello from the application"


def test_the_command_for_gunicorn_serves(start: Any, tmp_path: Path) -> None:
    (command,) = COMMAND.findall(page("how-to/serve-wsgi.md"))
    (tmp_path / "app.py").write_text(APPLICATION)
    (tmp_path / "gunicorn.conf.py").write_text("control_socket_disable = True")
    program = start("-m", *shlex.split(command), "--bind", "127.0.0.1:0")
    port = int(program.until(r"Listening at: http://127.0.0.1:(\d+)")[1])
    assert get(port) == b"hello from the application"
    program.interrupt()
    assert program.wait() == 0


def test_the_echo_server_of_the_reference_echoes(
    serve: Callable[[str], tuple[Any, int]],
) -> None:
    _, port = serve(PYTHON.findall(page("reference/servers.md"))[0])
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
        client.sendall(b"hello")
        assert client.recv(5, socket.MSG_WAITALL) == b"hello"


def test_each_handler_of_the_reference_gets_what_the_client_sends(
    serve: Callable[[str], tuple[Any, int]],
) -> None:
    handlers = PYTHON.findall(page("reference/servers.md"))[1].split("\n\n")
    assert len(handlers) == 3
    for handler in handlers:
        body = handler.rstrip()
        if "reader, writer" in body:
            body += "\n    data = await reader.read(1024)"
        program = f"""
import asyncio
import mainspring
from mainspring.green import green
from mainspring.green.server import StreamServer

{body}
    print("the handler has", data, flush=True)

mainspring.run(StreamServer(("127.0.0.1", 8000), handle).serve_forever)
"""
        running, port = serve(program)
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
            client.sendall(b"hello")
            running.until("the handler has b'hello'")
