"""`Service`: the server's half of the core: what becomes of each request that is delivered.

A request is dropped if it was seen before, is late, or was given up; else it waits for a place,
runs, and is answered. It is settled with the broker before it runs (`early`: it never runs twice,
and is lost with the process) or after its answer is on its way (`late`: it is delivered again if
the process dies). Whatever a request needs, the caller gets one answer at most from here, and one
at least unless it has gone.
"""

import asyncio
import logging
from functools import partial

import cython
from cython.cimports.mainspring.messaging.admission import Admission
from cython.cimports.mainspring.messaging.answers import Answers, is_lost
from cython.cimports.mainspring.messaging.call import Call
from cython.cimports.mainspring.messaging.dedup import Recent
from cython.cimports.mainspring.messaging.messages import Request, Response
from cython.cimports.mainspring.messaging.method import Method

from mainspring.messaging.errors import MessagingError, MessagingTimeout, ServerBusy
from mainspring.messaging.failures import failure_of
from mainspring.messaging.runner import Runner
from mainspring.messaging.statistics import ServerStatistics
from mainspring.messaging.waiting import Waiting

__all__ = ["Service"]

logger = logging.getLogger("mainspring.messaging")

# Ids of calls that were given up before they came, at most.
MOST_CANCELLED = cython.declare(cython.int, 10_000)
# Seconds: an interval for signs of life that is shorter isn't kept to, as oslo.messaging doesn't.
SHORTEST_SIGN = cython.declare(cython.double, 1.0)


class Service:
    """Receives requests.

    Parameters:
        transport: sends the answers.
        loop: its loop.
        dispatcher: finds the methods.
        duplicates: remembers what was seen.
        threads: how many threads there may be for plain functions.
        late: True settles a request after it was answered, False before it runs.
    """

    def __init__(self, transport, loop, dispatcher, duplicates, threads, late):
        self.loop = loop
        self.time = loop.time
        self.dispatcher = dispatcher
        self.find = dispatcher.find
        self.duplicates = duplicates
        self.late = late
        self.admission = Admission()
        self.runner = Runner(loop, threads, self.on_done)
        self.run = self.runner.start
        self.calls = {}
        self.by_msg_id = {}
        self.withdrawn = Recent(MOST_CANCELLED)
        self.until_idle = Waiting(loop)
        self.answers = Answers(transport)
        self.overdue_callback = self.on_overdue

    def on_delivery(self, delivery):
        """Takes a request in hand."""
        request: Request = delivery.message
        method: Method
        self.delivered += 1
        unique_id, msg_id, deadline = request.unique_id, request.msg_id, request.deadline
        if unique_id is not None and self.is_duplicate(delivery, request):
            return
        if msg_id is not None and self.withdrawn.take(msg_id):
            self.cancelled += 1
            self.drop(delivery, request)
            return
        if deadline is not None and deadline <= self.time():
            self.late_ones += 1
            self.drop(delivery, request)
            return
        try:
            method = self.find(request)
        except (MessagingError, ValueError) as exc:
            self.refuse(delivery, request, exc)
            return
        call: Call = Call(request, method, delivery, self.loop)
        self.calls[call] = None
        if unique_id is not None:
            self.duplicates.running[unique_id] = call
        if msg_id is not None:
            self.by_msg_id[msg_id] = call
        if deadline is not None:
            call.timer = self.loop.call_at(deadline, self.overdue_callback, call)
        if self.admission.enter(call, method, request.priority or 0):
            self.start(call)
        else:
            self.waiting += 1
            method.waiting += 1

    def on_cancel(self, msg_id):
        """Drops or stops a call whose caller has given it up."""
        call: Call = self.by_msg_id.get(msg_id)
        if call is None:
            # It may be on its way; what never comes is forgotten in time.
            self.withdrawn.add(msg_id, None)
        elif not call.is_abandoned:
            self.cancelled += 1
            self.abandon(call, "the caller has given it up")

    def on_connection_lost(self):
        """What is in hand is finished; it will come again, and be known."""

    def close(self):
        """Ends the threads."""
        self.runner.close()

    def idle(self):
        """Tells whether nothing is in hand."""
        return not self.calls

    def give_up(self):
        """Cancels what runs, and gives back what waits."""
        call: Call
        self.is_stopping = True
        for call in tuple(self.calls):
            if not call.is_started:
                self.give_back(call)
            elif call.task is not None:
                self.runner.cancel(call)
            elif not call.is_answered:
                # A thread can't be stopped, and isn't waited for.
                call.is_abandoned = True
                call.abandoned_why = "the server was stopped"
                self.interrupted(call)

    def statistics(self):
        """Returns what was counted so far."""
        return ServerStatistics(
            delivered=self.delivered,
            done=self.done,
            failed=self.failed,
            duplicates=self.repeated,
            late=self.late_ones,
            overdue=self.overdue,
            cancelled=self.cancelled,
            requeued=self.requeued,
            undelivered_replies=self.answers.undelivered,
            running=self.running,
            waiting=self.waiting,
            methods={method.name: method.statistics() for method in self.dispatcher.methods},
        )

    def is_duplicate(self, delivery, request):
        """Deals with a request that was seen before; returns False for a new one."""
        unique_id = request.unique_id
        call: Call = self.duplicates.running.get(unique_id)
        if call is not None:
            self.repeated += 1
            if not call.is_started or self.late:
                # Settled with the others: the broker may have forgotten that it delivered those.
                call.deliveries.append(delivery)
            else:
                delivery.ack()
            return True
        if not self.duplicates.is_done(unique_id):
            return False
        self.repeated += 1
        response: Response = self.duplicates.response(unique_id)
        if response is not None:
            # Its first answer may have been lost with a connection.
            self.answers.send(request, response, partial(self.on_answered_again, delivery))
        else:
            delivery.ack()
        return True

    def drop(self, delivery, request):
        """Settles a request that nobody wants done."""
        delivery.ack()
        if request.unique_id is not None:
            self.duplicates.end(request.unique_id, None)
        return 0

    def refuse(self, delivery, request, error):
        """Answers a request that nothing here can serve."""
        self.failed += 1
        delivery.ack()
        response: Response = None
        if request.msg_id is not None:
            response = Response(request.msg_id)
            response.failure = failure_of(error)
            response = self.answers.send(request, response)
        elif not request.method.endswith("_ignore_errors"):
            logger.warning("%r was refused: %s", request, error)
        if request.unique_id is not None:
            self.duplicates.end(request.unique_id, response if self.late else None)
        return 0

    def start(self, call):
        """Runs a call that has its place."""
        method: Method = call.method
        request: Request = call.request
        call.is_started = True
        call.started = self.time()
        method.started += 1
        method.running += 1
        self.running += 1
        if not self.late:
            settle(call)
        if method.timeout is not None:
            own = call.started + method.timeout
            if call.deadline is None or own < call.deadline:
                call.deadline = own
                if call.timer is not None:
                    call.timer.cancel()
                call.timer = self.loop.call_at(own, self.on_method_overdue, call)
        if request.monitor is not None and request.msg_id is not None:
            interval: cython.double = request.monitor / 2
            if interval >= SHORTEST_SIGN:
                call.monitor = self.loop.call_later(interval, self.give_sign, call)
        self.run(call)
        return 0

    def give_sign(self, call: Call):
        """Tells a caller that its call is still being worked on."""
        request: Request = call.request
        call.monitor = self.loop.call_later(request.monitor / 2, self.give_sign, call)
        self.answers.send_sign_of_life(request)

    def on_overdue(self, call: Call):
        """The caller has stopped waiting."""
        call.timer = None
        if call.is_started:
            self.overdue += 1
        else:
            self.late_ones += 1
        self.abandon(call, "its deadline is over")

    def on_method_overdue(self, call: Call):
        """The method has had its time; the caller still waits."""
        call.timer = None
        self.overdue += 1
        error = MessagingTimeout(
            f"{call.method.name!r} was stopped: it may run for {call.method.timeout} s"
        )
        self.failed += 1
        call.method.failed += 1
        self.answer(call, None, failure_of(error))
        self.abandon(call, "its method may not run for so long")

    def abandon(self, call, why):
        """Stops a call that nobody waits for; its handler keeps its place until it has ended."""
        call.is_abandoned = True
        call.abandoned_why = why
        if call.is_started or call.is_answered:
            self.runner.cancel(call)
        else:
            self.end(call, None)
        return 0

    def on_done(self, call: Call, result, error):
        """A handler has ended."""
        method: Method = call.method
        method.running -= 1
        method.seconds += self.time() - call.started
        self.running -= 1
        self.admission.leave(method)
        if call.is_answered or call not in self.calls:
            # It was answered before its handler ended, or nobody waited for its thread.
            pass
        elif call.is_abandoned:
            self.end(call, None)
        elif error is None:
            self.done += 1
            self.answer(call, result, None)
        elif isinstance(error, asyncio.CancelledError) and self.is_stopping:
            self.interrupted(call)
        else:
            self.failed += 1
            method.failed += 1
            report(call, error)
            self.answer(call, None, failure_of(error))
        self.start_next()

    def start_next(self):
        call: Call
        while (call := self.admission.next()) is not None:
            self.waiting -= 1
            call.method.waiting -= 1
            if call in self.calls:
                self.start(call)
            else:
                # Dropped while it waited.
                self.admission.leave(call.method)
        return 0

    def interrupted(self, call):
        """Deals with a call whose handler didn't get the time to end."""
        if self.late:
            self.give_back(call)
        else:
            error = ServerBusy(f"the server was stopped while it ran {call.method.name!r}")
            self.answer(call, None, failure_of(error))
        return 0

    def answer(self, call, result, failure):
        """Answers a call, if somebody waits for it, and ends it."""
        request: Request = call.request
        if request.msg_id is None:
            self.end(call, None)
            return 0
        call.is_answered = True
        stop_timers(call)
        response: Response = Response.__new__(Response)
        response.msg_id = request.msg_id
        response.result = result
        response.failure = failure
        if self.late:
            self.answers.send(request, response, partial(self.on_answered_late, call))
        else:
            self.answers.send(request, response)
            self.end(call, None)
        return 0

    def on_answered_late(self, call: Call, response: Response, error):
        self.answers.on_outcome(response, error)
        if is_lost(error):
            for delivery in call.deliveries:
                delivery.reject(requeue=True)
        self.end(call, response)

    def on_answered_again(self, delivery, response, error):
        self.answers.on_outcome(response, error)
        if is_lost(error):
            delivery.reject(requeue=True)
        else:
            delivery.ack()

    def end(self, call, response):
        """Settles a call, and remembers that it is done."""
        unique_id = call.request.unique_id
        settle(call)
        if unique_id is not None:
            self.duplicates.end(unique_id, response if self.late else None)
        self.forget(call)
        return 0

    def give_back(self, call):
        """Returns a call to the broker: it is as if it had never come."""
        self.requeued += 1
        for delivery in call.deliveries:
            delivery.reject(requeue=True)
        if call.request.unique_id is not None:
            self.duplicates.running.pop(call.request.unique_id, None)
        self.forget(call)
        return 0

    def forget(self, call):
        stop_timers(call)
        del self.calls[call]
        if call.request.msg_id is not None:
            self.by_msg_id.pop(call.request.msg_id, None)
        if not self.calls:
            self.until_idle.tell()
        return 0


def settle(call):
    for delivery in call.deliveries:
        delivery.ack()
    return 0


def stop_timers(call):
    if call.timer is not None:
        call.timer.cancel()
        call.timer = None
    if call.monitor is not None:
        call.monitor.cancel()
        call.monitor = None
    return 0


def report(call, error):
    """Logs what a handler raised: loudly, where nobody else learns of it."""
    if isinstance(error, call.method.expected):
        return 0
    name = call.method.name
    if call.request.msg_id is None:
        logger.error("%r failed, which was cast: nobody is told", name, exc_info=error)
    else:
        logger.info("%r failed; its caller is told", name, exc_info=error)
    return 0
