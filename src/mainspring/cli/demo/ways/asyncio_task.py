"""asyncio: protocols send and echo, a task does the busy work.

The task does a chunk and lets the others run with `sleep(0)`. asyncio queues a task's
next step before it polls, so a single `sleep(0)` runs the chunk ahead of the I/O that
was ready with it; with a second one the I/O of the last poll is served before the next
chunk. That is the best we found for it, and it needs no private knowledge beyond the
order of asyncio's queue. Invariant: the program is the one that runs on uvloop.
"""

import asyncio

from mainspring.cli.demo import protocols
from mainspring.cli.demo.registry import register
from mainspring.cli.demo.work import BusyWork, Work


async def be_busy(busy: BusyWork) -> None:
    """Run chunks until cancelled, letting everything else run in between."""
    while True:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        busy.chunk()


async def transfer(work: Work) -> None:
    """Send, echo and be busy until the transfer is over."""
    sent = await protocols.start(work)
    if work.busy is None:
        await sent
        return
    task = asyncio.create_task(be_busy(work.busy))
    await sent
    task.cancel()


@register("asyncio", model="protocols, busy work in a task", order=30)
def run(work: Work) -> None:
    """Send `work` on asyncio's own loop; return when it is sent or the receiver left."""
    asyncio.run(transfer(work), loop_factory=asyncio.SelectorEventLoop)
