"""The loop: asyncio's `AbstractEventLoop` on the scheduler, one concept a file."""

# Before anything compiled of this folder: subinterpreters are refused there.
import mainspring.core  # noqa: F401
