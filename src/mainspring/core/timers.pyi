# To `isinstance` a timer is an `asyncio.TimerHandle`, and so it is here, though not by inheritance.

import asyncio

from mainspring.core.runnable import Runnable

class TimerHandle(Runnable, asyncio.TimerHandle):
    @property
    def _when(self) -> float: ...
    @property
    def _scheduled(self) -> bool: ...

class IdleHandle(TimerHandle): ...
class TimerHeap: ...
