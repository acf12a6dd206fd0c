"""`wsgi.input` reads as a file in memory with the same bytes does, however they come."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainspring.green.wsgi.body import Body

PIECES = st.lists(st.binary(min_size=1, max_size=8), max_size=8)
SIZES = st.one_of(st.none(), st.integers(-1, 12))
CALLS = st.lists(st.tuples(st.sampled_from(["read", "readline", "readlines", "next"]), SIZES))


def do(file, name, size):
    return next(iter(file), b"") if name == "next" else getattr(file, name)(size)


@given(PIECES.map(lambda pieces: [piece.replace(b"\1", b"\n") for piece in pieces]), CALLS)
def test_it_reads_as_a_file_does(pieces, calls):
    flow = iter(pieces)
    body = Body(lambda: next(flow, b""))
    model = io.BytesIO(b"".join(pieces))
    for name, size in calls:
        assert do(body, name, size) == do(model, name, size)
    assert body.read() == model.read()


@given(PIECES, st.lists(st.integers(-1, 12)))
def test_read1_returns_what_has_come(pieces, sizes):
    flow = iter(pieces)
    body = Body(lambda: next(flow, b""))
    read = [body.read1(size) for size in sizes]
    for size, data in zip(sizes, read, strict=True):
        assert size < 0 or len(data) <= size
    assert b"".join(read) + body.read() == b"".join(pieces)


def test_it_is_not_asked_again_after_its_end():
    asked = []

    def end():
        asked.append(True)
        return b""

    body = Body(end)
    assert (body.read(), body.read(1), body.readline(), list(body)) == (b"", b"", b"", [])
    assert len(asked) == 1


def test_what_the_pieces_raise_is_raised():
    def fail():
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        Body(fail).read()
