"""The AMQP layer alone: what one message costs who publishes it, with a confirm, and consumes it.

This is why the connection is our own: the same message, published to a queue and
consumed from it by one process, on ours, on aiormq and on aio-pika, with the same settings.
"""

import argparse
import asyncio
import importlib
import sys
import time
from typing import Any

from benchmarks.figures import spread
from benchmarks.processes import BenchmarkError, LineProcess
from benchmarks.rabbit.broker import broker_url
from benchmarks.svg import Chart

HELP = "AMQP: CPU per message published, confirmed and consumed"

LIBRARIES = ("mainspring", "aiormq", "aio-pika")
LOOPS = {"mainspring": "mainspring:new_event_loop", "uvloop": "uvloop:new_event_loop"}
PATIENCE = 300.0
QUEUE = "benchmark-amqp"
WINDOW = 64
BODY = b"x" * 300


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default: 5)")
    parser.add_argument("--messages", type=int, default=5_000, help="messages in a round")
    parser.add_argument("--json", action="store_true", help="print the values of all rounds")


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Runs every library on two loops in turn."""
    with broker_url() as url:
        return rounds(url, options)


def rounds(url: str, options: argparse.Namespace) -> dict[str, Any]:
    """Returns the CPU time of each library, loop and round, in microseconds a message."""
    found: dict[str, list[float]] = {}
    for _ in range(options.rounds):
        for library in LIBRARIES:
            for loop, factory in LOOPS.items():
                command = [sys.executable, "-m", "benchmarks.rabbit.messages"]
                arguments = [library, factory, url, str(options.messages)]
                with LineProcess([*command, *arguments], name=f"{library} on {loop}") as child:
                    figure = child.read(PATIENCE)["cpu_us"]
                found.setdefault(f"{library} on {loop}", []).append(figure)
    return {"messages": options.messages, "cpu_us": found}


def render(result: dict[str, Any]) -> str:
    """Returns the table."""
    lines = ["| AMQP library and loop | CPU us/message |", "| --- | --- |"]
    lines += [f"| {name} | {spread(values)} |" for name, values in result["cpu_us"].items()]
    return "\n".join(lines)


def charts(result: dict[str, Any]) -> list[Chart]:
    """Returns no plots."""
    return []


async def through_mainspring(url: str, count: int) -> float:
    """Measures our connection."""
    from mainspring.messaging.rabbit.login import Login
    from mainspring.messaging.rabbit.methods import (
        ack_frame,
        commands,
        content_frames,
        publish_frame,
    )
    from mainspring.messaging.rabbit.opening import open_connection

    host, _, port = url.rpartition("@")[2].strip("/").partition(":")
    loop = asyncio.get_running_loop()
    connection = await open_connection(loop, host, int(port), Login("guest", "guest"))
    channel = await connection.channel()
    await channel.call(commands.Confirm.Select(), commands.Confirm.SelectOk)
    await channel.call(
        commands.Queue.Declare(0, QUEUE, auto_delete=True, arguments={}), commands.Queue.DeclareOk
    )
    room = asyncio.Semaphore(WINDOW)
    done = asyncio.Event()
    confirmed = consumed = 0

    def on_confirm(tag: int, multiple: bool, taken: bool) -> None:
        nonlocal confirmed
        for _ in range(tag - confirmed if multiple else 1):
            confirmed += 1
            room.release()

    def on_content(content: Any) -> None:
        nonlocal consumed
        consumed += 1
        connection.write(ack_frame(channel.number, content.delivery_tag))
        if consumed == count:
            done.set()

    channel.on_confirm, channel.on_content = on_confirm, on_content
    consume = commands.Basic.Consume(0, QUEUE, "1", arguments={})
    await channel.call(consume, commands.Basic.ConsumeOk)
    start = time.process_time()
    for _ in range(count):
        await room.acquire()
        connection.write(publish_frame(channel.number, "", QUEUE, False))
        connection.write_all(content_frames(channel.number, BODY, connection.tuning.frame_max))
    await done.wait()
    used = time.process_time() - start
    await connection.close()
    return used


async def through_aiormq(url: str, count: int) -> float:
    """Measures aiormq."""
    import aiormq

    connection = await aiormq.connect(url.replace("rabbit://", "amqp://"))
    channel = await connection.channel(publisher_confirms=True)
    await channel.queue_declare(QUEUE, auto_delete=True)
    done = asyncio.Event()
    consumed = 0

    async def on_message(message: Any) -> None:
        nonlocal consumed
        consumed += 1
        await channel.basic_ack(message.delivery.delivery_tag)
        if consumed == count:
            done.set()

    await channel.basic_consume(QUEUE, on_message)
    properties = aiormq.spec.Basic.Properties(content_type="application/json", delivery_mode=2)

    async def publish() -> None:
        for _ in range(count // WINDOW):
            await channel.basic_publish(BODY, routing_key=QUEUE, properties=properties)

    count = count // WINDOW * WINDOW
    start = time.process_time()
    await asyncio.gather(*[publish() for _ in range(WINDOW)])
    await done.wait()
    used = time.process_time() - start
    await connection.close()
    return used


async def through_aio_pika(url: str, count: int) -> float:
    """Measures aio-pika."""
    import aio_pika

    connection = await aio_pika.connect(url.replace("rabbit://", "amqp://"))
    channel = await connection.channel(publisher_confirms=True)
    queue = await channel.declare_queue(QUEUE, auto_delete=True)
    done = asyncio.Event()
    consumed = 0

    async def on_message(message: Any) -> None:
        nonlocal consumed
        consumed += 1
        await message.ack()
        if consumed == count:
            done.set()

    await queue.consume(on_message)

    async def publish() -> None:
        for _ in range(count // WINDOW):
            message = aio_pika.Message(BODY, content_type="application/json", delivery_mode=2)
            await channel.default_exchange.publish(message, QUEUE)

    count = count // WINDOW * WINDOW
    start = time.process_time()
    await asyncio.gather(*[publish() for _ in range(WINDOW)])
    await done.wait()
    used = time.process_time() - start
    await connection.close()
    return used


THROUGH = {
    "mainspring": through_mainspring,
    "aiormq": through_aiormq,
    "aio-pika": through_aio_pika,
}


def main(library: str, factory: str, url: str, messages: str) -> None:
    """Measures one library and says what a message has cost."""
    from benchmarks.rabbit.closed_loop import say

    module, _, name = factory.partition(":")
    count = int(messages)
    if library not in THROUGH:
        raise BenchmarkError(f"{library!r} is none of {', '.join(LIBRARIES)}.")
    make = getattr(importlib.import_module(module), name)
    with asyncio.Runner(loop_factory=make) as runner:
        used = runner.run(THROUGH[library](url, count))
    say(cpu_us=used / count * 1e6)


if __name__ == "__main__":
    main(*sys.argv[1:])
