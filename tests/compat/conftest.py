"""Eventlet programs, each in a process of its own: a hub belongs to its thread for good.

What eventlet's own hubs do too is run on its epoll hub as the control.
"""

import importlib.util
from collections.abc import Callable

import pytest

from tests.loop.helpers import run_program

HUBS = {"epolls": "epolls", "mainspring": "mainspring.compat.eventlet:Hub"}
# What isn't closed is to show; that eventlet is deprecated is known.
OPTIONS = ("-W", "ignore", "-W", "always::ResourceWarning")

HEAD = """
import asyncio, errno, os, signal, socket, sys, threading
import eventlet, eventlet.debug, eventlet.hubs
from eventlet import greenthread, patcher
from eventlet.asyncio import spawn_for_awaitable

def say(*words):
    print(*words, flush=True)

def current_hub():
    return eventlet.hubs.get_hub()

"""

type Run = Callable[..., list[str]]


def run_on(hub: str, program: str, *, code: int = 0, errors: str = "") -> list[str]:
    """Runs a program on a hub.

    Args:
        hub: as eventlet takes it.
        program: what follows `HEAD`.
        code: the exit code that it must have.
        errors: what its standard error must have in it; nothing at all by default.

    Returns:
        The lines that it printed.
    """
    done, output, stderr = run_program(HEAD + program, options=OPTIONS, EVENTLET_HUB=hub)
    assert done == code, stderr
    assert (errors in stderr) if errors else stderr == ""
    return output.splitlines()


@pytest.fixture(autouse=True)
def eventlet_is_there() -> None:
    """Leaves these tests out where eventlet isn't installed."""
    if importlib.util.find_spec("eventlet") is None:
        pytest.skip("needs eventlet")


@pytest.fixture(params=HUBS)
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a program on one of eventlet's hubs, or on ours."""
    return lambda program, **wanted: run_on(HUBS[request.param], program, **wanted)


@pytest.fixture
def run_ours() -> Run:
    """Runs a program on our hub."""
    return lambda program, **wanted: run_on(HUBS["mainspring"], program, **wanted)
