"""`BlockingWatch`: names the call that blocks the loop, while it does.

In debug mode a thread looks every now and then at what the loop runs. What has run for longer than
`slow_callback_duration` is reported with the line that it is at, once: a blocking call that never
returns would otherwise never be named, and of one that does return only the callback is known.
"""

import asyncio
import sys
import threading
import time
import traceback
import weakref
from asyncio.base_events import _format_handle  # type: ignore[attr-defined]
from asyncio.log import logger
from types import FrameType
from typing import Any

__all__ = ["BlockingWatch"]

# Not more often, however short a callback is allowed to be: seconds.
_SHORTEST = 0.01
# So many callers of the blocking call are shown.
_CALLERS = 10


class BlockingWatch:
    """Watches one loop in one thread, until it is ended.

    Parameters:
        loop: the loop, which runs in the current thread.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop_thread = threading.get_ident()
        self._loop = weakref.ref(loop)
        self._running: tuple[Any, float] | None = None
        self._is_over = threading.Event()
        self._thread = threading.Thread(
            target=self._watch, name="mainspring-blocking-watch", daemon=True
        )
        self._thread.start()

    def is_here(self) -> bool:
        """Returns True if the loop's thread, as far as this knows, is the current one."""
        return self._loop_thread == threading.get_ident()

    def begin(self, handle: Any, began: float) -> None:
        """Notes what the loop runs from now on, and since when on the monotonic clock."""
        self._running = handle, began

    def finish(self) -> None:
        """Notes that this is over."""
        self._running = None

    def end(self) -> None:
        """Ends the watching; returns when its thread has."""
        self._is_over.set()
        self._thread.join()

    def _watch(self) -> None:
        reported: object = None
        while not self._is_over.wait(self._interval()):
            running = self._running
            if running is None or running is reported:
                continue
            duration = time.monotonic() - running[1]
            frame = sys._current_frames().get(self._loop_thread)
            # Looked at again: it may have ended meanwhile, and the frame be another's.
            if duration >= self._interval() and frame is not None and self._running is running:
                reported = running
                self._report(running[0], duration, frame)
            del running, frame

    def _interval(self) -> float:
        loop = self._loop()
        duration = getattr(loop, "slow_callback_duration", 0.1)
        return max(duration, _SHORTEST)

    def _report(self, handle: Any, duration: float, frame: FrameType) -> None:
        stack = traceback.extract_stack(frame, limit=_CALLERS)
        call = stack[-1]
        logger.warning(
            "Executing %s has blocked the loop for %.3f seconds, and is at %s:%s in %s: %s\n%s",
            _format_handle(handle),
            duration,
            call.filename,
            call.lineno,
            call.name,
            call.line,
            "".join(traceback.format_list(stack)).rstrip(),
        )
