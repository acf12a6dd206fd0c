"""A caller in a process of its own, to be killed, cut off or measured.

    python -m tests.faults.caller URL TOPIC

It obeys lines of JSON. `{"begin": METHOD, "count": N, "timeout": S, "every": M, "size": B}` makes N
calls with an argument of so many bytes, M of them in each hundredth of a second (all at once
without `every`); it answers when the last was made. `{"end": true}` waits for all calls that were
made, and answers how often each kind of end was seen. Each answer is a line of JSON with the
memory of the process in it; what becomes of the connection is a line too.
"""

import asyncio
import json
import os
import sys
from collections import Counter
from typing import Any

import mainspring
from mainspring.messaging import Client, Target, get_transport
from mainspring.messaging.transport import ConnectionEvent
from tests.faults.memory import resident


def say(**words: Any) -> None:
    """Prints a line."""
    print(json.dumps({"rss": resident(os.getpid()), **words}), flush=True)


async def ends(calls: list[asyncio.Future[Any]]) -> dict[str, int]:
    """Waits for calls; returns how often each kind of end was seen."""
    ended = await asyncio.gather(*calls, return_exceptions=True)
    return dict(
        Counter(type(end).__name__ if isinstance(end, Exception) else "result" for end in ended)
    )


async def main(url: str, topic: str) -> None:
    """Obeys until the input ends."""
    loop = asyncio.get_running_loop()
    transport = get_transport(url)

    def on_event(event: ConnectionEvent, error: BaseException | None) -> None:
        say(event=event.value)

    transport.add_connection_callback(on_event)
    client = Client(transport, Target(topic=topic))
    calls: list[asyncio.Future[Any]] = []
    async with client:
        await transport.connected()
        say(said="ready")
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            order = json.loads(line)
            if "end" in order:
                say(ended=await ends(calls))
                calls.clear()
                continue
            patient = client.prepare(timeout=order["timeout"])
            text = "x" * order.get("size", 1)
            for n in range(order["count"]):
                calls.append(patient.call(order["begin"], n=n, text=text))
                if "every" in order and n % order["every"] == 0:
                    await asyncio.sleep(0.01)  # sleep-ok: the rate of an open loop
            say(said="begun")
    await transport.close()


if __name__ == "__main__":
    mainspring.run(main(*sys.argv[1:]))
