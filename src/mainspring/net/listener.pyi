import asyncio
import socket
from collections.abc import Callable
from typing import NoReturn

from mainspring.core.runnable import Runnable
from mainspring.core.watching import WatchScheduler
from mainspring.net.tls import SSLOptions

RETRY_DELAY: float

class Listener(Runnable):
    def __init__(
        self,
        loop: WatchScheduler,
        sock: socket.socket,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
        server: object,
        backlog: int,
        level: int,
        options: SSLOptions | None = None,
    ) -> None: ...
    def start(self) -> None: ...
    def set_level(self, level: int) -> None: ...
    def pause(self) -> None: ...
    def close(self) -> None: ...
    def cancel(self) -> NoReturn: ...
