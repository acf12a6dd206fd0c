"""`connect_read_pipe` and `connect_write_pipe`: transports for pipes, FIFOs, ttys and ptys."""

import asyncio
from collections.abc import Callable
from typing import Any

from mainspring.core.priority import Priority
from mainspring.loop.checks import resolve_priority
from mainspring.loop.part import Part
from mainspring.net.pipes import open_read_pipe, open_write_pipe

__all__ = ["Pipes"]


class Pipes(Part):
    """The pipes of a loop."""

    async def connect_read_pipe[P: asyncio.BaseProtocol](
        self,
        protocol_factory: Callable[[], P],
        pipe: Any,
        *,
        priority: Priority | int | None = None,
    ) -> tuple[asyncio.ReadTransport, P]:
        """Reads a pipe through a protocol; asyncio's `connect_read_pipe`.

        Parameters:
            protocol_factory: makes the protocol.
            pipe: a file object of a pipe, FIFO, socket or character device. It is made
                non-blocking, and is the transport's from now: that closes it.
            priority: the `Priority` of the pipe; by default the one that the current context names.

        Returns:
            The transport and the protocol, once `connection_made` was called.

        Raises:
            ValueError: `pipe` is of another kind, such as a regular file.
        """
        return await self._connect_pipe(open_read_pipe, protocol_factory, pipe, priority)

    async def connect_write_pipe[P: asyncio.BaseProtocol](
        self,
        protocol_factory: Callable[[], P],
        pipe: Any,
        *,
        priority: Priority | int | None = None,
    ) -> tuple[asyncio.WriteTransport, P]:
        """Writes to a pipe; asyncio's `connect_write_pipe`.

        Parameters, result and errors are those of `connect_read_pipe`.
        """
        return await self._connect_pipe(open_write_pipe, protocol_factory, pipe, priority)

    async def _connect_pipe[P: asyncio.BaseProtocol](
        self,
        open_pipe: Callable[..., Any],
        protocol_factory: Callable[[], P],
        pipe: Any,
        priority: Priority | int | None,
    ) -> tuple[Any, P]:
        self._check_closed()
        level = resolve_priority(priority)
        protocol = protocol_factory()
        waiter = self.create_future()
        transport = open_pipe(self, pipe, protocol, waiter, level)
        try:
            await waiter
        except BaseException:
            transport.close()
            raise
        return transport, protocol
