"""What a call over RabbitMQ costs: ours, oslo.messaging's and aio-pika's, on one broker."""

import argparse
import importlib.util
import sys
from pathlib import Path
from typing import Any

from benchmarks import closed_rounds
from benchmarks.closed_rounds import charts, render
from benchmarks.processes import BenchmarkError
from benchmarks.rabbit.broker import broker_url

__all__ = ["HELP", "add_arguments", "charts", "measure", "render"]

HELP = "RPC over RabbitMQ: calls/s, CPU per call, latency of one call at a time"

HERE = Path(__file__).parent
PEERS = ("mainspring", "oslo.messaging", "aio-pika", "aio-pika+uvloop")
# Calls a round, at so many in flight. Slow peers get fewer of them.
SHARES = {"mainspring": 1.0, "oslo.messaging": 0.2, "aio-pika": 0.5, "aio-pika+uvloop": 0.5}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    closed_rounds.add_arguments(parser, PEERS)


def command(peer: str, role: str, url: str, size: int) -> list[str]:
    """Returns what starts one side of a peer."""
    if peer == "mainspring":
        return [sys.executable, "-m", "benchmarks.rabbit.peer_mainspring", role, url, str(size)]
    if peer == "oslo.messaging":
        from tests.services.oslo import python_of

        return [str(python_of("current")), str(HERE / "peer_oslo.py"), role, url, str(size)]
    if peer in ("aio-pika", "aio-pika+uvloop"):
        if importlib.util.find_spec("aio_pika") is None:
            raise BenchmarkError(
                "`rpc-rabbit` needs aio-pika, which isn't installed (pip install aio-pika)."
            )
        loop = "uvloop:new_event_loop" if "uvloop" in peer else "asyncio:new_event_loop"
        module = "benchmarks.rabbit.peer_aio_pika"
        return [sys.executable, "-m", module, role, url, str(size), loop]
    raise BenchmarkError(f"{peer!r} is none of {', '.join(PEERS)}.")


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Runs all peers in turn; a RabbitMQ of its own unless MAINSPRING_RABBITMQ_URL names one."""
    with broker_url() as url:
        return closed_rounds.rounds("RabbitMQ", command, url, options, SHARES)
