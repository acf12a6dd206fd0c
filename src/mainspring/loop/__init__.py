"""The loop: asyncio's `AbstractEventLoop` on the scheduler, one concept a file."""
