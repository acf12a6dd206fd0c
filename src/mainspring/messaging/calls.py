"""`CallTable`: the calls of a transport that wait for their replies. All its clients share one.

A call is in the table from before it is published until one of these happens, and whichever is
first takes it out and settles its reply: so no reply comes twice, and none never.

- a response that ends it, the first one; any later is counted and dropped;
- the transport says that it was not delivered, or that its reply can't come any more;
- its deadline is over, or no sign of life came for as long as it was to be monitored;
- its caller gives it up.
"""

import asyncio
from functools import partial
from typing import Any

from mainspring.green.background import background_loop
from mainspring.loop.home import home_loop
from mainspring.messaging.errors import MessagingTimeout, TransportClosed
from mainspring.messaging.failures import raised_by
from mainspring.messaging.messages import Notification, Request, Response
from mainspring.messaging.reply import Reply
from mainspring.messaging.statistics import ClientStatistics
from mainspring.messaging.transport import ConnectionEvent, Transport

__all__ = ["CallTable"]


class CallTable:
    """The client's half of the core: what is in flight, on one transport.

    Parameters:
        transport: publishes the calls; its `replies` is this table from now on.

    Attributes:
        loop: the transport's loop, once there is one.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._pending: dict[str, Reply[Any]] = {}
        self._counts = ClientStatistics()
        self.loop: asyncio.AbstractEventLoop | None = transport.loop
        transport.replies = self
        transport.add_connection_callback(self._on_connection)

    @classmethod
    def of(cls, transport: Transport) -> "CallTable":
        """Returns a transport's table, which is made if there is none."""
        table = transport.replies
        return table if isinstance(table, cls) else cls(transport)

    def attach(self) -> asyncio.AbstractEventLoop:
        """Returns the transport's loop; starts the transport if it isn't yet.

        It starts in this thread's loop; where there is none, in the one that this thread works for,
        or else in the background loop.

        Raises:
            RuntimeError: this thread's loop is another than the transport's.
        """
        running = asyncio._get_running_loop()
        loop = self._transport.loop
        if loop is None:
            if running is not None:
                self._transport.start(running)
                loop = running
            else:
                loop = home_loop() or background_loop()
                _run_in(loop, partial(self._transport.start, loop))
        elif running is not None and running is not loop:
            raise RuntimeError(
                f"the transport {self._transport.url.transport}:// belongs to {loop!r}, and this "
                f"is {running!r}: make a transport for each loop"
            )
        self.loop = loop
        return loop

    def statistics(self) -> ClientStatistics:
        """Returns what was counted so far, and how many calls wait now."""
        return self._counts.copy(in_flight=len(self._pending))

    def begin(self, reply: Reply[Any], request: Request) -> None:
        """Publishes a call.

        Parameters:
            reply: is settled by this table, exactly once.
            request: has a `msg_id`.
        """
        if reply.done():
            # Given up in another thread, on its way here.
            return
        reply._owner = self
        reply._request = request
        assert request.msg_id is not None
        self._pending[request.msg_id] = reply
        self._counts.calls += 1
        if request.deadline is not None:
            assert self.loop is not None
            reply._timer = self.loop.call_at(request.deadline, self._on_deadline, reply)
        if request.monitor is not None:
            self._watch(reply, request.monitor)
        try:
            self._transport.publish(request, self._on_outcome)
        except Exception as exc:
            self._fail(request.msg_id, exc)

    def send(self, reply: Reply[None], *messages: Request | Notification) -> None:
        """Publishes what nobody answers.

        Parameters:
            reply: is done once the broker has all of it, or has refused one.
            messages: a cast or a fanout, or notifications.
        """
        sending = _Sending(reply, self._counts, len(messages))
        for message in messages:
            self._counts.casts += 1
            try:
                self._transport.publish(message, sending.on_outcome)
            except Exception as exc:
                sending.on_outcome(message, exc)

    def on_response(self, response: Response) -> None:
        """Settles the call that a response is for."""
        reply = self._pending.get(response.msg_id)
        if reply is None:
            self._counts.dropped_replies += 1
            return
        if not response.ending:
            self._counts.signs_of_life += 1
            if reply._monitor is not None:
                self._watch(reply, reply._request.monitor)
            return
        failure = response.failure
        if failure is not None:
            self._fail(response.msg_id, raised_by(failure, reply._allowed))
            return
        result = response.result
        if reply._convert is not None:
            try:
                result = reply._convert(result)
            except Exception as exc:
                self._fail(response.msg_id, exc)
                return
        self._take(response.msg_id)
        self._counts.replies += 1
        reply.set_result(result)

    def on_replies_lost(self, error: BaseException) -> None:
        """Fails all calls that wait: their replies can't come any more."""
        for msg_id in tuple(self._pending):
            self._fail(msg_id, error)

    def on_abandoned(self, reply: Reply[Any]) -> None:
        """Tells the server that a caller has given its call up."""
        request = reply._request
        if self._take(request.msg_id) is None:
            return
        self._counts.abandoned += 1
        self._transport.cancel(request)

    def _on_outcome(self, request: Request, error: BaseException | None) -> None:
        if error is not None and request.msg_id is not None:
            self._fail(request.msg_id, error)

    def _on_deadline(self, reply: Reply[Any]) -> None:
        request = reply._request
        reply._timer = None
        if request.msg_id in self._pending:
            self._counts.timeouts += 1
            self._fail(
                request.msg_id,
                MessagingTimeout(f"no reply to {request.method!r} from {request.target} in time"),
            )

    def _on_silence(self, reply: Reply[Any]) -> None:
        request = reply._request
        reply._monitor = None
        if request.msg_id in self._pending:
            self._counts.timeouts += 1
            self._transport.cancel(request)
            self._fail(
                request.msg_id,
                MessagingTimeout(
                    f"no sign of life of {request.method!r} from {request.target} within "
                    f"{request.monitor} s"
                ),
            )

    def _watch(self, reply: Reply[Any], seconds: float) -> None:
        """Has the call fail when there is no sign of life for so long."""
        if reply._monitor is not None:
            reply._monitor.cancel()
        assert self.loop is not None
        reply._monitor = self.loop.call_later(seconds, self._on_silence, reply)

    def _fail(self, msg_id: str, error: BaseException) -> None:
        reply = self._take(msg_id)
        if reply is not None:
            self._counts.failures += 1
            reply.set_exception(error)

    def _take(self, msg_id: str) -> Reply[Any] | None:
        """Takes a call out of the table; the one who gets it settles it."""
        reply = self._pending.pop(msg_id, None)
        if reply is None:
            return None
        timer = reply._timer
        if timer is not None:
            timer.cancel()
            reply._timer = None
        if reply._monitor is not None:
            reply._monitor.cancel()
            reply._monitor = None
        reply._owner = None
        return reply

    def _on_connection(self, event: ConnectionEvent, error: BaseException | None) -> None:
        if event is ConnectionEvent.CLOSED:
            self.on_replies_lost(TransportClosed("the transport was closed before the reply came"))


class _Sending:
    """Messages on their way to the broker; the reply is done when they are there."""

    __slots__ = ("_counts", "_left", "_reply")

    def __init__(self, reply: Reply[None], counts: ClientStatistics, count: int) -> None:
        self._reply = reply
        self._counts = counts
        self._left = count

    def on_outcome(self, message: Request | Notification, error: BaseException | None) -> None:
        self._left -= 1
        reply = self._reply
        if error is not None:
            self._counts.failures += 1
            if not reply.done():
                reply.set_exception(error)
        elif self._left == 0 and not reply.done():
            reply.set_result(None)


def _run_in(loop: asyncio.AbstractEventLoop, function: Any) -> None:
    """Runs a function in the thread of a running loop, and waits for it."""

    async def run() -> None:
        function()

    asyncio.run_coroutine_threadsafe(run(), loop).result()
