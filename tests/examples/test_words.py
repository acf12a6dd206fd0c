"""The tables of the porting guides: the new words do what the old ones did, or what is said."""

import importlib.util

import pytest

from tests.examples.words import DIFFERENT, EVENTLET, GEVENT
from tests.loop.helpers import run_program

COMMON = """
import asyncio, contextvars, os, signal, threading
said = []
variable = contextvars.ContextVar("variable")
def say(*words):
    if not words: return said[:]
    said.append(" ".join(map(str, words)))
def count_to(end):
    for number in range(end):
        say(number)
        yield number
"""
OLD = {
    "eventlet": """
import eventlet; eventlet.monkey_patch()
import eventlet.hubs, eventlet.queue, greenlet, socket
from eventlet import Semaphore
from socket import socketpair
"""
    + COMMON,
    "gevent": """
from gevent import monkey; monkey.patch_all()
import gevent, gevent.event, gevent.local, gevent.lock, gevent.pool, gevent.queue, gevent.server
import socket
from socket import socketpair
"""
    + COMMON,
}
NEW = (
    """
import mainspring.patch; mainspring.patch.all()
import greenlet, select, socket
from socket import socketpair
from mainspring import await_, patch, sync
from mainspring.green import (
    Group, Pool, Timeout, joinall, killall, local, sleep, spawn, spawn_later, wait, with_timeout
)
from mainspring.green.queue import Empty, Queue
from mainspring.green.server import StreamServer, listen
"""
    + COMMON
)
WORDS = {"eventlet": EVENTLET, "gevent": GEVENT}


def run_all(head, bodies, start):
    """Runs all bodies in one process; returns what each returned, as text."""
    program = head
    for number, body in enumerate(bodies):
        lines = "\n    ".join(body.strip().splitlines())
        program += f"def f{number}():\n    said.clear()\n    {lines}\n"
    program += f"def main():\n    for f in ({''.join(f'f{n}, ' for n in range(len(bodies)))}):\n"
    program += "        try: print(f())\n"
    program += "        except Exception as exc: print(repr(exc))\n"
    code, output, errors = run_program(program + start, options=("-W", "ignore"))
    assert (code, errors) == (0, "")
    return output.splitlines()


@pytest.fixture(params=WORDS)
def library(request):
    if importlib.util.find_spec(request.param) is None:
        pytest.skip(f"needs {request.param}, which isn't installed")
    return request.param


def test_the_new_words_do_what_the_old_ones_did(library):
    names = list(WORDS[library])
    old, new = zip(*WORDS[library].values(), strict=True)
    before = run_all(OLD[library], old, "main()\n")
    after = run_all(NEW, new, "mainspring.run(main)\n")
    assert dict(zip(names, after, strict=True)) == dict(zip(names, before, strict=True))
    assert not [line for line in after if "Error" in line and "ValueError" not in line]


def test_what_differs_differs_as_the_guide_says(library):
    names = list(DIFFERENT[library])
    old, new, _, _ = zip(*DIFFERENT[library].values(), strict=True)
    before = run_all(OLD[library], old, "main()\n")
    after = run_all(NEW, new, "mainspring.run(main)\n")
    found = dict(zip(names, zip(before, after, strict=True), strict=True))
    assert found == {name: (row[2], row[3]) for name, row in DIFFERENT[library].items()}
