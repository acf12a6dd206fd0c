"""`mainspring serve`, `call` and `listen`: messaging from a terminal.

What a person asked for goes to standard output, as JSON where it is data; how it goes, to standard
error.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import inspect
import json
import os
import signal
import socket
import sys
from collections.abc import Coroutine, Sequence
from typing import Any

from mainspring.green.run import run
from mainspring.messaging import (
    Client,
    Listener,
    MessagingError,
    RemoteError,
    Server,
    Target,
    get_transport,
)
from mainspring.messaging.notifier import PRIORITIES

__all__ = ["call_main", "listen_main", "serve_main"]

DEFAULT_URL = "memory://"
FAILED = 1
USAGE_ERROR = 2


class Wrong(Exception):
    """What was asked for can't be done; the message says why."""


def serve_main(arguments: Sequence[str]) -> int:
    """Runs `mainspring serve`: serves what a module has, until it is interrupted.

    Args:
        arguments: What followed `serve`.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(
        prog="mainspring serve",
        description="Serves until Ctrl-C or SIGTERM, then finishes what it has in hand.",
    )
    parser.add_argument(
        "object",
        metavar="MODULE:NAME",
        help="a Server, an endpoint, a class of endpoints, or a list of these",
    )
    parser.add_argument("--url", default=DEFAULT_URL, help="where to (%(default)s)")
    parser.add_argument("--topic", help="what to serve on (the module's name)")
    parser.add_argument("--server", help="the server's own name (host and process)")
    parser.add_argument("--exchange", help="the scope of the topic")
    parser.add_argument("--ack", choices=("early", "late"), default="early")
    parser.add_argument("--concurrency", type=int, default=1000, metavar="N")
    parser.add_argument("--typed", action="store_true", help="check type hints")
    parser.add_argument(
        "--drain", type=float, metavar="SECONDS", help="how long the end may take (no bound)"
    )
    return _run("serve", _serve(parser.parse_args(arguments)))


def call_main(arguments: Sequence[str]) -> int:
    """Runs `mainspring call`: makes one call, and prints its result.

    Args:
        arguments: What followed `call`.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(
        prog="mainspring call", description="Calls a method, and prints its result as JSON."
    )
    parser.add_argument("url", metavar="URL")
    parser.add_argument("topic", metavar="TOPIC")
    parser.add_argument("method", metavar="METHOD")
    parser.add_argument(
        "args", nargs="*", metavar="KEY=VALUE", help="the value is JSON; what is none, is text"
    )
    parser.add_argument("--server", help="one server of the topic")
    parser.add_argument("--exchange", help="the scope of the topic")
    parser.add_argument("--namespace")
    parser.add_argument("--version", metavar="M.N")
    parser.add_argument("--timeout", type=float, default=10.0, metavar="SECONDS")
    verb = parser.add_mutually_exclusive_group()
    verb.add_argument("--cast", action="store_true", help="expect no result")
    verb.add_argument("--fanout", action="store_true", help="cast to every server of the topic")
    return _run("call", _call(parser.parse_args(arguments)))


def listen_main(arguments: Sequence[str]) -> int:
    """Runs `mainspring listen`: prints notifications, one a line, until it is interrupted.

    Args:
        arguments: What followed `listen`.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(
        prog="mainspring listen", description="Prints notifications as lines of JSON."
    )
    parser.add_argument("url", metavar="URL")
    parser.add_argument("topics", nargs="*", default=["notifications"], metavar="TOPIC")
    parser.add_argument("--exchange", help="the scope of the topics")
    parser.add_argument(
        "--pool", default=f"mainspring-listen-{os.getpid()}", help="share with others of the pool"
    )
    parser.add_argument("--count", type=int, metavar="N", help="end after so many")
    return _run("listen", _listen(parser.parse_args(arguments)))


def _run(command: str, work: Coroutine[Any, Any, int]) -> int:
    """Runs a command's coroutine; says in one line what went wrong."""
    try:
        return run(work)
    except (MessagingError, Wrong) as exc:
        kind = exc.exc_type if isinstance(exc, RemoteError) else type(exc).__name__
        text = exc.value if isinstance(exc, RemoteError) else exc
        prefix = "" if isinstance(exc, Wrong) else f"{kind}: "
        print(f"mainspring {command}: {prefix}{text}", file=sys.stderr)
        return USAGE_ERROR if isinstance(exc, Wrong) else FAILED


async def _serve(given: argparse.Namespace) -> int:
    found = _load(given.object)
    if isinstance(found, Server):
        server = found
    else:
        endpoints = found if isinstance(found, list | tuple) else [found]
        module = given.object.partition(":")[0]
        server = Server(
            get_transport(given.url),
            Target(
                exchange=given.exchange,
                topic=given.topic or module.rpartition(".")[2],
                server=given.server or f"{socket.gethostname()}.{os.getpid()}",
            ),
            [each() if inspect.isclass(each) else each for each in endpoints],
            ack=given.ack,
            concurrency=given.concurrency,
            typed=given.typed,
        )
    stop = _interrupted()
    await server.start()
    print(f"serving {server.target} on {server.transport.url.transport}://", file=sys.stderr)
    await stop.wait()
    print("draining", file=sys.stderr)
    await server.stop(given.drain)
    await server.transport.close()
    counts = server.statistics()
    print(
        f"{counts.done} done, {counts.failed} failed, {counts.requeued} given back", file=sys.stderr
    )
    return 0


async def _call(given: argparse.Namespace) -> int:
    args = dict(map(_argument, given.args))
    target = Target(
        exchange=given.exchange,
        topic=given.topic,
        namespace=given.namespace,
        version=given.version,
        server=given.server,
    )
    async with Client(given.url, target, timeout=given.timeout) as client:
        if given.fanout:
            await client.fanout(given.method, **args)
        elif given.cast:
            await client.cast(given.method, **args)
        else:
            try:
                result = await client.call(given.method, **args)
            except MessagingError:
                raise
            except Exception as exc:
                print(f"mainspring call: {type(exc).__name__}: {exc}", file=sys.stderr)
                print(getattr(exc, "remote_traceback", ""), end="", file=sys.stderr)
                return FAILED
            print(json.dumps(result, ensure_ascii=False, default=repr))
    return 0


async def _listen(given: argparse.Namespace) -> int:
    stop = _interrupted()
    heard = 0

    class Printer:
        """Prints what it hears, whatever the priority."""

    def printer(priority: str) -> Any:
        async def hear(publisher_id: str, event_type: str, payload: Any, metadata: Any) -> None:
            nonlocal heard
            if stop.is_set():
                return
            line = {
                "priority": priority,
                "publisher_id": publisher_id,
                "event_type": event_type,
                "payload": payload,
                **metadata,
            }
            print(json.dumps(line, ensure_ascii=False, default=repr), flush=True)
            heard += 1
            if heard == given.count:
                stop.set()

        return hear

    endpoint = Printer()
    for priority in PRIORITIES:
        setattr(endpoint, priority, printer(priority))
    targets = [Target(exchange=given.exchange, topic=topic) for topic in given.topics]
    async with Listener(given.url, targets, [endpoint], pool=given.pool):
        print(f"listening to {', '.join(given.topics)}", file=sys.stderr)
        await stop.wait()
    return 0


def _interrupted() -> asyncio.Event:
    """Returns an event that SIGINT and SIGTERM set."""
    event = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, event.set)
    return event


def _load(name: str) -> Any:
    """Returns what `MODULE:NAME` names; the current folder is looked in first, as by python -m."""
    module, colon, attribute = name.partition(":")
    if not colon or not attribute:
        raise Wrong(f"{name!r} must be MODULE:NAME, as shop.service:Orders")
    if "" not in sys.path and os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        found: Any = importlib.import_module(module)
    except ModuleNotFoundError as exc:
        if exc.name is None or not (module + ".").startswith(exc.name + "."):
            raise
        raise Wrong(f"there is no module {exc.name!r} here or among the installed ones") from None
    for part in attribute.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise Wrong(f"{module!r} has no {attribute!r}") from None
    return found


def _argument(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals or not key.isidentifier():
        raise Wrong(f"{text!r} must be KEY=VALUE, as count=3 or name=Ada")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value
