"""The stdlib's `threading`, context-sensitive: in a green thread only that green thread waits.

Names, signatures and errors are the stdlib's, and so is all that is the same on green threads:
semaphores, events, barriers and timers are its classes with our locks and conditions. The same
object serves green threads, OS threads and (the locks, with `async with`) coroutines.
"""

from threading import (
    TIMEOUT_MAX,
    BrokenBarrierError,
    ExceptHookArgs,
    ThreadError,
    excepthook,
    get_native_id,
    getprofile,
    gettrace,
    main_thread,
    setprofile,
    setprofile_all_threads,
    settrace,
    settrace_all_threads,
    stack_size,
)

from mainspring.green.conditions import Barrier, BoundedSemaphore, Condition, Event, Semaphore
from mainspring.green.local import local
from mainspring.green.locks import ThreadLock as Lock
from mainspring.green.locks import ThreadRLock as RLock
from mainspring.green.threads import (
    Thread,
    Timer,
    active_count,
    current_thread,
    enumerate,
    get_ident,
)

__all__ = [
    "TIMEOUT_MAX",
    "Barrier",
    "BoundedSemaphore",
    "BrokenBarrierError",
    "Condition",
    "Event",
    "ExceptHookArgs",
    "Lock",
    "RLock",
    "Semaphore",
    "Thread",
    "ThreadError",
    "Timer",
    "active_count",
    "current_thread",
    "enumerate",
    "excepthook",
    "get_ident",
    "get_native_id",
    "getprofile",
    "gettrace",
    "local",
    "main_thread",
    "setprofile",
    "setprofile_all_threads",
    "settrace",
    "settrace_all_threads",
    "stack_size",
]
