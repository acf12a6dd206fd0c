"""asyncio: protocols send and echo, a task does the busy work.

The task does a chunk and lets the others run with `sleep(0)`. That alone would begin
nearly every chunk while the socket is writable: asyncio queues a task's next step before
it polls, ahead of the I/O that is ready. So the program looks at the socket itself, and
skips the chunk while there is room: the best we found, more than twice as fast with a
small buffer. Invariant: the program is the one that runs on uvloop.
"""

import asyncio

from mainspring.cli.demo import protocols
from mainspring.cli.demo.registry import register
from mainspring.cli.demo.work import BusyWork, Work


async def be_busy(busy: BusyWork) -> None:
    """Run chunks until cancelled, those in which the socket has no room."""
    while True:
        await asyncio.sleep(0)
        if not busy.writable():
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
