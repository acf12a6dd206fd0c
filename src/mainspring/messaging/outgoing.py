"""`Outgoing`: what a client does once per call or cast, compiled; the base of `Client`."""

import asyncio
import sys

import cython
from cython.cimports.mainspring.messaging.calls import CallTable, Pending
from cython.cimports.mainspring.messaging.messages import Request, new_id

from mainspring.core.priority import current_priority
from mainspring.messaging.context import (
    call_variable,
    context_variable,
    get_trace,
    trace_variable,
)
from mainspring.messaging.errors import InvalidTarget, RPCVersionCapError
from mainspring.messaging.reply import Reply

__all__ = ["Outgoing"]

running_loop = cython.declare(object, asyncio._get_running_loop)
modules = cython.declare(dict, sys.modules)


class Outgoing:
    """Sends requests.

    Attributes:
        target: where to.
        timeout: seconds that a call may take; None for ever.
        version_cap: the newest version that may be asked for.
        call_monitor_timeout: seconds within which a call wants a sign of life, or None.
        priority: of the handler's task; None for that of the caller's.
        mandatory: whether what no server would get is an error; None: except for a fanout.
        allowed_remote_modules: the modules whose exceptions arrive as what they are.
    """

    def call(self, method, /, *, ctxt=None, **args):
        """Calls a method, and returns its reply at once.

        Parameters:
            method: the name.
            ctxt: the context that travels; None for the current one (`context`).
            args: the arguments.

        Returns:
            What will have the result, or the exception: what the method raised;
            `MessageUndeliverable` if there is no such server; `MessagingTimeout` if there was no
            reply in time; another `MessagingError`.

        Raises:
            InvalidTarget: the target is a fanout.
            RPCVersionCapError: the target's version is above `version_cap`.
        """
        return self.begin_call(method, args, ctxt, None)

    def cast(self, method, /, *, ctxt=None, **args):
        """Has a method run, by one server or, if the target is a fanout, by all.

        Parameters:
            method: the name.
            ctxt: as for `call`.
            args: the arguments.

        Returns:
            What is done once the broker has the message, or could not take it. What the method
            returns or raises, nobody learns. Whoever doesn't wait for this may lose the message
            with the process.

        Raises:
            RPCVersionCapError: as for `call`.
        """
        request: Request = self.request(method, args, ctxt)
        table: CallTable = self._calls
        loop = table.attach()
        reply = Reply(loop=loop)
        if running_loop() is loop:
            table.send(reply, request)
        else:
            loop.call_soon_threadsafe(table.send, reply, request)
        return reply

    def begin_call(self, method, args, ctxt, convert):
        """Calls a method: what `call` and typed clients do.

        Parameters:
            method: the name.
            args: the arguments.
            ctxt: as for `call`.
            convert: makes the result of what came; None: it is the result.

        Returns:
            The reply.
        """
        if self.target.fanout:
            raise InvalidTarget("a call has one reply, so it can't be a fanout", self.target)
        request: Request = self.request(method, args, ctxt)
        table: CallTable = self._calls
        running = running_loop()
        loop = table.loop
        request.msg_id = request.unique_id
        if running is not loop or loop is None:
            loop = table.attach()
        if self.timeout is not None:
            request.deadline = loop.time() + self.timeout
        served = call_variable.get()
        if served is not None and served.deadline is not None:
            own = request.deadline
            request.deadline = served.deadline if own is None else min(own, served.deadline)
        request.monitor = self.call_monitor_timeout
        reply = Reply(loop=loop)
        pending: Pending = Pending(table, reply, request, self.allowed_remote_modules, convert)
        if running is loop:
            table.start(pending)
        else:
            loop.call_soon_threadsafe(table.begin, pending)
        return reply

    def request(self, method, args, ctxt):
        """Returns a request, with all that travels with it but for a call's own."""
        target = self.target
        if self.version_cap is not None and not self.can_send_version():
            raise RPCVersionCapError(target.version, self.version_cap)
        request: Request = Request.__new__(Request)
        request.target = target
        request.method = method
        request.args = args
        request.unique_id = new_id()
        if ctxt is None:
            ctxt = context_variable.get()
        if ctxt:
            request.context = ctxt
        # Who uses OpenTelemetry has imported it.
        if "opentelemetry.propagate" in modules:
            request.trace = get_trace()
        else:
            request.trace = trace_variable.get()
        priority = self.priority
        if priority is None:
            priority = current_priority.get(None)
        if priority is not None:
            request.priority = int(priority)
        if self.mandatory is None:
            request.mandatory = not target.fanout
        else:
            request.mandatory = self.mandatory
        return request
