"""Debug mode: each callback is timed, and one that holds the loop up is named."""

import time
from asyncio.base_events import _format_handle  # type: ignore[attr-defined]
from asyncio.log import logger
from typing import Any

from mainspring.loop.part import Part


class Debug(Part):
    """What the scheduler calls for each runnable while debug mode is on."""

    slow_callback_duration: float

    def _run_in_debug(self, handle: Any) -> None:
        began = time.monotonic()
        self._current_handle = handle
        try:
            handle._run()
            duration = time.monotonic() - began
            if duration >= self.slow_callback_duration:
                logger.warning("Executing %s took %.3f seconds", _format_handle(handle), duration)
        finally:
            self._current_handle = None
            # A traceback that somebody keeps holds this frame, which must not hold the handle.
            del handle
