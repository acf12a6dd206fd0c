"""The echo client against a real socket pair.

Invariant proved: each message gives one latency, the unanswered one too.
"""

import socket
import threading

import pytest

from mainspring.cli.demo.client import MESSAGE, measure_echo, percentile


def answer(times: int) -> list[float]:
    """Answer so many messages, read one more, close; return what the client measured."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = socket.create_connection(listener.getsockname())
        far, _ = listener.accept()

    def play() -> None:
        with far:
            for place in range(times + 1):
                message = far.recv(len(MESSAGE), socket.MSG_WAITALL)
                if place < times:
                    far.sendall(message)

    server = threading.Thread(target=play)
    server.start()
    try:
        with near:
            return measure_echo(near)
    finally:
        server.join()


def test_the_first_echo_is_left_out_and_the_unanswered_one_counts() -> None:
    assert len(answer(5)) == 5


def test_a_sender_that_never_answers_still_gives_a_latency() -> None:
    assert len(answer(0)) == 1


def test_the_median_of_an_odd_number_is_the_middle_one() -> None:
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0


def test_the_99th_percentile_of_a_few_values_is_the_largest() -> None:
    assert percentile([1.0, 5.0, 2.0], 0.99) == 5.0


def test_the_99th_percentile_of_two_hundred_leaves_two_above() -> None:
    assert percentile([float(value) for value in range(1, 201)], 0.99) == 198.0


def test_a_percentile_of_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one value"):
        percentile([], 0.5)
