"""Random schedules of publish, accept, return, deliver, duplicate, break, answer, cancel and time.

The model knows of each call only how it must have ended by now. After every step the replies are
compared with it: no reply ends otherwise, earlier, or twice; and when all that is on its way has
arrived, none is left that neither has a result nor an error.
"""

import asyncio
from collections import Counter
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from mainspring.messaging import Client, MessageUndeliverable, MessagingTimeout, Server, Target
from tests.core.fakes import Bench
from tests.messaging.wire import Wire

TIMEOUT = 60

pick = st.integers(min_value=0, max_value=1000)


class Worker:
    """Handlers that end when the test says so."""

    def __init__(self) -> None:
        self.ran: Counter[int] = Counter()
        self.open: dict[int, asyncio.Future[int]] = {}

    async def work(self, number: int) -> int:
        """Notes that it ran, and waits."""
        self.ran[number] += 1
        self.open[number] = asyncio.get_running_loop().create_future()
        try:
            return await self.open[number]
        finally:
            del self.open[number]


class Schedules(RuleBasedStateMachine):
    """One client and one server, with a broker that does what it likes."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench()
        self.loop = self.bench.loop
        self.errors: list[Any] = []
        self.loop.set_exception_handler(lambda _, context: self.errors.append(context))
        self.wire = Wire()
        self.wire.start(self.loop)
        self.client = Client(self.wire, Target(topic="topic"), timeout=TIMEOUT)
        self.worker = Worker()
        self.replies: list[Any] = []
        self.ids: dict[str, int] = {}
        # How each call has ended, for the model: None while it must not have.
        self.ended: list[str | None] = []
        self.deadlines: list[float] = []

    def in_loop(self, function: Any, *args: Any) -> Any:
        """Calls a function in the loop, and lets happen what follows."""
        results: list[Any] = []
        self.loop.call_soon(lambda: results.append(function(*args)))
        for _ in range(12):
            self.loop.step()
        assert results, self.errors
        return results[0]

    def end(self, number: int, how: str) -> None:
        """Has the model end a call, if it hasn't."""
        if self.ended[number] is None:
            self.ended[number] = how

    @initialize(ack=st.sampled_from(["early", "late"]), concurrency=st.sampled_from([1, 2, 100]))
    def serve(self, ack: Any, concurrency: int) -> None:
        self.late = ack == "late"
        self.server = Server(
            self.wire,
            Target(topic="topic", server="one"),
            [self.worker],
            ack=ack,
            concurrency=concurrency,
        )
        self.in_loop(self.server.start)

    @rule()
    def call(self) -> None:
        number = len(self.replies)
        self.replies.append(self.in_loop(lambda: self.client.call("work", number=number)))
        self.ids[self.wire.published[-1][0].msg_id or ""] = number
        self.ended.append(None)
        self.deadlines.append(self.loop.time() + TIMEOUT)

    @precondition(lambda self: self.wire.published)
    @rule(at=pick)
    def accept(self, at: int) -> None:
        self.in_loop(self.wire.accept, at % len(self.wire.published))

    @precondition(lambda self: self.wire.published)
    @rule(at=pick)
    def accept_and_send_again(self, at: int) -> None:
        self.in_loop(self.wire.accept_without_saying_so, at % len(self.wire.published))

    @precondition(lambda self: self.wire.published)
    @rule(at=pick)
    def return_(self, at: int) -> None:
        at %= len(self.wire.published)
        self.end(self.ids[self.wire.published[at][0].msg_id or ""], "undeliverable")
        self.in_loop(self.wire.return_, at)

    @precondition(lambda self: self.wire.queue)
    @rule(at=pick)
    def deliver(self, at: int) -> None:
        self.in_loop(self.wire.deliver, at % len(self.wire.queue))

    @precondition(lambda self: self.worker.open)
    @rule(at=pick)
    def finish(self, at: int) -> None:
        number = sorted(self.worker.open)[at % len(self.worker.open)]
        self.in_loop(self.worker.open[number].set_result, number)

    @precondition(lambda self: self.worker.open)
    @rule(at=pick)
    def fail(self, at: int) -> None:
        number = sorted(self.worker.open)[at % len(self.worker.open)]
        self.in_loop(self.worker.open[number].set_exception, ValueError(number))

    @rule()
    def break_the_servers_connection(self) -> None:
        self.in_loop(self.wire.break_the_servers_connection)

    @precondition(lambda self: self.wire.answers)
    @rule(at=pick)
    def accept_answer(self, at: int) -> None:
        self.in_loop(self.wire.accept_answer, at % len(self.wire.answers))

    @precondition(lambda self: self.wire.answers)
    @rule(at=pick)
    def refuse_answer(self, at: int) -> None:
        self.in_loop(self.wire.refuse_answer, at % len(self.wire.answers))

    @precondition(lambda self: self.wire.replies_on_their_way)
    @rule(at=pick, twice=st.booleans())
    def deliver_reply(self, at: int, twice: bool) -> None:
        at %= len(self.wire.replies_on_their_way)
        self.end(self.ids[self.wire.replies_on_their_way[at].msg_id], "answered")
        self.in_loop(self.wire.deliver_reply, at, twice)

    @precondition(lambda self: self.replies)
    @rule(at=pick)
    def cancel(self, at: int) -> None:
        number = at % len(self.replies)
        self.end(number, "cancelled")
        self.in_loop(self.replies[number].cancel)

    @precondition(lambda self: self.wire.cancelled)
    @rule()
    def deliver_cancel(self) -> None:
        self.in_loop(self.wire.deliver_cancel)

    @rule(seconds=st.sampled_from([1, 20, 45]))
    def pass_time(self, seconds: int) -> None:
        self.bench.clock.advance(seconds)
        for number, deadline in enumerate(self.deadlines):
            if deadline <= self.loop.time():
                self.end(number, "timeout")
        self.in_loop(lambda: None)

    @invariant()
    def replies_are_as_the_model_says(self) -> None:
        assert [how(reply) for reply in self.replies] == self.ended
        assert self.errors == []

    @invariant()
    def answers_are_the_right_ones(self) -> None:
        for number, reply in enumerate(self.replies):
            if self.ended[number] == "answered":
                error = reply.exception()
                assert error.args[0] == number if error else reply.result() == number

    @invariant()
    def nothing_runs_twice(self) -> None:
        assert all(count == 1 for count in self.worker.ran.values())

    @invariant()
    def the_table_has_what_waits(self) -> None:
        waiting = sum(ended is None for ended in self.ended)
        assert self.client.statistics().in_flight == waiting

    def teardown(self) -> None:
        """Lets everything arrive: nobody is left without an answer."""
        wire = self.wire
        for _ in range(10_000):
            if wire.published:
                self.accept(0)
            elif wire.queue:
                self.deliver(0)
            elif self.worker.open:
                self.finish(0)
            elif wire.answers:
                self.accept_answer(0)
            elif wire.cancelled:
                self.deliver_cancel()
            elif wire.replies_on_their_way:
                self.deliver_reply(0, False)
            else:
                break
        self.replies_are_as_the_model_says()
        if getattr(self, "late", False):
            assert None not in self.ended, "what is acknowledged late is answered in the end"
        self.pass_time(TIMEOUT)
        self.replies_are_as_the_model_says()
        assert None not in self.ended
        assert wire.unsettled == []
        if hasattr(self, "server"):
            assert self.in_loop(self.server.stop).done()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.in_loop(lambda: None)
        self.loop.close()


def how(reply: Any) -> str | None:
    """How a reply has ended; None if it hasn't."""
    if not reply.done():
        return None
    if reply.cancelled():
        return "cancelled"
    error = reply.exception()
    if isinstance(error, MessageUndeliverable):
        return "undeliverable"
    if isinstance(error, MessagingTimeout):
        return "timeout"
    return "answered"


TestSchedules = Schedules.TestCase
TestSchedules.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)


def test_an_answer_to_a_duplicate_that_the_broker_refuses_is_sent_again():
    schedule = Schedules()
    schedule.serve("late", 1)
    schedule.call()
    schedule.accept(0)
    schedule.deliver(0)
    schedule.fail(0)
    schedule.break_the_servers_connection()
    schedule.deliver(0)
    schedule.refuse_answer(0)
    # Lets everything arrive, and checks that nothing is left without an answer.
    schedule.teardown()
