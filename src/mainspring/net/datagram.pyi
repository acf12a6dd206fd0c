# To `isinstance` the transport is asyncio's, and so it is here.

import asyncio
import socket
from typing import Any

from mainspring.core.priority import Priority
from mainspring.core.watching import WatchScheduler

class DatagramTransport(asyncio.Transport, asyncio.DatagramTransport):
    def set_priority(self, priority: Priority | int) -> None: ...
    def get_priority(self) -> Priority: ...

def open_datagram(
    loop: WatchScheduler,
    sock: socket.socket,
    protocol: asyncio.BaseProtocol,
    address: Any,
    waiter: asyncio.Future[None] | None,
    level: int,
) -> DatagramTransport: ...
