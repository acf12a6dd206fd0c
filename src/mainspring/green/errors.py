"""What green threads raise."""

import asyncio

import greenlet

from mainspring.sync.errors import BlockingSwitchOutError

__all__ = ["BlockingSwitchOutError", "GreenletExit"]


class GreenletExit(asyncio.CancelledError, greenlet.GreenletExit):
    """What `kill` raises in a green thread: a cancellation, for asyncio and for greenlet."""
