"""Debug mode: each callback is timed; one that holds the loop up is named, and so is its line."""

import _thread
import time
import types
from asyncio.base_events import _format_handle  # type: ignore[attr-defined]
from asyncio.log import logger
from typing import Any

from mainspring.loop.blocking import BlockingWatch
from mainspring.loop.part import Part


class Debug(Part):
    """What the scheduler calls for each runnable while debug mode is on."""

    slow_callback_duration: float
    _blocking_watch: BlockingWatch | None

    def _run_in_debug(self, handle: Any) -> None:
        watch = self._blocking_watch or self._begin_blocking_watch()
        began = time.monotonic()
        if watch is not None:
            watch.begin(handle, began)
        self._current_handle = handle
        try:
            handle._run()
            duration = time.monotonic() - began
            if duration >= self.slow_callback_duration:
                logger.warning("Executing %s took %.3f seconds", _format_handle(handle), duration)
        finally:
            if watch is not None:
                watch.finish()
            self._current_handle = None
            # A traceback that somebody keeps holds this frame, which must not hold the handle.
            del handle

    def _begin_blocking_watch(self) -> BlockingWatch | None:
        """Returns the watch of the loop, which runs in this thread, or is about to.

        None where gevent or eventlet have patched the threads: what would watch is what is watched.
        """
        if not isinstance(_thread.start_new_thread, types.BuiltinFunctionType):
            return None
        if self._blocking_watch is None or not self._blocking_watch.is_here():
            self._end_blocking_watch()
            self._blocking_watch = BlockingWatch(self)
        return self._blocking_watch

    def _end_blocking_watch(self) -> None:
        watch, self._blocking_watch = self._blocking_watch, None
        if watch is not None:
            watch.end()
