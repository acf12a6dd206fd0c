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

import cython
from cython.cimports.mainspring.messaging.messages import Request

from mainspring.green.background import background_loop
from mainspring.loop.home import home_loop
from mainspring.messaging.errors import MessagingTimeout, TransportClosed
from mainspring.messaging.failures import raised_by
from mainspring.messaging.statistics import ClientStatistics
from mainspring.messaging.transport import ConnectionEvent

__all__ = ["CallTable", "Pending"]

running_loop = cython.declare(object, asyncio._get_running_loop)


class Pending:
    """A call that waits for its reply: what the table keeps, and what the reply's owner is.

    Parameters:
        table: its table.
        reply: is settled by the table, exactly once.
        request: has a `msg_id`.
        allowed: the modules whose exceptions may be made here.
        convert: makes a typed result of a plain one; None: it is the result.
    """

    def __init__(self, table, reply, request, allowed, convert):
        self.table = table
        self.reply = reply
        self.request = request
        self.allowed = allowed
        self.convert = convert

    def on_abandoned(self, reply):
        """Tells the server that a caller has given its call up."""
        table: CallTable = self.table
        if table.take(self.request.msg_id) is not None:
            table.abandoned += 1
            table.transport.cancel(self.request)

    def on_deadline(self):
        """Nobody waits any longer."""
        request: Request = self.request
        self.timer = None
        if request.msg_id in self.table.pending:
            self.table.timeouts += 1
            self.table.fail(
                request.msg_id,
                MessagingTimeout(f"no reply to {request.method!r} from {request.target} in time"),
            )

    def on_silence(self):
        """There was no sign of life."""
        request: Request = self.request
        self.monitor = None
        if request.msg_id in self.table.pending:
            self.table.timeouts += 1
            self.table.transport.cancel(request)
            self.table.fail(
                request.msg_id,
                MessagingTimeout(
                    f"no sign of life of {request.method!r} from {request.target} within "
                    f"{request.monitor} s"
                ),
            )

    def watch(self):
        """Has the call fail when there is no sign of life for so long as it was to be watched."""
        if self.monitor is not None:
            self.monitor.cancel()
        self.monitor = self.table.loop.call_later(self.request.monitor, self.on_silence)
        return 0


class CallTable:
    """The client's half of the core: what is in flight, on one transport.

    Parameters:
        transport: publishes the calls; its `replies` is this table from now on.

    Attributes:
        loop: the transport's loop, once there is one.
    """

    def __init__(self, transport):
        self.transport = transport
        self.pending = {}
        self.loop = transport.loop
        self.outcome = self.on_outcome
        transport.replies = self
        transport.add_connection_callback(self.on_connection)

    @staticmethod
    def of(transport):
        """Returns a transport's table, which is made if there is none."""
        table = transport.replies
        return table if isinstance(table, CallTable) else CallTable(transport)

    def attach(self):
        """Returns the transport's loop; starts the transport if it isn't yet.

        It starts in this thread's loop; where there is none, in the one that this thread works for,
        or else in the background loop.

        Raises:
            RuntimeError: this thread's loop is another than the transport's.
        """
        running = running_loop()
        loop = self.transport.loop
        if loop is None:
            if running is not None:
                self.transport.start(running)
                loop = running
            else:
                loop = home_loop() or background_loop()
                run_in(loop, partial(self.transport.start, loop))
        elif running is not None and running is not loop:
            raise RuntimeError(
                f"the transport {self.transport.url.transport}:// belongs to {loop!r}, and this "
                f"is {running!r}: make a transport for each loop"
            )
        self.loop = loop
        return loop

    def statistics(self):
        """Returns what was counted so far, and how many calls wait now."""
        return ClientStatistics(
            calls=self.calls,
            casts=self.casts,
            replies=self.replied,
            failures=self.failures,
            timeouts=self.timeouts,
            abandoned=self.abandoned,
            dropped_replies=self.dropped_replies,
            signs_of_life=self.signs_of_life,
            in_flight=len(self.pending),
        )

    def begin(self, pending: Pending):
        """Publishes a call of another thread, unless it was given up on its way here.

        Parameters:
            pending: the call.
        """
        if not pending.reply.done():
            self.start(pending)

    def start(self, pending):
        """Publishes a call."""
        request: Request = pending.request
        pending.reply._owner = pending
        self.pending[request.msg_id] = pending
        self.calls += 1
        if request.deadline is not None:
            pending.timer = self.loop.call_at(request.deadline, pending.on_deadline)
        if request.monitor is not None:
            pending.watch()
        request.only_errors = True
        try:
            self.transport.publish(request, self.outcome)
        except Exception as exc:
            self.fail(request.msg_id, exc)
        return 0

    def send(self, reply, *messages):
        """Publishes what nobody answers.

        Parameters:
            reply: is done once the broker has all of it, or has refused one.
            messages: a cast or a fanout, or notifications.
        """
        sending: Sending = Sending(self, reply, len(messages))
        for message in messages:
            self.casts += 1
            try:
                self.transport.publish(message, sending.on_outcome)
            except Exception as exc:
                sending.on_outcome(message, exc)

    def on_response(self, response):
        """Settles the call that a response is for."""
        pending: Pending = self.pending.get(response.msg_id)
        if pending is None:
            self.dropped_replies += 1
            return
        if not response.ending:
            self.signs_of_life += 1
            if pending.monitor is not None:
                pending.watch()
            return
        if response.failure is not None:
            self.fail(response.msg_id, raised_by(response.failure, pending.allowed))
            return
        result = response.result
        if pending.convert is not None:
            try:
                result = pending.convert(result)
            except Exception as exc:
                self.fail(response.msg_id, exc)
                return
        self.take(response.msg_id)
        self.replied += 1
        pending.reply.set_result(result)

    def on_replies_lost(self, error):
        """Fails all calls that wait: their replies can't come any more."""
        for msg_id in tuple(self.pending):
            self.fail(msg_id, error)

    def on_outcome(self, request, error):
        """Fails a call that wasn't published."""
        if error is not None and request.msg_id is not None:
            self.fail(request.msg_id, error)

    def on_connection(self, event, error):
        """Fails all calls when the transport is closed."""
        if event is ConnectionEvent.CLOSED:
            self.on_replies_lost(TransportClosed("the transport was closed before the reply came"))

    def fail(self, msg_id, error):
        pending: Pending = self.take(msg_id)
        if pending is not None:
            self.failures += 1
            pending.reply.set_exception(error)
        return 0

    def take(self, msg_id):
        """Takes a call out of the table; the one who gets it settles it."""
        pending: Pending = self.pending.pop(msg_id, None)
        if pending is None:
            return None
        if pending.timer is not None:
            pending.timer.cancel()
            pending.timer = None
        if pending.monitor is not None:
            pending.monitor.cancel()
            pending.monitor = None
        pending.reply._owner = None
        return pending


class Sending:
    """Messages on their way to the broker; the reply is done when they are there."""

    def __init__(self, table, reply, count):
        self.table = table
        self.reply = reply
        self.left = count

    def on_outcome(self, message, error):
        """Settles the reply with the last of them, or with the first error."""
        self.left -= 1
        reply = self.reply
        if error is not None:
            self.table.failures += 1
            if not reply.done():
                reply.set_exception(error)
        elif self.left == 0 and not reply.done():
            reply.set_result(None)


def run_in(loop, function):
    """Runs a function in the thread of a running loop, and waits for it."""

    async def run():
        function()

    asyncio.run_coroutine_threadsafe(run(), loop).result()
