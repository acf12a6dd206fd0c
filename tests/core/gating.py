"""What the tests of the gate share."""

import asyncio

NEVER = 3600 * 10**9


async def doze():
    """Has the loop sleep in its poll, which is when the gate is open."""
    await asyncio.sleep(0.0001)  # sleep-ok: nobody waits for the time to pass
