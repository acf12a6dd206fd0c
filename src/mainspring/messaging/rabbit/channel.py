"""`Channel`: a numbered line of a connection, on which the broker answers in the order it is asked.

Who uses a channel sets what is to be called for the messages, confirms and cancelled consumers that
come on it. An error of what was asked closes the channel, never the connection (but for
the few that the broker thinks worse): everything that waits on it is told, and it is of no use any
more.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from mainspring.messaging.errors import ConnectionLost
from mainspring.messaging.rabbit.errors import ChannelClosed
from mainspring.messaging.rabbit.frames import Content
from mainspring.messaging.rabbit.methods import Method, commands, encode_method

if TYPE_CHECKING:
    from mainspring.messaging.rabbit.connection import Connection

__all__ = ["Channel"]


def _ignore(*_: object) -> None:
    pass


class Channel:
    """One channel.

    Parameters:
        connection: the connection.
        number: its number; 0 is the connection's own.

    Attributes:
        error: why it is closed; None while it isn't.
        on_content: is called with each delivery and return.
        on_confirm: is called with a delivery tag, whether it stands for all up to it, and whether
            the broker has taken them.
        on_cancelled: is called with the tag of a consumer that the broker has ended.
        on_closed: is called once with the error when the channel is closed, but not by us.
    """

    def __init__(self, connection: "Connection", number: int) -> None:
        self.connection = connection
        self.number = number
        self.error: BaseException | None = None
        self.on_content: Callable[[Content], None] = _ignore
        self.on_confirm: Callable[[int, bool, bool], None] = _ignore
        self.on_cancelled: Callable[[str], None] = _ignore
        self.on_closed: Callable[[BaseException], None] = _ignore
        self._waiting: deque[tuple[type[Method], asyncio.Future[Method] | None]] = deque()

    async def open(self) -> None:
        """Opens it."""
        await self.call(commands.Channel.Open(), commands.Channel.OpenOk)

    def send(self, method: Method) -> None:
        """Sends a method that has no answer; nothing happens if the channel is closed."""
        if self.error is None:
            self.connection.write(encode_method(method, self.number))

    async def call[M: Method](self, method: Method, answer: type[M]) -> M:
        """Sends a method and waits for its answer.

        Raises:
            ChannelClosed: the broker doesn't do it.
            ConnectionLost: the connection broke, or was closed.
        """
        if self.error is not None:
            raise self.error
        self.send(method)
        return await self.expect(answer)

    def send_and_forget(self, method: Method, answer: type[Method]) -> None:
        """Sends a method whose answer nobody waits for."""
        if self.error is None:
            self.send(method)
            self._waiting.append((answer, None))

    async def expect[M: Method](self, answer: type[M]) -> M:
        """Waits for a method that the broker owes; errors as for `call`."""
        if self.error is not None:
            raise self.error
        future: asyncio.Future[Method] = self.connection.loop.create_future()
        self._waiting.append((answer, future))
        return cast("M", await future)

    async def close(self) -> None:
        """Closes it: the broker delivers again, elsewhere, what isn't settled."""
        if self.error is not None:
            return
        self.on_closed = _ignore
        try:
            await self.call(commands.Channel.Close(200, "done", 0, 0), commands.Channel.CloseOk)
        except (ConnectionLost, ChannelClosed):
            pass
        finally:
            self.fail(ConnectionLost("the channel was closed"))

    def on_method(self, method: Method) -> None:
        """Takes a method that has come on this channel."""
        if isinstance(method, commands.Channel.Close):
            self.connection.write(encode_method(commands.Channel.CloseOk(), self.number))
            self.fail(
                ChannelClosed(
                    method.reply_code or 0, method.reply_text or "", self.connection.where
                )
            )
        elif isinstance(method, commands.Basic.Cancel):
            self.on_cancelled(method.consumer_tag or "")
        elif self._waiting and isinstance(method, self._waiting[0][0]):
            _, future = self._waiting.popleft()
            if future is not None and not future.done():
                future.set_result(method)
            if isinstance(method, commands.Channel.CloseOk):
                self.fail(ConnectionLost("the channel was closed"))

    def fail(self, error: BaseException) -> None:
        """Tells everyone who waits that the channel is closed; nothing the second time."""
        if self.error is not None:
            return
        self.error = error
        self.connection.forget(self)
        waiting, self._waiting = self._waiting, deque()
        for _, future in waiting:
            if future is not None and not future.done():
                future.set_exception(error)
        on_closed = self.on_closed
        self.on_content = self.on_confirm = self.on_cancelled = self.on_closed = _ignore
        on_closed(error)
