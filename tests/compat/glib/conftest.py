"""A context of GLib's, and loops that it is a source of; left out where GLib isn't installed."""

import ctypes
from collections.abc import Iterator

import pytest

try:
    ctypes.CDLL("libglib-2.0.so.0")
except OSError:
    pytest.skip("needs libglib-2.0.so.0", allow_module_level=True)

import mainspring
from mainspring.compat.glib import attach
from mainspring.compat.glib.library import default_context
from tests.compat.glib.sources import Context
from tests.core.fakes import Bench
from tests.net.support import open_files


@pytest.fixture(autouse=True)
def nothing_stays_open(nothing_hangs: None) -> Iterator[None]:
    """Compares the open fds before and after."""
    # GLib makes it when it is first asked for, and keeps it with its fd until the process ends.
    default_context()
    before = open_files().items()
    yield
    assert open_files().items() - before == set()


@pytest.fixture
def context() -> Iterator[Context]:
    """A context of the test's own, attached to nothing."""
    made = Context()
    yield made
    made.close()


@pytest.fixture
def bench(context: Context) -> Iterator[Bench]:
    """A loop on a clock and a poller that stand still, with the context as a source."""
    with Bench() as made, attach(made.loop, context.address):
        yield made


@pytest.fixture
def loop(context: Context) -> Iterator[mainspring.Loop]:
    """A loop with the context as a source."""
    made = mainspring.new_event_loop()
    attach(made, context.address)
    yield made
    made.close()
