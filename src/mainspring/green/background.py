"""The background loop of the process: it serves threads that have no loop and wait all the same.

It runs in a daemon thread of its own, from its first use to the end of the interpreter; a child
process after a fork begins with none.
"""

import asyncio
import atexit
import os
import threading

from mainspring.loop.loop import Loop, new_event_loop

__all__ = ["background_loop", "end_background_loop"]

_lock = threading.Lock()
_loop: Loop | None = None
_thread: threading.Thread | None = None


def background_loop() -> Loop:
    """Returns the background loop, which runs."""
    global _loop, _thread
    with _lock:
        if _loop is None or _loop.is_closed():
            loop = new_event_loop()
            is_running = threading.Event()
            loop.call_soon(is_running.set)
            thread = threading.Thread(
                target=_serve, args=(loop,), name="mainspring-background", daemon=True
            )
            thread.start()
            is_running.wait()
            _loop, _thread = loop, thread
        return _loop


def _serve(loop: Loop) -> None:
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        # Stopped, not ended: what is left of tasks is cancelled by the runner.
        runner.get_loop().run_forever()


def end_background_loop() -> None:
    """Ends the background loop, and what is left of its tasks; the next use begins another."""
    with _lock:
        loop, thread = _loop, _thread
    if loop is None or thread is None or loop.is_closed():
        return
    loop.call_soon_threadsafe(loop.stop)
    thread.join()


def _forget() -> None:
    global _lock, _loop, _thread
    _lock = threading.Lock()
    _loop = _thread = None


atexit.register(end_background_loop)
os.register_at_fork(after_in_child=_forget)
