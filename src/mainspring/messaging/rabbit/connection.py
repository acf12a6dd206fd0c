"""`Connection`: one AMQP connection, from the greeting to the end.

What is written is gathered and sent once per iteration of the loop. The transport below is told to
keep nothing (its high-water mark is 0), so that there are only two states: everything given to
it is with the system, or it is paused with something half sent. Under `_sending`, in the first
state, another thread may send a heartbeat in between; a piece of that which the system didn't
take goes before all else.
"""

import asyncio
import os
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, cast

from mainspring.messaging.errors import ConnectionLost, MessagingError
from mainspring.messaging.rabbit.channel import Channel
from mainspring.messaging.rabbit.errors import ConnectionClosed
from mainspring.messaging.rabbit.frames import Content, FrameError, FrameReader
from mainspring.messaging.rabbit.heartbeats import thread
from mainspring.messaging.rabbit.login import Login, Tuning, log_in
from mainspring.messaging.rabbit.methods import (
    HEARTBEAT,
    PROTOCOL_HEADER,
    Method,
    commands,
    decode_method,
    encode_method,
)
from mainspring.messaging.rabbit.security import Security

__all__ = ["Connection"]

# The longest frame before another is agreed on.
_FIRST_FRAME_MAX = 1 << 20


def _ignore(*_: object) -> None:
    pass


class Connection(asyncio.Protocol):
    """One connection; made by `opening.open_connection`.

    Parameters:
        loop: the loop.
        where: host and port, for errors.
        security: TLS, or None.

    Attributes:
        tuning: what was agreed on with the broker.
        error: why it is closed; None while it isn't.
        writable: False while what is written can't be sent, or the broker wants nothing.
        blocked: why the broker wants nothing to be published; None while it does.
        on_lost: is called once with the error when the connection has gone.
        on_blocked: is called with the reason when the broker wants nothing, and with None after.
        on_writable: is called when `writable` has become True.
        interval, loop_was_alive, last_sent: for the thread that sends heartbeats.
    """

    on_lost: Callable[[BaseException], None]

    def __init__(
        self, loop: asyncio.AbstractEventLoop, where: str, security: Security | None = None
    ) -> None:
        self.loop = loop
        self.where = where
        self.tuning = Tuning(2047, 131072, 0, "")
        self.error: BaseException | None = None
        self.writable = True
        self.blocked: str | None = None
        self.on_lost = _ignore
        self.on_blocked: Callable[[str | None], None] = _ignore
        self.on_writable: Callable[[], None] = _ignore
        self.interval = 0.0
        self.loop_was_alive = self.last_sent = self.last_received = time.monotonic()
        self.gone: asyncio.Future[None] = loop.create_future()
        self._transport: asyncio.Transport | None = None
        self._socket: Any = None
        self._security = security
        self._paused = False
        self._out: list[bytes] = []
        self._flush_is_due = False
        self._carry = b""
        self._sending = threading.Lock()
        self._reader = FrameReader(self, _FIRST_FRAME_MAX)
        self.control = Channel(self, 0)
        self._channels: dict[int, Channel] = {0: self.control}
        self._beat: asyncio.TimerHandle | None = None

    # -- channels

    async def channel(self) -> Channel:
        """Opens a channel.

        Raises:
            MessagingError: there are as many as the broker allows.
            ConnectionLost: the connection broke.
        """
        if self.error is not None:
            raise self.error
        number = next(
            (n for n in range(1, self.tuning.channel_max + 1) if n not in self._channels), None
        )
        if number is None:
            raise MessagingError(
                f"all {self.tuning.channel_max} channels of the connection to {self.where} are in "
                f"use; stop some servers or listeners, or use a second transport"
            )
        channel = self._channels[number] = Channel(self, number)
        await channel.open()
        return channel

    def is_open(self) -> bool:
        """Tells whether it is there."""
        return self.error is None

    def forget(self, channel: Channel) -> None:
        """Frees the number of a channel that is closed."""
        if self._channels.get(channel.number) is channel and channel.number:
            del self._channels[channel.number]
            self._reader.forget(channel.number)

    # -- sending

    def write(self, piece: bytes) -> None:
        """Sends whole frames with the next flush; nothing happens if the connection has gone."""
        self._out.append(piece)
        if not self._flush_is_due:
            self._schedule()

    def write_all(self, pieces: Iterable[bytes]) -> None:
        """Sends pieces of frames that are whole together."""
        self._out += pieces
        if not self._flush_is_due:
            self._schedule()

    def _schedule(self) -> None:
        self._flush_is_due = True
        if not self._paused:
            self.loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_is_due = False
        if self._paused:
            # When there is room again.
            self._flush_is_due = bool(self._out)
            return
        transport = self._transport
        if transport is None or self.error is not None:
            self._out.clear()
            return
        data = b"".join(self._out)
        self._out.clear()
        with self._sending:
            if self._security is not None:
                data = self._security.encrypt(data)
            if self._carry:
                data, self._carry = self._carry + data, b""
            transport.write(data)
            self.last_sent = time.monotonic()

    def pause_writing(self) -> None:
        """Is called by the transport when the system takes no more."""
        self._paused = True
        self._update_writable()

    def resume_writing(self) -> None:
        """Is called by the transport when everything is with the system."""
        self._paused = False
        if self._out or self._flush_is_due:
            self._flush_is_due = True
            self._flush()
        self._update_writable()

    def _update_writable(self) -> None:
        writable = not self._paused and self.blocked is None and self.error is None
        if writable != self.writable:
            self.writable = writable
            if writable:
                self.on_writable()

    def send_beside(self) -> None:
        """Sends a heartbeat in the heartbeats' thread, if nothing is half sent."""
        if not self._sending.acquire(blocking=False):
            return
        try:
            if self._paused or self._socket is None:
                return
            if not self._carry:
                self._carry = HEARTBEAT
                if self._security is not None:
                    self._carry = self._security.encrypt(HEARTBEAT)
            sent = os.write(self._socket.fileno(), self._carry)
            self._carry = self._carry[sent:]
            self.last_sent = time.monotonic()
        except OSError:
            # Full, or gone: its loop will see to it.
            pass
        finally:
            self._sending.release()

    # -- asyncio's protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begins with TLS, or with AMQP's greeting."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=0)
        if self._security is not None:
            self._transport.write(self._security.handshake())
        else:
            self.write(PROTOCOL_HEADER)

    def data_received(self, data: bytes) -> None:
        """Takes what the broker has sent."""
        self.last_received = time.monotonic()
        try:
            if self._security is not None:
                data = self._decrypted(self._security, data)
            self._reader.feed(data)
        except FrameError as exc:
            self._fail(ConnectionLost(f"RabbitMQ at {self.where} sent what can't be read: {exc}"))
        except ssl.SSLError as exc:
            self._fail(ConnectionLost(f"TLS with RabbitMQ at {self.where} failed: {exc}"))

    def _decrypted(self, security: Security, data: bytes) -> bytes:
        transport = cast("asyncio.Transport", self._transport)
        if not security.is_established():
            transport.write(security.handshake(data))
            if not security.is_established():
                return b""
            self.write(PROTOCOL_HEADER)
            data = b""
        with self._sending:
            return security.decrypt(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends everything."""
        with self._sending:
            self._socket = None
        lost = ConnectionLost(f"the connection to RabbitMQ at {self.where} broke: {exc or 'ended'}")
        self._fail(lost)
        if not self.gone.done():
            self.gone.set_result(None)

    def _fail(self, error: BaseException) -> None:
        """Ends the connection at once; only the first error counts."""
        if self.error is not None:
            return
        self.error = error
        self.writable = False
        thread.remove(self)
        if self._beat is not None:
            self._beat.cancel()
        self._reader.close()
        self._out.clear()
        if self._transport is not None:
            self._transport.abort()
        for channel in tuple(self._channels.values()):
            channel.fail(error)
        self._channels.clear()
        on_lost = self.on_lost
        self.on_lost = self.on_blocked = self.on_writable = _ignore
        on_lost(error)

    # -- what the reader finds

    def on_content(self, content: Content) -> None:
        """Takes a delivery or a return."""
        channel = self._channels.get(content.channel)
        if channel is not None:
            channel.on_content(content)

    def on_confirm(self, channel: int, tag: int, multiple: bool, taken: bool) -> None:
        """Takes a confirm."""
        found = self._channels.get(channel)
        if found is not None:
            found.on_confirm(tag, multiple, taken)

    def on_method(self, channel: int, number: int, arguments: bytes) -> None:
        """Takes any other method."""
        try:
            method = decode_method(number, arguments)
        except ValueError as exc:
            raise FrameError(str(exc)) from exc
        if channel == 0:
            self._on_control(method)
        elif channel in self._channels:
            self._channels[channel].on_method(method)

    def _on_control(self, method: Method) -> None:
        if isinstance(method, commands.Connection.Close):
            self.write(encode_method(commands.Connection.CloseOk(), 0))
            self._flush()
            self._fail(
                ConnectionClosed(method.reply_code or 0, method.reply_text or "", self.where)
            )
        elif isinstance(method, commands.Connection.Blocked):
            self.blocked = method.reason
            self._update_writable()
            self.on_blocked(method.reason)
        elif isinstance(method, commands.Connection.Unblocked):
            self.blocked = None
            self.on_blocked(None)
            self._update_writable()
        else:
            self.control.on_method(method)

    # -- beginning and end

    async def log_in(self, login: Login) -> None:
        """Goes through AMQP's beginning; errors as for `log_in`."""
        self.tuning = await log_in(self.control, login)
        # Messages come in frames of what was agreed; nothing has come yet that was longer.
        self.interval = float(self.tuning.heartbeat)
        if self.interval:
            self._socket = cast("asyncio.Transport", self._transport).get_extra_info("socket")
            self._on_beat()
            thread.add(self)

    def _on_beat(self) -> None:
        now = time.monotonic()
        # After a stall, what the broker has sent in the meantime has to be read first.
        stalled = now - self.loop_was_alive > self.interval / 2
        self.loop_was_alive = now
        silent = now - self.last_received
        if silent > 2 * self.interval and not stalled:
            self._fail(
                ConnectionLost(
                    f"RabbitMQ at {self.where} has been silent for {silent:.1f} s, more than two "
                    f"heartbeat intervals of {self.interval:g} s"
                )
            )
            return
        if now - self.last_sent > self.interval / 2 - 0.01:
            self.write(HEARTBEAT)
        self._beat = self.loop.call_later(self.interval / 4, self._on_beat)

    async def close(self, patience: float = 5.0) -> None:
        """Says goodbye, and returns when the connection has gone.

        Parameters:
            patience: how many seconds the broker has for its own goodbye.
        """
        if self.error is None:
            self.on_lost = _ignore
            try:
                async with asyncio.timeout(patience):
                    await self.control.call(
                        commands.Connection.Close(200, "goodbye", 0, 0),
                        commands.Connection.CloseOk,
                    )
            except (TimeoutError, MessagingError):
                pass
            self._fail(ConnectionLost(f"the connection to RabbitMQ at {self.where} was closed"))
        if self._transport is not None:
            await asyncio.shield(self.gone)

    def abort(self, error: BaseException) -> None:
        """Ends the connection without a goodbye."""
        self._fail(error)
