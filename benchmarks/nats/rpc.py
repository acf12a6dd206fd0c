"""What a call over NATS costs: ours, and nats-py's own request and reply, on several loops."""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks import closed_rounds
from benchmarks.closed_rounds import charts, render
from benchmarks.processes import BenchmarkError

__all__ = ["HELP", "add_arguments", "charts", "measure", "render"]

HELP = "RPC over NATS: calls/s, CPU per call, latency of one call at a time"

LOOPS = {
    "nats-py": "mainspring:new_event_loop",
    "nats-py+asyncio": "asyncio:new_event_loop",
    "nats-py+uvloop": "uvloop:new_event_loop",
}
PEERS = ("mainspring", *LOOPS)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    closed_rounds.add_arguments(parser, PEERS)


def command(peer: str, role: str, url: str, size: int) -> list[str]:
    """Returns what starts one side of a peer."""
    arguments = [role, url, str(size)]
    if peer == "mainspring":
        return [sys.executable, "-m", "benchmarks.rabbit.peer_mainspring", *arguments]
    if peer in LOOPS:
        return [sys.executable, "-m", "benchmarks.nats.peer_nats_py", *arguments, LOOPS[peer]]
    raise BenchmarkError(f"{peer!r} is none of {', '.join(PEERS)}.")


@contextmanager
def server_url() -> Iterator[str]:
    """The URL of the server that MAINSPRING_NATS_URL names; else of one for this block."""
    if url := os.environ.get("MAINSPRING_NATS_URL"):
        yield url
        return
    from tests.services.nats import Nats

    with Nats.running() as server:
        yield server.url


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Runs all peers in turn; a NATS of its own unless MAINSPRING_NATS_URL names one."""
    with server_url() as url:
        return closed_rounds.rounds("NATS", command, url, options)
