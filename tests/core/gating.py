"""What the tests of the gate share."""

import asyncio
from collections.abc import Iterator

import mainspring

NEVER = 3600 * 10**9


async def doze():
    """Has the loop sleep in its poll, which is when the gate is open."""
    await asyncio.sleep(0.0001)  # sleep-ok: nobody waits for the time to pass


def loop_without_heirs() -> Iterator[mainspring.Loop]:
    """A loop for a fixture: none of its threads is left when it is closed.

    Other tests depend on whether other threads live, and an idle thread ends late on a busy
    machine.
    """
    loop = mainspring.new_event_loop()
    yield loop
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()
