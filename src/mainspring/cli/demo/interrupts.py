"""Ctrl-C, held back for the moments in which it would lose a process.

Python raises KeyboardInterrupt between any two steps, also after a process was started
and before anyone has noted it. Invariant: an interrupt that comes in a deferred block is
raised at the block's end, never lost and never inside.
"""

import contextlib
import signal
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def deferred_interrupts() -> Iterator[None]:
    """Hold KeyboardInterrupt back until the block has ended.

    Outside the main thread, which alone gets interrupts, this does nothing.

    Raises:
        KeyboardInterrupt: after the block, if Ctrl-C was pressed inside and the program
            had left Python's own handling of it in place.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pressed = []
    before = signal.signal(signal.SIGINT, lambda number, frame: pressed.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if pressed:
            # Again, now that whoever handles it can see all that was done.
            signal.raise_signal(signal.SIGINT)
