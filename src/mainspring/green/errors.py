"""What green threads raise."""

import asyncio

import greenlet

__all__ = ["BlockingSwitchOutError", "GreenletExit"]


class GreenletExit(asyncio.CancelledError, greenlet.GreenletExit):
    """What `kill` raises in a green thread: a cancellation, for asyncio and for greenlet."""


class BlockingSwitchOutError(RuntimeError):
    """Code that is called by the loop itself would have waited, and stopped the loop by that."""
