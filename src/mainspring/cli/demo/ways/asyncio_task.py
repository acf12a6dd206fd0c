"""asyncio: protocols send and echo, a task does the busy work.

The task does a chunk and lets the others run with `sleep(0)`. asyncio queues a task's next
step before it polls, so after a single `sleep(0)` the chunk runs ahead of the I/O that is
ready with it; after a second one that I/O has been served. That is the best we found within
the loop's own means. A program can do better by polling the socket itself before each
chunk, on every loop here, so no way that has a loop does: the loops are what is compared.
Invariant: the program is the one that runs on uvloop.
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
