"""`strand`: what runs in a greenlet of the pool.

An ordinary function, because greenlet takes a suspended greenlet without a Python frame for one
that runs; and with this frame at its bottom the interpreter keeps the greenlet's piece of memory
for frames, where it would map and unmap 16 KiB for each call.
"""

from collections.abc import Callable

__all__ = ["make_strand"]


def make_strand(run_call: Callable[[], bool]) -> Callable[[], None]:
    """Returns the function.

    Parameters:
        run_call: runs one call, and returns True when another has come.
    """

    def strand() -> None:
        while run_call():
            pass

    return strand
