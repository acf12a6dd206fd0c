"""uvloop: asyncio's program, protocols and a busy task, on libuv.

Invariant: nothing differs from the asyncio way but the loop.
"""

import asyncio
from importlib import import_module

from mainspring.cli.demo.registry import needs, register
from mainspring.cli.demo.ways.asyncio_task import transfer
from mainspring.cli.demo.work import Work


@register(
    "uvloop",
    model="protocols, busy work in a task",
    order=40,
    unavailable=needs("uvloop", "new_event_loop"),
)
def run(work: Work) -> None:
    """Send `work` on uvloop; return when it is sent or the receiver left."""
    asyncio.run(transfer(work), loop_factory=import_module("uvloop").new_event_loop)
