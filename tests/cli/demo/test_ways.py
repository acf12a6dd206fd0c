"""Each way in its three processes, with a little data.

Invariant proved: a way sends everything, answers the echo, does its busy work, and ends
when the receiver leaves early.
"""

import pytest

from mainspring.cli.demo.cell import CellError, Cores, Measurement, run_once
from mainspring.cli.demo.registry import Way, all_ways

TOTAL = 2_000_000
CHUNK_COUNT = 20_000


def measure(way: Way, *, chunk_count: int | None, deadline: float = 60.0) -> Measurement:
    reason = way.unavailable()
    if reason is not None:
        pytest.skip(reason)
    return run_once(
        way.name,
        total=TOTAL,
        send_buffer=8192,
        chunk_count=chunk_count,
        deadline=deadline,
        cores=Cores.available(),
    )


@pytest.fixture(params=all_ways(), ids=lambda way: way.name)
def way(request: pytest.FixtureRequest) -> Way:
    found: Way = request.param
    return found


def test_a_way_sends_everything_without_busy_work(way: Way) -> None:
    result = measure(way, chunk_count=None)
    assert (result.received, result.capped) == (TOTAL, False)
    assert (result.chunks, result.chunks_begun_writable, result.chunk_ms) == (0, 0, 0.0)
    assert result.echoes >= 1
    assert result.sender_cpu > 0


def test_a_way_sends_everything_and_is_busy_beside_it(way: Way) -> None:
    result = measure(way, chunk_count=CHUNK_COUNT)
    assert (result.received, result.capped) == (TOTAL, False)
    assert result.chunks > 0
    assert 0 <= result.chunks_begun_writable <= result.chunks
    assert result.chunk_ms > 0
    assert 0 < result.echo_p50_ms <= result.echo_p99_ms


def test_a_way_ends_when_the_receiver_leaves_early(way: Way) -> None:
    result = measure(way, chunk_count=CHUNK_COUNT, deadline=0.0)
    assert result.capped
    assert result.received < TOTAL


def test_a_sender_that_fails_is_one_sentence_with_its_reason() -> None:
    with pytest.raises(CellError, match=r"the sender failed: .*no way is called 'nothing'"):
        run_once(
            "nothing",
            total=1,
            send_buffer=8192,
            chunk_count=None,
            deadline=1.0,
            cores=Cores(None, None),
        )
