# To `isinstance` a transport is an `asyncio.Transport`, and so it is here; that it is a runnable,
# too, is the loop's affair.

import asyncio
import socket
from typing import Any

from mainspring.core.priority import Priority
from mainspring.core.watching import WatchScheduler

class StreamTransport(asyncio.Transport):
    def set_priority(self, priority: Priority | int) -> None: ...
    def get_priority(self) -> Priority: ...

    # For `loop.sendfile`.
    def _send_file(
        self, file: int, offset: int, count: int | None, size: int, future: asyncio.Future[None]
    ) -> Any: ...
    def _stop_file(self, sending: Any) -> None: ...

def open_stream(
    loop: WatchScheduler,
    sock: socket.socket,
    protocol: asyncio.BaseProtocol,
    waiter: asyncio.Future[None] | None,
    level: int,
    server: object = None,
) -> StreamTransport: ...
def transports_of(loop: WatchScheduler, server: object) -> list[StreamTransport]: ...
