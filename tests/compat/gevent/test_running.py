"""The loop: when it ends, in what order it runs, and that nothing is locked out."""

import asyncio
import gc
import weakref

import pytest
from gevent._interfaces import ICallback, ILoop
from zope.interface import verify

from mainspring.compat.gevent import Loop
from tests.threads import from_a_thread


def test_it_has_all_that_gevent_asks_of_a_loop(loop):
    assert verify.verifyObject(ILoop, loop)
    assert verify.verifyObject(ICallback, loop.run_callback(print))


def test_it_ends_when_nothing_is_left_to_wait_for(loop, record):
    loop.run()
    loop.timer(0).start(record.note, "timer")
    loop.run()
    assert record == ["timer"]
    assert loop.activecnt == 0


def test_a_watcher_without_ref_does_not_keep_it(loop):
    timer = loop.timer(1000.0, ref=False)
    timer.start(print)
    loop.run()
    assert timer.active
    timer.ref = True
    assert loop.activecnt == 1
    timer.close()
    assert loop.activecnt == 0


def test_what_asyncio_waits_for_keeps_it(loop, record):
    event_loop = loop.event_loop

    async def wait():
        await asyncio.sleep(0)
        await event_loop.run_in_executor(None, record.note, "thread")
        return "done"

    task = event_loop.create_task(wait())
    event_loop.call_later(0, record.note, "timer")
    loop.run()
    assert task.result() == "done"
    assert set(record) == {"timer", "thread"}
    event_loop.run_until_complete(event_loop.shutdown_default_executor())


def test_a_run_of_asyncios_own_does_not_end_for_want_of_watchers(loop):
    future = loop.event_loop.create_future()
    timer = loop.timer(0.001, ref=False)
    timer.start(future.set_result, "timer")
    assert loop.event_loop.run_until_complete(future) == "timer"


def test_ref_keeps_it_until_unref(loop, record):
    loop.ref()
    loop.event_loop.call_later(0, loop.unref)
    loop.run()
    assert loop.activecnt == 0


def test_callbacks_run_in_order_with_those_that_they_add(loop, record):
    loop.run_callback(lambda: (record.note(1), loop.run_callback(record.note, 3)))
    loop.run_callback(record.note, 2)
    loop.run(nowait=True)
    assert record == [1, 2, 3]


def test_a_callback_that_was_stopped_does_not_run(loop, record):
    callback = loop.run_callback(record.note, 1)
    assert callback
    assert callback.pending
    callback.stop()
    assert not callback
    loop.run()
    assert record == []


def test_a_callback_of_another_thread_wakes_the_loop(loop, record):
    loop.ref()
    loop.run_callback(
        from_a_thread, loop.run_callback_threadsafe, lambda: (record.note("woken"), loop.unref())
    )
    loop.run()
    assert record == ["woken"]


def test_coroutines_get_their_turn_beside_callbacks_that_add_callbacks(loop, record):
    def again():
        if "coroutine" not in record:
            loop.run_callback(again)

    async def coroutine():
        record.note("coroutine")

    loop.event_loop.create_task(coroutine())
    again()
    loop.run()
    assert record == ["coroutine"]


@pytest.mark.parametrize("priority", [-2, -1, 1, 2])
def test_no_priority_locks_the_callbacks_out(loop, record, priority):
    idle = loop.async_(priority=priority)
    idle.start(lambda: None if "callback" in record else idle.send())
    idle.send()
    loop.timer(0, 1e-9, priority=priority).start(lambda: None)
    loop.timer(0).start(loop.run_callback, lambda: (record.note("callback"), loop.break_()))
    loop.run()
    assert record == ["callback"]


def test_of_what_is_due_at_once_the_more_urgent_is_first(loop, record):
    for priority in (-2, 0, 2, -1, 1):
        loop.timer(0, priority=priority).start(record.note, priority)
    loop.run()
    assert record == [2, 1, 0, -1, -2]


def test_an_error_goes_to_the_handler_and_the_loop_goes_on(loop, record):
    failing = loop.run_callback(int, "no number")
    loop.run_callback(record.note, "next")
    loop.run()
    [(context, error)] = loop.errors
    assert context is failing
    assert isinstance(error, ValueError)
    assert record == ["next"]


def test_an_interrupt_in_asyncios_callback_goes_to_the_handler_too(loop, record):
    def interrupt():
        raise KeyboardInterrupt

    loop.event_loop.call_soon(interrupt)
    loop.event_loop.call_soon(record.note, "next")
    loop.run()
    [(context, error)] = loop.errors
    assert context is None
    assert isinstance(error, KeyboardInterrupt)
    assert record == ["next"]


def test_break_ends_a_run_although_something_is_left(loop):
    timer = loop.timer(1000.0)
    timer.start(print)
    loop.run_callback(loop.break_)
    loop.run()
    assert timer.active
    timer.close()


def test_once_waits_and_nowait_does_not(loop, record):
    timer = loop.timer(1000.0)
    timer.start(record.note, "late")
    loop.run(nowait=True)
    loop.timer(1e-6).start(record.note, "soon")
    loop.run(once=True)
    assert record == ["soon"]
    timer.close()


def test_a_loop_may_run_in_a_callback_of_another_and_of_itself(loop, record):
    inner = Loop(default=False)

    def nest():
        inner.run_callback(lambda: record.note(asyncio.get_running_loop() is inner.event_loop))
        inner.run()
        loop.run_callback(record.note, "own")
        loop.run(nowait=True)
        record.note(asyncio.get_running_loop() is loop.event_loop)

    loop.run_callback(nest)
    loop.run()
    assert record == [True, "own", True]
    inner.destroy()


def test_a_destroyed_loop_says_so(loop):
    timer = loop.timer(1)
    timer.start(print)
    assert loop.destroy()
    assert loop.destroy() is None
    assert loop.ptr is None
    assert not loop.default
    assert "destroyed" in repr(loop)
    for use in (lambda: loop.run_callback(print), loop.run, lambda: loop.timer(1), loop.now):
        with pytest.raises(ValueError, match="destroyed"):
            use()
    timer.close()


def test_nothing_is_left_of_a_loop_and_its_watchers():
    loop = Loop(default=False)
    timer, idle = loop.timer(1000.0), loop.idle()
    timer.start(print)
    idle.start(print)
    loop.run_callback(print)
    gone = [weakref.ref(loop.event_loop)]
    loop.destroy()
    del loop, timer, idle
    gc.collect()
    assert [ref() for ref in gone] == [None]
