"""Mainspring with protocols: the transports send and echo, busy work by `call_idle`.

Invariant: the protocols are the ones that asyncio and uvloop run; only the loop differs,
and that the busy work is handed to it as idle work.
"""

import asyncio

from mainspring.cli.demo import priority_loop, protocols
from mainspring.cli.demo.registry import register
from mainspring.cli.demo.work import Work


async def transfer(work: Work) -> None:
    """Send, echo and be busy until the transfer is over."""
    sent = await protocols.start(work)
    if work.busy is None:
        await sent
        return
    idle = priority_loop.IdleChunks(priority_loop.running_loop(), work.busy)
    await sent
    idle.stop()


@register(
    "mainspring-protocol",
    model="protocols, call_idle",
    order=60,
    unavailable=priority_loop.unavailable,
)
def run(work: Work) -> None:
    """Send `work` with protocols; return when it is sent or the receiver left."""
    asyncio.run(transfer(work), loop_factory=priority_loop.new_event_loop)
