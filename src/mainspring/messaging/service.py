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
from typing import Any

from mainspring.messaging.admission import Admission
from mainspring.messaging.answers import Answers, is_lost
from mainspring.messaging.call import Call
from mainspring.messaging.dedup import Duplicates
from mainspring.messaging.dispatcher import Dispatcher, Method
from mainspring.messaging.errors import (
    MessagingError,
    MessagingTimeout,
    ServerBusy,
)
from mainspring.messaging.failures import failure_of
from mainspring.messaging.messages import Failure, Request, Response
from mainspring.messaging.runner import Runner
from mainspring.messaging.statistics import ServerStatistics
from mainspring.messaging.transport import Delivery, Transport
from mainspring.messaging.waiting import Waiting

__all__ = ["Service"]

logger = logging.getLogger("mainspring.messaging")

# Ids of calls that were given up before they came, at most.
MOST_CANCELLED = 10_000
# Seconds: an interval for signs of life that is shorter isn't kept to, as oslo.messaging doesn't.
SHORTEST_SIGN = 1.0


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

    def __init__(
        self,
        transport: Transport,
        loop: asyncio.AbstractEventLoop,
        dispatcher: Dispatcher,
        duplicates: Duplicates,
        threads: int,
        late: bool,
    ) -> None:
        self._loop = loop
        self._dispatcher = dispatcher
        self._duplicates = duplicates
        self._late = late
        self._admission: Admission[Method, Call] = Admission()
        self._runner = Runner(loop, threads, self._on_done)
        # All that isn't over; by msg_id, those that can be given up.
        self._calls: dict[Call, None] = {}
        self._by_msg_id: dict[str, Call] = {}
        self._cancelled: dict[str, None] = {}
        self._until_idle = Waiting(self._loop)
        self._is_stopping = False
        self.counts = ServerStatistics()
        self._answers = Answers(transport, self.counts)

    def on_delivery(self, delivery: Delivery[Request]) -> None:
        """Takes a request in hand."""
        request = delivery.message
        self.counts.delivered += 1
        if request.unique_id is not None and self._is_duplicate(delivery, request.unique_id):
            return
        msg_id = request.msg_id
        if msg_id is not None and self._cancelled.pop(msg_id, self) is None:
            self.counts.cancelled += 1
            self._drop(delivery)
            return
        if request.deadline is not None and request.deadline <= self._loop.time():
            self.counts.late += 1
            self._drop(delivery)
            return
        try:
            method = self._dispatcher.find(request)
        except (MessagingError, ValueError) as exc:
            self._refuse(delivery, exc)
            return
        call = Call(request, method, delivery, self._loop)
        self._calls[call] = None
        if request.unique_id is not None:
            self._duplicates.running[request.unique_id] = call
        if msg_id is not None:
            self._by_msg_id[msg_id] = call
        if request.deadline is not None:
            call.timer = self._loop.call_at(request.deadline, self._on_overdue, call)
        if self._admission.enter(call, method, request.priority or 0):
            self._start(call)
        else:
            self.counts.waiting += 1
            method.counts.waiting += 1

    def on_cancel(self, msg_id: str) -> None:
        """Drops or stops a call whose caller has given it up."""
        call = self._by_msg_id.get(msg_id)
        if call is None:
            # It may be on its way; what never comes is forgotten in time.
            self._cancelled[msg_id] = None
            if len(self._cancelled) > MOST_CANCELLED:
                del self._cancelled[next(iter(self._cancelled))]
        elif not call.is_abandoned:
            self.counts.cancelled += 1
            self._abandon(call, "the caller has given it up")

    def on_connection_lost(self) -> None:
        """What is in hand is finished; it will come again, and be known."""

    def close(self) -> None:
        """Ends the threads."""
        self._runner.close()

    async def drain(self, timeout: float | None) -> None:
        """Waits until all that is in hand is over.

        Parameters:
            timeout: seconds, after which what runs is cancelled, and what waits is given back;
                None: it takes as long as it takes.
        """
        if not await self._idle(timeout):
            self._is_stopping = True
            for call in tuple(self._calls):
                if call.started is None:
                    self._give_back(call)
                elif call.task is not None:
                    self._runner.cancel(call)
                elif not call.is_answered:
                    # A thread can't be stopped, and isn't waited for.
                    call.is_abandoned = True
                    call.abandoned_why = "the server was stopped"
                    self._interrupted(call)
            # Tasks end when they have cleaned up.
            await self._idle(None)

    def statistics(self) -> ServerStatistics:
        """Returns what was counted so far."""
        methods = {each.name: each.counts.copy() for each in self._dispatcher.methods}
        return self.counts.copy(methods=methods)

    def _is_duplicate(self, delivery: Delivery[Request], unique_id: str) -> bool:
        """Deals with a request that was seen before; returns False for a new one."""
        call = self._duplicates.running.get(unique_id)
        if call is not None or self._duplicates.is_done(unique_id):
            self.counts.duplicates += 1
        if call is not None:
            if call.started is None or self._late:
                # Settled with the others: the broker may have forgotten that it delivered those.
                call.deliveries.append(delivery)
            else:
                delivery.ack()
            return True
        if not self._duplicates.is_done(unique_id):
            return False
        response = self._duplicates.response(unique_id)
        if response is not None:
            # Its first answer may have been lost with a connection.
            self._answers.send(
                delivery.message, response, partial(self._on_answered_again, delivery)
            )
        else:
            delivery.ack()
        return True

    def _drop(self, delivery: Delivery[Request]) -> None:
        """Settles a request that nobody wants done."""
        delivery.ack()
        if delivery.message.unique_id is not None:
            self._duplicates.end(delivery.message.unique_id, None)

    def _refuse(self, delivery: Delivery[Request], error: Exception) -> None:
        """Answers a request that nothing here can serve."""
        self.counts.failed += 1
        request = delivery.message
        delivery.ack()
        response = None
        if request.msg_id is not None:
            response = Response(request.msg_id)
            response.failure = failure_of(error)
            response = self._answers.send(request, response)
        elif not request.method.endswith("_ignore_errors"):
            logger.warning("%r was refused: %s", request, error)
        if request.unique_id is not None:
            self._duplicates.end(request.unique_id, response if self._late else None)

    def _start(self, call: Call) -> None:
        """Runs a call that has its place."""
        now = self._loop.time()
        call.started = now
        method = call.method
        method.counts.started += 1
        method.counts.running += 1
        self.counts.running += 1
        if not self._late:
            self._settle(call)
        if method.timeout is not None:
            own = now + method.timeout
            if call.deadline is None or own < call.deadline:
                call.deadline = own
                if call.timer is not None:
                    call.timer.cancel()
                call.timer = self._loop.call_at(own, self._on_method_overdue, call)
        monitor = call.request.monitor
        if monitor is not None and call.request.msg_id is not None and monitor / 2 >= SHORTEST_SIGN:
            call.monitor = self._loop.call_later(monitor / 2, self._give_sign, call)
        self._runner.start(call)

    def _give_sign(self, call: Call) -> None:
        """Tells a caller that its call is still being worked on."""
        request = call.request
        assert request.monitor is not None
        call.monitor = self._loop.call_later(request.monitor / 2, self._give_sign, call)
        self._answers.send_sign_of_life(request)

    def _on_overdue(self, call: Call) -> None:
        """The caller has stopped waiting."""
        call.timer = None
        if call.started is None:
            self.counts.late += 1
        else:
            self.counts.overdue += 1
        self._abandon(call, "its deadline is over")

    def _on_method_overdue(self, call: Call) -> None:
        """The method has had its time; the caller still waits."""
        call.timer = None
        self.counts.overdue += 1
        error = MessagingTimeout(
            f"{call.method.name!r} was stopped: it may run for {call.method.timeout} s"
        )
        self.counts.failed += 1
        call.method.counts.failed += 1
        self._answer(call, None, failure_of(error))
        self._abandon(call, "its method may not run for so long")

    def _abandon(self, call: Call, why: str) -> None:
        """Stops a call that nobody waits for; its handler keeps its place until it has ended."""
        call.is_abandoned = True
        call.abandoned_why = why
        if call.is_answered:
            self._runner.cancel(call)
        elif call.started is None:
            self._end(call, None)
        else:
            self._runner.cancel(call)

    def _on_done(self, call: Call, result: Any, error: BaseException | None) -> None:
        """A handler has ended."""
        method = call.method
        assert call.started is not None
        method.counts.running -= 1
        method.counts.seconds += self._loop.time() - call.started
        self.counts.running -= 1
        self._admission.leave(method)
        if call not in self._calls or call.is_answered:
            # It was answered before its handler ended, or nobody waited for its thread.
            pass
        elif call.is_abandoned:
            self._end(call, None)
        elif error is None:
            self.counts.done += 1
            self._answer(call, result, None)
        elif isinstance(error, asyncio.CancelledError) and self._is_stopping:
            self._interrupted(call)
        else:
            self.counts.failed += 1
            method.counts.failed += 1
            self._report(call, error)
            self._answer(call, None, failure_of(error))
        self._start_next()

    def _start_next(self) -> None:
        while (call := self._admission.next()) is not None:
            self.counts.waiting -= 1
            call.method.counts.waiting -= 1
            if call in self._calls:
                self._start(call)
            else:
                # Dropped while it waited.
                self._admission.leave(call.method)

    def _interrupted(self, call: Call) -> None:
        """Deals with a call whose handler didn't get the time to end."""
        if self._late:
            self._give_back(call)
        else:
            error = ServerBusy(f"the server was stopped while it ran {call.method.name!r}")
            self._answer(call, None, failure_of(error))

    def _report(self, call: Call, error: BaseException) -> None:
        """Logs what a handler raised: loudly, where nobody else learns of it."""
        if isinstance(error, call.method.expected):
            return
        if call.request.msg_id is None:
            logger.error(
                "%r failed, which was cast: nobody is told", call.method.name, exc_info=error
            )
        else:
            logger.info("%r failed; its caller is told", call.method.name, exc_info=error)

    def _answer(self, call: Call, result: Any, failure: Failure | None) -> None:
        """Answers a call, if somebody waits for it, and ends it."""
        request = call.request
        if request.msg_id is None:
            self._end(call, None)
            return
        call.is_answered = True
        self._stop_timers(call)
        response = Response(request.msg_id, result)
        response.failure = failure
        outcome = partial(self._on_answered_late, call) if self._late else None
        self._answers.send(request, response, outcome)
        if not self._late:
            self._end(call, None)

    def _on_answered_late(
        self, call: Call, response: Response, error: BaseException | None
    ) -> None:
        self._answers.on_outcome(response, error)
        if is_lost(error):
            for delivery in call.deliveries:
                delivery.reject(requeue=True)
        self._end(call, response)

    def _on_answered_again(
        self, delivery: Delivery[Request], response: Response, error: BaseException | None
    ) -> None:
        self._answers.on_outcome(response, error)
        if is_lost(error):
            delivery.reject(requeue=True)
        else:
            delivery.ack()

    def _settle(self, call: Call) -> None:
        for delivery in call.deliveries:
            delivery.ack()

    def _end(self, call: Call, response: Response | None) -> None:
        """Settles a call, and remembers that it is done."""
        self._settle(call)
        unique_id = call.request.unique_id
        if unique_id is not None:
            self._duplicates.end(unique_id, response if self._late else None)
        self._forget(call)

    def _give_back(self, call: Call) -> None:
        """Returns a call to the broker: it is as if it had never come."""
        self.counts.requeued += 1
        for delivery in call.deliveries:
            delivery.reject(requeue=True)
        if call.request.unique_id is not None:
            self._duplicates.running.pop(call.request.unique_id, None)
        self._forget(call)

    def _forget(self, call: Call) -> None:
        self._stop_timers(call)
        del self._calls[call]
        if call.request.msg_id is not None:
            self._by_msg_id.pop(call.request.msg_id, None)
        if not self._calls:
            self._until_idle.tell()

    def _stop_timers(self, call: Call) -> None:
        if call.timer is not None:
            call.timer.cancel()
            call.timer = None
        if call.monitor is not None:
            call.monitor.cancel()
            call.monitor = None

    async def _idle(self, timeout: float | None) -> bool:
        """Waits until nothing is in hand; returns False if it isn't so after `timeout` seconds."""
        if not self._calls:
            return True
        try:
            async with asyncio.timeout(timeout):
                await self._until_idle.wait()
        except TimeoutError:
            return False
        return True
