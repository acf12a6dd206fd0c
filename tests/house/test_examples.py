"""The examples run, and do what their first lines say."""

import os
import signal
import socket
import subprocess
import sys

import pytest

from tests.house.house import ROOT

EXAMPLES = ROOT / "examples"
PATIENCE = 60


def start(name, *arguments):
    return subprocess.Popen(
        [sys.executable, str(EXAMPLES / name), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONWARNINGS": "error"},
        text=True,
    )


def finish(process):
    """Returns the exit code, the output and the errors of a process that ends by itself."""
    try:
        output, errors = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    return process.returncode, output, errors


def test_every_example_is_run_here():
    known = {
        "echo_server.py",
        "background_work.py",
        "every_model.py",
        "idle_function.py",
        "priorities.py",
    }
    assert {path.name for path in EXAMPLES.glob("*.py")} == known


MODELS = ["callbacks", "coroutines", "generators", "green_threads", "threads"]


def test_every_example_of_messaging_is_run_here():
    assert sorted(path.stem for path in (EXAMPLES / "messaging").glob("*.py")) == MODELS


@pytest.mark.parametrize("model", MODELS)
def test_the_service_and_its_client_say_the_same_in_every_model(model):
    code, output, errors = finish(start(f"messaging/{model}.py"))
    assert (code, errors) == (0, "")
    expected = "hello Ada\nhello Grace and hello Edsger\nan error: nobody to greet\n"
    assert output == expected


def test_the_priorities_come_in_the_order_of_their_numbers():
    code, output, errors = finish(start("priorities.py"))
    assert (code, errors) == (0, "")
    assert [line[:2] for line in output.splitlines()] == ["1.", "2.", "3.", "4.", "5.", "6."]


def test_every_model_gets_its_answer():
    code, output, errors = finish(start("every_model.py"))
    assert (code, errors) == (0, "")
    assert output.splitlines() == [
        "1, a coroutine answered, a green thread passed it on, a generator passed it on, "
        "a callback passed it on",
        "2, a coroutine answered, an OS thread passed it on",
        "3, a coroutine answered, a green thread passed it on",
    ]


def test_the_background_work_is_done_while_all_requests_are_answered():
    code, output, errors = finish(start("background_work.py", "--requests", "50"))
    assert (code, errors) == (0, "")
    answered, primes = output.splitlines()
    assert answered.startswith("50 requests answered")
    assert "idle units" in primes


@pytest.mark.parametrize("work", ["idle", "thread", "task"])
def test_the_function_counts_primes_while_all_requests_are_answered(work):
    code, output, errors = finish(start("idle_function.py", "--requests", "50", "--work", work))
    assert (code, errors) == (0, "")
    answered, primes = output.splitlines()
    assert answered.startswith("50 requests answered: median ")
    assert int(primes.partition(" primes below ")[0]) > 0


def test_the_function_is_left_out_for_comparison():
    code, output, errors = finish(start("idle_function.py", "--requests", "50", "--work", "none"))
    assert (code, errors) == (0, "")
    assert output.splitlines()[1].startswith("0 primes below 2 ")


def test_only_our_loop_has_an_idle_thread_for_the_function():
    code, output, errors = finish(start("idle_function.py", "--loop", "asyncio"))
    assert (code, output) == (2, "")
    assert "asyncio's own loop has no idle thread" in errors


def test_the_echo_server_sends_back_what_it_is_sent_and_ends_at_a_signal():
    process = start("echo_server.py")
    try:
        address = process.stdout.readline().removeprefix("listening on ").strip()
        host, _, port = address.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=PATIENCE) as client:
            client.sendall(b"hello")
            received = b""
            while len(received) < 5:
                received += client.recv(100)
            assert received == b"hello"
            process.send_signal(signal.SIGTERM)
            assert client.recv(100) == b""
    finally:
        code, output, errors = finish(process)
    assert (code, output, errors) == (0, "closed\n", "")
