"""gevent on this loop: `GEVENT_LOOP=mainspring.compat.gevent.Loop`, and the program as it is.

Coroutines run beside its greenlets, in the same thread; each may wait for the other.
"""

from mainspring.compat.gevent.awaiting import as_future, get_event_loop, wait_for_awaitable
from mainspring.compat.gevent.loop import Loop

__all__ = ["Loop", "as_future", "get_event_loop", "wait_for_awaitable"]
