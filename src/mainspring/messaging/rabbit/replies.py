"""`Replies`: the queue that the answers to our calls come to, and what is done with them.

There is one for a transport, made at the first call, with one name for as long as the transport
lives: a server that can't deliver tries again for a while, and so finds it after a reconnect. An
answer is settled once the core has it, all of one iteration with one frame.
"""

import asyncio

from mainspring.messaging.messages import Failure, Response
from mainspring.messaging.rabbit.attachment import Attachment, logger
from mainspring.messaging.rabbit.channel import Channel
from mainspring.messaging.rabbit.connection import Connection
from mainspring.messaging.rabbit.contents import body_of
from mainspring.messaging.rabbit.envelope import MalformedMessage, unwrap
from mainspring.messaging.rabbit.errors import BrokerError
from mainspring.messaging.rabbit.frames import Content
from mainspring.messaging.rabbit.methods import ack_frame, commands
from mainspring.messaging.rabbit.publisher import Publisher
from mainspring.messaging.rabbit.topology import Topology, declare_queue, delete_queue
from mainspring.messaging.rabbit.wire import decode_response
from mainspring.messaging.transport import ReplyReceiver

__all__ = ["Replies"]

_GONE = 404


class Replies(Attachment):
    """The consumer of answers.

    Parameters:
        loop: the loop.
        topology: the queue's flags.
        name: the queue's name.
        publisher: holds calls back while answers to them had nowhere to go.
        receiver: takes the answers.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        topology: Topology,
        name: str,
        publisher: Publisher,
        receiver: ReplyReceiver,
    ) -> None:
        super().__init__(loop, "the queue for replies")
        self.name = name
        self.poisoned = 0
        self._topology = topology
        self._publisher = publisher
        self._receiver = receiver
        self._last_tag = 0
        self._ack_is_due = False

    async def attach(self, connection: Connection) -> Channel:
        """Declares the queue and consumes it."""
        await declare_queue(connection, self._topology.reply_queue(self.name))
        channel = await connection.channel()
        channel.on_content = self._on_content
        channel.on_cancelled = self._on_cancelled
        self._last_tag = 0
        await channel.call(
            commands.Basic.Consume(0, self.name, "1", arguments={}), commands.Basic.ConsumeOk
        )
        return channel

    def ready(self) -> None:
        """Lets calls go."""
        self._publisher.replies_are_ready = True
        self._publisher.pump()

    def detached(self, error: BaseException) -> None:
        """Holds calls back."""
        self._publisher.replies_are_ready = False

    def _on_cancelled(self, tag: str) -> None:
        self.break_off(BrokerError(_GONE, f"the queue {self.name!r} was removed", "the broker"))

    def _on_content(self, content: Content) -> None:
        self._last_tag = content.delivery_tag
        if not self._ack_is_due:
            self._ack_is_due = True
            self.loop.call_soon(self._ack)
        try:
            response = decode_response(body_of(content))
        except MalformedMessage as exc:
            self.poisoned += 1
            logger.error("a reply that can't be read: %s", exc)
            salvaged = _salvaged(content, exc)
            if salvaged is None:
                return
            response = salvaged
        try:
            self._receiver.on_response(response)
        except Exception as exc:
            self.loop.call_exception_handler(
                {"message": f"nobody could take {response!r}", "exception": exc}
            )

    def _ack(self) -> None:
        self._ack_is_due = False
        channel = self.channel
        if channel is not None and self._last_tag:
            channel.connection.write(ack_frame(channel.number, self._last_tag, multiple=True))

    async def close(self) -> None:
        """Leaves, and removes the queue if it is ours alone."""
        channel = self.channel
        await self.leave()
        self._ack()
        if channel is not None and channel.error is None:
            await channel.close()
            if self._topology.reply_queue(self.name).own:
                await delete_queue(channel.connection, self.name)


def _salvaged(content: Content, why: MalformedMessage) -> Response | None:
    """Returns a failure for the caller whose answer can't be read; None if nobody knows whose."""
    try:
        message, _ = unwrap(body_of(content))
    except MalformedMessage:
        return None
    msg_id = message.get("_msg_id")
    if not isinstance(msg_id, str):
        return None
    response = Response(msg_id)
    response.failure = Failure("MalformedMessage", __name__, str(why))
    return response
