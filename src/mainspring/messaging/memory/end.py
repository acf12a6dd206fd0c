"""`MemoryEnd`: the sending half of `memory://`: what is done once per message, compiled."""

import cython
from cython.cimports.mainspring.messaging.memory.broker import Broker
from cython.cimports.mainspring.messaging.memory.inbox import ALONE
from cython.cimports.mainspring.messaging.memory.plain import copy_mapping, copy_plain
from cython.cimports.mainspring.messaging.messages import Notification, Request

from mainspring.messaging.errors import MessageUndeliverable, TransportBusy, TransportClosed

__all__ = ["MemoryEnd"]


class MemoryEnd:
    """One loop's way to a broker in the process; the base of `MemoryTransport`."""

    def begin(self, broker, inbox):
        """Belongs to a broker from now on."""
        self.broker = broker
        self.inbox = inbox
        self.held = []

    def publish(self, message, outcome=None):
        """Sends a request or a notification."""
        request: Request
        notification: Notification
        if isinstance(message, Request):
            request = cython.cast(Request, message)
            request.args = copy_mapping(request.args)
            request.reply_to = self
            if request.context:
                request.context = copy_mapping(request.context)
        else:
            notification = message
            notification.payload = copy_plain(notification.payload)
            if notification.context:
                notification.context = copy_mapping(notification.context)
        if self.is_open():
            self.send(message, outcome)
        else:
            self.hold(None, message, outcome)

    def respond(self, request, response, outcome=None):
        """Answers a request that was delivered by this transport."""
        response.result = copy_plain(response.result)
        if response.failure is not None:
            response.failure = copy_failure(response.failure)
        if self.is_open():
            self.answer(request, response, outcome)
        else:
            self.hold(request, response, outcome)

    def is_open(self):
        return self.is_connected and not self.is_closed

    def send(self, message, outcome):
        error = None
        broker: Broker = self.broker
        request: Request
        only_errors: cython.bint = False
        try:
            broker.acquire()
            try:
                if isinstance(message, Request):
                    request = cython.cast(Request, message)
                    only_errors = request.only_errors
                    if not request.withdrawn:
                        broker.send(request)
                else:
                    only_errors = cython.cast(Notification, message).only_errors
                    broker.notify(message)
            finally:
                broker.release()
        except (MessageUndeliverable, TransportBusy) as exc:
            error = exc
        if outcome is not None and (error is not None or not only_errors):
            self.inbox.post(outcome, message, error)
        return 0

    def answer(self, request, response, outcome):
        error = None
        caller: MemoryEnd = request.reply_to
        if caller.is_closed or caller.replies is None:
            error = MessageUndeliverable("the caller has gone")
        else:
            caller.inbox.post(caller.replies.on_response, response, ALONE)
        if outcome is not None and (error is not None or not response.only_errors):
            self.inbox.post(outcome, response, error)
        return 0

    def hold(self, request, message, outcome):
        """Keeps what can't be sent for the moment."""
        if self.is_closed or self.loop is None:
            raise TransportClosed("the transport was closed, or never started")
        if len(self.held) >= self.broker.max_length:
            raise TransportBusy(f"{len(self.held)} messages wait for the connection already")
        self.held.append((request, message, outcome))
        return 0

    def send_held(self):
        """Sends what was kept."""
        held, self.held = self.held, []
        for request, message, outcome in held:
            if request is None:
                self.send(message, outcome)
            else:
                self.answer(request, message, outcome)

    def refuse_held(self, error):
        """Tells those who sent what was kept that it won't be sent."""
        held, self.held = self.held, []
        for _, message, outcome in held:
            if outcome is not None:
                outcome(message, error)


def copy_failure(failure):
    """Returns a copy with plain data in it; raises `EncodeError` if there is something else."""
    return failure._replace(
        args=tuple(copy_plain(failure.args)),
        kwargs=copy_mapping(failure.kwargs),
        cause=None if failure.cause is None else copy_failure(failure.cause),
        exceptions=tuple([copy_failure(each) for each in failure.exceptions]),
    )
