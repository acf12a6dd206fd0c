"""What the primitives raise beyond asyncio's own errors."""

import asyncio

__all__ = ["BlockingSwitchOutError", "QueueShutDown"]


class BlockingSwitchOutError(RuntimeError):
    """Code that is called by the loop itself would have waited, and stopped the loop by that."""


if hasattr(asyncio, "QueueShutDown"):
    QueueShutDown = asyncio.QueueShutDown
else:

    class QueueShutDown(Exception):  # type: ignore[no-redef]  # asyncio's name, from before it had it
        """Who puts into a queue that was shut down, or gets from one that is empty, gets this."""
