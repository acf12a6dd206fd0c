"""gunicorn with our worker: requests side by side, heartbeat, graceful ends, TLS, its own logs."""

import http.client
import re
import signal
import ssl
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.net.tls_support import CERTIFICATES, NAME, client_context

PATIENCE = 60

APPLICATION = """
import threading
import time

import flask
import mainspring

app = flask.Flask("waiting")
meet = threading.Barrier(100)
release = threading.Event()

@app.get("/")
def root():
    return "version 1"

@app.get("/meet")
def meet_all():
    # Nobody goes on before all hundred are here.
    meet.wait()
    return str(mainspring.patch.is_patched("time"))

@app.get("/wait")
def wait():
    print("a request waits", flush=True)
    while not flask.current_app.config["path"].exists():
        time.sleep(0.001)
    return "finished"

@app.get("/crowd")
def crowd():
    global present, most
    present += 1
    most = max(most, present)
    wait()
    present -= 1
    return str(most)

@app.get("/block")
def block():
    # Past every green thread, as a long computation.
    mainspring.patch.original("time").sleep(1000)

import pathlib
app.config["path"] = pathlib.Path("go on")
present = most = 0
"""

# Tells of each heartbeat that a worker sends.
HEARTBEATS = """
def post_worker_init(worker):
    send = worker.tmp.notify
    def notify():
        send()
        print("a heartbeat", flush=True)
    worker.tmp.notify = notify
"""

# Tells of each look at the files but the first.
LOOKS = """
def post_worker_init(worker):
    look = worker.reloader.get_files
    def tell():
        print("the files are looked at again", flush=True)
        return look()
    worker.reloader.get_files = tell
"""


def configure(folder: Path, text: str) -> None:
    """Adds to gunicorn's configuration."""
    with (folder / "gunicorn.conf.py").open("a") as file:
        file.write(text)


@pytest.fixture(autouse=True)
def loop_spec() -> str:
    """The worker chooses its loop itself."""
    return "mainspring:new_event_loop"


@pytest.fixture
def gunicorn(start: Any, tmp_path: Path) -> Callable[..., Any]:
    """Starts gunicorn with one of our workers; returns the program and its port."""
    (tmp_path / "waiting.py").write_text(APPLICATION)
    # It would lie in the user's home.
    configure(tmp_path, "control_socket_disable = True")

    def start_one(*options: str) -> tuple[Any, int]:
        command = ["-m", "gunicorn", "-k", "mainspring.compat.gunicorn.Worker"]
        command += ["--bind", "127.0.0.1:0", "--log-level", "debug", "--access-logfile", "-"]
        program = start(*command, *options, "waiting:app")
        port = int(program.until(r"Listening at: https?://127.0.0.1:(\d+)")[1])
        program.until("Booting worker with pid")
        return program, port

    return start_one


def get(port: int, path: str = "/") -> str:
    url = f"http://127.0.0.1:{port}{path}"
    with urllib.request.urlopen(url, timeout=PATIENCE) as response:
        return str(response.read().decode())


def test_a_hundred_requests_wait_in_one_worker(gunicorn: Callable[..., Any]) -> None:
    _, port = gunicorn()
    with ThreadPoolExecutor(100) as threads:
        answers = list(threads.map(lambda _: get(port, "/meet"), range(100)))
    assert answers == ["True"] * 100


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_what_has_begun_is_finished_when_a_worker_ends(
    gunicorn: Callable[..., Any], tmp_path: Path, number: signal.Signals
) -> None:
    program, port = gunicorn()
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(get, port, "/wait")
        program.until("a request waits")
        program.interrupt(number)
        program.until("Handling signal: ")
        (tmp_path / "go on").touch()
        assert answer.result() == "finished"
    if number == signal.SIGHUP:
        program.until("Worker exiting")
        assert get(port) == "version 1"
        program.interrupt()
    assert program.wait() == 0


def test_the_application_is_loaded_anew_at_a_reload(
    gunicorn: Callable[..., Any], tmp_path: Path
) -> None:
    program, port = gunicorn()
    assert get(port) == "version 1"
    (tmp_path / "waiting.py").write_text(APPLICATION.replace("version 1", "version two"))
    program.interrupt(signal.SIGHUP)
    program.until("Worker exiting")
    assert get(port) == "version two"


def test_a_reloader_has_the_application_loaded_anew_when_its_file_changes(
    gunicorn: Callable[..., Any], tmp_path: Path
) -> None:
    configure(tmp_path, LOOKS)
    program, port = gunicorn("--reload", "--reload-engine", "poll")
    assert get(port) == "version 1"
    program.until("the files are looked at again")
    (tmp_path / "waiting.py").write_text(APPLICATION.replace("version 1", "version two"))
    program.until("Worker reloading")
    program.until("Booting worker with pid")
    assert get(port) == "version two"


def test_no_more_connections_are_served_at_once_than_there_may_be(
    gunicorn: Callable[..., Any], tmp_path: Path
) -> None:
    program, port = gunicorn("--worker-connections", "2", "--bind", "127.0.0.1:0")
    other = int(program.found(r"Listening at: .*,http://127.0.0.1:(\d+)")[1])
    with ThreadPoolExecutor(10) as threads:
        answers = [threads.submit(get, where, "/crowd") for where in [port, other] * 5]
        program.until("a request waits")
        program.until("a request waits")
        (tmp_path / "go on").touch()
        assert max(answer.result() for answer in answers) == "2"


def test_requests_that_do_not_end_are_cut_when_the_graceful_timeout_is_over(
    gunicorn: Callable[..., Any],
) -> None:
    program, port = gunicorn("--graceful-timeout", "1")
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(get, port, "/wait")
        program.until("a request waits")
        # The arbiter goes on, and would wait for the worker for ever.
        program.interrupt(signal.SIGHUP)
        program.until("Worker graceful timeout")
        assert isinstance(answer.exception(), OSError | http.client.HTTPException)
        program.until("Worker exiting")
    assert get(port) == "version 1"


def test_a_worker_that_ends_gracefully_ends_at_once_when_it_is_told_to(
    gunicorn: Callable[..., Any],
) -> None:
    program, port = gunicorn("--graceful-timeout", "1000")
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(get, port, "/wait")
        program.until("a request waits")
        program.interrupt(signal.SIGTERM)
        program.until("Handling signal: term")
        program.interrupt(signal.SIGQUIT)
        assert program.wait() == 0
        assert isinstance(answer.exception(), OSError | http.client.HTTPException)


def test_an_idle_connection_is_no_error_when_a_worker_ends(gunicorn: Callable[..., Any]) -> None:
    program, port = gunicorn("--keep-alive", "1000", "--graceful-timeout", "1")
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    client.request("GET", "/")
    assert client.getresponse().read() == b"version 1"
    program.interrupt(signal.SIGQUIT)
    assert program.wait() == 0
    assert client.sock is not None
    assert client.sock.recv(100) == b""
    client.close()
    assert not any("Error handling request" in line for line in program.lines)


@pytest.mark.parametrize("ending", [False, True], ids=["serving", "ending"])
def test_heartbeats_go_on_while_requests_wait(
    gunicorn: Callable[..., Any], tmp_path: Path, ending: bool
) -> None:
    configure(tmp_path, HEARTBEATS)
    program, port = gunicorn("--timeout", "1")
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(get, port, "/wait")
        program.until("a request waits")
        if ending:
            program.interrupt(signal.SIGHUP)
            program.until("Handling signal: hup")
        # Each comes after half a timeout.
        for _ in range(8):
            program.until("a heartbeat")
        (tmp_path / "go on").touch()
        assert answer.result() == "finished"
    assert not any("WORKER TIMEOUT" in line for line in program.lines)


def test_a_worker_that_is_blocked_is_replaced_when_its_time_is_over(
    gunicorn: Callable[..., Any],
) -> None:
    program, port = gunicorn("--timeout", "1")
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(get, port, "/block")
        program.until("WORKER TIMEOUT")
        program.until("Booting worker with pid")
        assert answer.exception() is not None
    assert get(port) == "version 1"


def test_sigquit_ends_it_at_once(gunicorn: Callable[..., Any]) -> None:
    program, port = gunicorn()
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(get, port, "/wait")
        program.until("a request waits")
        program.interrupt(signal.SIGQUIT)
        assert program.wait() == 0
        assert isinstance(answer.exception(), OSError | http.client.HTTPException)


def test_a_worker_is_replaced_after_max_requests(gunicorn: Callable[..., Any]) -> None:
    program, port = gunicorn("--max-requests", "2")
    assert [get(port), get(port)] == ["version 1"] * 2
    program.until("Autorestarting worker after current request")
    program.until("Booting worker with pid")
    assert get(port) == "version 1"


def test_the_access_log_is_gunicorns(gunicorn: Callable[..., Any]) -> None:
    program, port = gunicorn("--access-logformat", "%(m)s %(U)s %(s)s %(B)s ends")
    get(port)
    assert program.until(r"^.*ends$")[0] == "GET / 200 9 ends"


def test_requests_over_tls_are_answered(gunicorn: Callable[..., Any]) -> None:
    certificate = str(CERTIFICATES / "server.pem")
    _, port = gunicorn("--certfile", certificate, "--keyfile", certificate)
    context: ssl.SSLContext = client_context()
    url = f"https://{NAME}:{port}/"
    with urllib.request.urlopen(url, timeout=PATIENCE, context=context) as response:
        assert re.fullmatch(b"version 1", response.read())
