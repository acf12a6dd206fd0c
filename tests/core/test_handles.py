"""`Handle`: asyncio's `Handle` in all that a program can see of it."""

import asyncio
import contextvars
import gc
import weakref

import pytest

from mainspring import Priority
from tests.core.fakes import HIGH
from tests.threads import from_a_thread


def callback(*args):
    pass


class Stock:
    """The loop that asyncio's own handles see, for comparison."""

    def __init__(self, debug):
        self.debug = debug

    def get_debug(self):
        return self.debug


def without_line(text):
    """Returns a repr up to where it tells the line that made the handle."""
    return text.partition(" created at ")[0]


def test_a_handle_is_an_asyncio_handle_and_not_a_timer(bench):
    handle = bench.loop.call_soon(callback)
    assert isinstance(handle, asyncio.Handle)
    assert not isinstance(handle, asyncio.TimerHandle)


def test_every_call_that_queues_a_callback_returns_an_asyncio_handle(bench):
    loop = bench.loop
    for handle in (loop.call_soon_threadsafe(callback), loop.call_idle(callback)):
        assert isinstance(handle, asyncio.Handle)


def test_a_handle_can_not_be_made_by_hand(bench):
    maker = type(bench.loop.call_soon(callback))
    with pytest.raises(TypeError, match="call_soon"):
        maker()


@pytest.mark.parametrize("level", Priority)
def test_a_cancelled_callback_does_not_run(bench, level):
    bench.loop.call_soon(bench.note, "never", priority=level).cancel()
    bench.loop.call_soon(bench.note, "other", priority=level)
    assert bench.steps(2) == [["other"], []]


def test_cancelled_tells_whether_cancel_was_called(bench):
    handle = bench.loop.call_soon(callback)
    assert handle.cancelled() is False
    handle.cancel()
    assert handle.cancelled() is True


def test_cancel_returns_none_and_can_be_called_twice(bench):
    handle = bench.loop.call_soon(bench.note, "never")
    assert (handle.cancel(), handle.cancel()) == (None, None)
    assert handle.cancelled()
    assert bench.step() == []


def test_a_callback_may_cancel_its_own_handle(bench):
    def cancel(name):
        handles[0].cancel()
        bench.note(name)

    handles = [bench.loop.call_soon(cancel, "ran")]
    bench.loop.call_soon(bench.note, "next")
    assert bench.steps(2) == [["ran", "next"], []]


def test_a_handle_can_be_cancelled_after_its_callback_ran(bench):
    handle = bench.loop.call_soon(bench.note, "ran")
    bench.loop.step()
    handle.cancel()
    bench.loop.call_soon(bench.note, "next")
    assert bench.step() == ["next"]
    assert handle.cancelled()


def test_a_callback_may_cancel_the_one_behind_it_in_its_batch(bench):
    bench.loop.call_soon(lambda: victims[0].cancel())
    victims = [bench.loop.call_soon(bench.note, "never")]
    bench.loop.call_soon(bench.note, "last")
    assert bench.steps(2) == [["last"], []]


def test_a_callback_may_cancel_every_other_in_its_batch(bench):
    def cancel_all():
        for handle in handles:
            handle.cancel()

    bench.loop.call_soon(cancel_all)
    handles = [bench.loop.call_soon(bench.note, "never") for _ in range(100)]
    assert bench.steps(2) == [[], []]


def test_a_callback_that_cancels_the_last_of_its_batch_does_not_let_a_later_one_in(bench):
    def swap():
        victims[0].cancel()
        bench.loop.call_soon(bench.note, "later")

    bench.loop.call_soon(swap)
    victims = [bench.loop.call_soon(bench.note, "never")]
    assert bench.steps(2) == [[], ["later"]]


def test_a_callback_may_cancel_one_of_a_lower_level(bench):
    victim = bench.loop.call_soon(bench.note, "never")
    bench.loop.call_soon(victim.cancel, priority=HIGH)
    assert bench.steps(2) == [[], []]


def test_what_a_thread_sent_can_be_cancelled_before_the_loop_takes_it_in(bench):
    def send():
        from_a_thread(lambda: bench.loop.call_soon_threadsafe(bench.note, "never").cancel())
        from_a_thread(bench.loop.call_soon_threadsafe, bench.note, "sent")

    bench.loop.call_soon(send)
    assert bench.steps(2) == [[], ["sent"]]


def test_a_handle_of_a_closed_loop_can_be_cancelled(bench):
    handle = bench.loop.call_soon(callback)
    timer = bench.loop.call_later(1, callback)
    bench.loop.close()
    handle.cancel()
    timer.cancel()
    assert handle.cancelled()
    assert timer.cancelled()


def test_a_callback_runs_in_the_context_that_get_context_returns(bench):
    variable = contextvars.ContextVar("variable")
    handle = bench.loop.call_soon(lambda: variable.set("set"))
    bench.loop.step()
    assert handle.get_context()[variable] == "set"
    assert variable.get(None) is None


def test_get_context_returns_the_context_that_was_given(bench):
    given = contextvars.copy_context()
    assert bench.loop.call_soon(callback, context=given).get_context() is given
    assert bench.loop.call_later(1, callback, context=given).get_context() is given
    assert bench.loop.call_idle(callback, context=given).get_context() is given


def test_a_context_that_is_entered_already_is_reported_as_an_error(bench):
    reported = []
    bench.loop.set_exception_handler(lambda loop, context: reported.append(context["exception"]))
    given = contextvars.copy_context()
    bench.loop.call_soon(bench.note, "never", context=given)
    given.run(bench.loop.step)
    assert [type(exc) for exc in reported] == [RuntimeError]
    assert bench.ran == []


def test_handles_are_equal_to_themselves_only_and_hashable(bench):
    one, other = bench.loop.call_soon(callback), bench.loop.call_soon(callback)
    assert one == one
    assert one != other
    assert len({one, other, one}) == 2


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("cancelled", [False, True])
@pytest.mark.parametrize("args", [(), (1, "two")])
def test_the_repr_is_that_of_asyncios_handle(bench, debug, cancelled, args):
    bench.loop.set_debug(debug)
    ours = bench.loop.call_soon(callback, *args)
    stock = asyncio.Handle(callback, args, Stock(debug))
    if cancelled:
        ours.cancel()
        stock.cancel()
    assert without_line(repr(ours)) == without_line(repr(stock))


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("cancelled", [False, True])
def test_the_repr_of_a_timer_is_that_of_asyncios_timer_handle(bench, debug, cancelled):
    bench.loop.set_debug(debug)
    stock_loop = Stock(debug)
    stock_loop._timer_handle_cancelled = lambda handle: None
    ours = bench.loop.call_at(1234.5, callback, 1)
    stock = asyncio.TimerHandle(1234.5, callback, (1,), stock_loop)
    if cancelled:
        ours.cancel()
        stock.cancel()
    assert without_line(repr(ours)) == without_line(repr(stock))


def test_in_debug_mode_the_repr_tells_the_line_that_made_the_handle(bench):
    bench.loop.set_debug(True)
    line = test_in_debug_mode_the_repr_tells_the_line_that_made_the_handle.__code__.co_firstlineno
    handle = bench.loop.call_soon(callback)
    assert f"created at {__file__}:{line + 3}" in repr(handle)


class Payload:
    pass


@pytest.mark.parametrize("level", Priority)
def test_a_cancelled_handle_is_freed_at_once_wherever_it_stands_in_its_level(bench, level):
    handles = [bench.loop.call_soon(callback, n, priority=level) for n in range(3)]
    gone = [weakref.ref(handle) for handle in handles]
    gc.disable()
    try:
        while handles:
            handles.pop(len(handles) // 2).cancel()
        assert [ref() for ref in gone] == [None] * 3
    finally:
        gc.enable()
    assert bench.step() == []


def test_a_cancelled_handle_lets_go_of_its_callback_and_arguments_at_once(bench):
    payload, method_owner = Payload(), Payload()
    method_owner.call = lambda _: None
    gone = [weakref.ref(payload), weakref.ref(method_owner.call)]
    handle = bench.loop.call_soon(method_owner.call, payload)
    handle.cancel()
    del payload, method_owner
    assert [ref() for ref in gone] == [None, None]


def test_a_cancelled_timer_lets_go_of_its_callback_and_arguments_at_once(bench):
    payload = Payload()
    gone = weakref.ref(payload)
    bench.loop.call_later(1, callback, None)
    handle = bench.loop.call_later(1, callback, payload)
    bench.loop.call_later(1, callback, None)
    handle.cancel()
    del payload
    assert gone() is None


def test_in_debug_mode_a_cancelled_handle_lets_go_of_its_arguments_too(bench):
    bench.loop.set_debug(True)
    payload = Payload()
    gone = weakref.ref(payload)
    handle = bench.loop.call_soon(callback, payload)
    handle.cancel()
    del payload
    assert gone() is None
    assert handle.cancelled()


@pytest.mark.parametrize("call", ["call_soon", "call_soon_threadsafe", "call_idle"])
def test_what_ran_is_freed_without_the_garbage_collector(bench, call):
    payload = Payload()
    gone = weakref.ref(payload)
    handle = weakref.ref(getattr(bench.loop, call)(callback, payload))
    del payload
    gc.disable()
    try:
        bench.loop.step()
        assert (gone(), handle()) == (None, None)
    finally:
        gc.enable()


def test_a_callback_that_raised_is_freed_without_the_garbage_collector(bench):
    def fail(payload):
        raise ValueError

    bench.loop.set_exception_handler(lambda loop, context: None)
    payload = Payload()
    gone = weakref.ref(payload)
    bench.loop.call_soon(fail, payload)
    del payload
    gc.disable()
    try:
        bench.loop.step()
        assert gone() is None
    finally:
        gc.enable()


def test_a_timer_that_ran_is_freed_without_the_garbage_collector(bench):
    payload = Payload()
    gone = weakref.ref(payload)
    bench.loop.call_later(0, callback, payload)
    bench.loop.call_idle(callback, payload, timeout=0)
    del payload
    gc.disable()
    try:
        bench.loop.step()
        assert gone() is None
    finally:
        gc.enable()
