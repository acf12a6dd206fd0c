"""Mainspring with protocols, and the busy work as one plain function in `run_idle`.

Nothing cuts the function into pieces for the loop's sake: it runs in the idle thread and counts its
chunks only so that they can be compared. The gate stops it in the middle of a chunk when there is
I/O. Invariant: the function has ended when the transfer returns, for the probe's descriptor is
closed after that.
"""

import asyncio

from mainspring.cli.demo import priority_loop, protocols
from mainspring.cli.demo.registry import register
from mainspring.cli.demo.work import BusyWork, Work


class BusyFunction:
    """Runs chunks until it is told to end.

    Args:
        busy: the busy work.
    """

    def __init__(self, busy: BusyWork) -> None:
        self._busy = busy
        self._over = False

    def __call__(self) -> None:
        """Be busy."""
        while not self._over:
            self._busy.chunk()

    def end(self) -> None:
        """Let the chunk that runs be the last."""
        self._over = True


async def transfer(work: Work) -> None:
    """Send, echo and be busy until the transfer is over."""
    sent = await protocols.start(work)
    if work.busy is None:
        await sent
        return
    function = BusyFunction(work.busy)
    ended = priority_loop.running_loop().run_idle(function)
    try:
        await sent
    finally:
        function.end()
        await ended


@register(
    "mainspring-run-idle",
    model="protocols, a plain function in run_idle",
    order=80,
    unavailable=priority_loop.unavailable,
)
def run(work: Work) -> None:
    """Send `work` with protocols beside a busy function; return when it is sent or nobody reads."""
    asyncio.run(transfer(work), loop_factory=priority_loop.new_event_loop)
