# To `isinstance` the transports are asyncio's, and so they are here.

import asyncio
from typing import Any

from mainspring.core.priority import Priority
from mainspring.core.watching import WatchScheduler

class ReadPipeTransport(asyncio.ReadTransport):
    _pipe: Any
    def set_priority(self, priority: Priority | int) -> None: ...
    def get_priority(self) -> Priority: ...

class WritePipeTransport(asyncio.Transport):
    _pipe: Any
    def set_priority(self, priority: Priority | int) -> None: ...
    def get_priority(self) -> Priority: ...

def open_read_pipe(
    loop: WatchScheduler,
    pipe: Any,
    protocol: asyncio.BaseProtocol,
    waiter: asyncio.Future[None] | None,
    level: int,
) -> ReadPipeTransport: ...
def open_write_pipe(
    loop: WatchScheduler,
    pipe: Any,
    protocol: asyncio.BaseProtocol,
    waiter: asyncio.Future[None] | None,
    level: int,
) -> WritePipeTransport: ...
