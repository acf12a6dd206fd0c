"""Green calls and green threads: plain functions that wait inside a task."""

import asyncio
import contextvars
import gc
import inspect
import traceback
import warnings
import weakref

import greenlet
import pytest

import mainspring
from mainspring.green import (
    BlockingSwitchOutError,
    GreenThread,
    await_,
    checkpoint,
    green,
    sleep,
    spawn,
    spawn_later,
)
from tests.green.helpers import never, soon, turns

number = contextvars.ContextVar("number", default=0)


def test_a_green_thread_is_a_task_with_its_functions_result(run):
    def main():
        thread = spawn(lambda a, b: a + await_(soon(b)), 1, b=2, name="adder")
        assert isinstance(thread, asyncio.Task)
        assert thread.get_name() == "adder"
        return await_(thread)

    assert run(main) == 3


def test_what_the_function_raises_is_the_tasks_exception(run):
    def fail():
        await_(soon())
        raise LookupError("nothing here")

    async def main():
        thread = spawn(fail)
        with pytest.raises(LookupError, match="nothing here"):
            await thread
        return traceback.extract_tb(thread.exception().__traceback__)[-1].name

    assert run(main) == "fail"


def test_a_failed_future_raises_where_the_function_waits(run):
    def main():
        with pytest.raises(LookupError, match="nothing here"):
            await_(soon(exc=LookupError("nothing here")))
        return "gone on"

    assert run(main) == "gone on"


def test_green_and_coroutine_code_nest_to_any_depth(run):
    async def doubled(value):
        return 2 * await soon(value)

    def deep(value):
        return await_(doubled(value))

    async def middle(value):
        return deep(value) + await green(deep, value)

    assert run(lambda: await_(middle(1))) == 4


def test_the_current_task_is_the_same_before_and_after_each_wait(run):
    def main():
        task = asyncio.current_task()
        seen = []

        async def inside():
            seen.append(asyncio.current_task())
            await soon()

        await_(soon())
        seen.append(asyncio.current_task())
        await_(inside())
        seen.append(asyncio.current_task())
        await_(green(lambda: seen.append(asyncio.current_task())))
        return all(one is task for one in seen)

    assert run(main)


def test_siblings_never_see_each_others_task(run):
    def work(seen):
        for _ in range(5):
            seen.append(asyncio.current_task())
            sleep(0)

    def main():
        seen = [[], [], []]
        threads = [spawn(work, one) for one in seen]
        for thread in threads:
            await_(thread)
        return [set(one) == {thread} for one, thread in zip(seen, threads, strict=True)]

    assert run(main) == [True, True, True]


def test_a_variable_set_in_an_awaited_coroutine_is_seen_by_the_caller_and_not_by_its_spawner(run):
    async def set_it():
        await soon()
        number.set(7)

    def child():
        await_(set_it())
        return number.get()

    def main():
        number.set(1)
        return spawn(child).get(), number.get()

    assert run(main) == (7, 1)


def test_await_green_runs_in_the_context_of_the_task(run):
    async def main():
        await green(number.set, 5)
        return number.get()

    assert run(main) == 5


def test_a_thread_runs_in_the_context_that_is_given(run):
    def main():
        context = contextvars.copy_context()
        spawn(number.set, 9, context=context).join()
        return context[number], number.get()

    assert run(main) == (9, 0)


def test_a_context_that_a_waiting_function_has_entered_cannot_be_entered_by_another(run):
    def main():
        context = contextvars.copy_context()
        end = never()
        first = spawn(lambda: context.run(await_, end))
        turns()
        with pytest.raises(RuntimeError, match="already entered"):
            context.run(lambda: None)
        end.set_result("done")
        return first.get(), context.run(lambda: "free again")

    assert run(main) == ("done", "free again")


def test_timeouts_and_groups_of_asyncio_hold_for_green_calls(run):
    async def main():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await green(lambda: await_(never()))
        async with asyncio.TaskGroup() as group:
            task = group.create_task(green(lambda: await_(soon("grouped"))))
        return task.result()

    assert run(main) == "grouped"


def test_a_future_that_is_done_costs_no_turn(run):
    def main():
        future = soon(3)
        await_(future)
        ran = []
        asyncio.get_running_loop().call_soon(ran.append, True)
        return await_(future), list(ran)

    assert run(main) == (3, [])


def test_a_coroutine_that_does_not_wait_costs_no_turn(run):
    async def at_once():
        return 4

    def main():
        ran = []
        asyncio.get_running_loop().call_soon(ran.append, True)
        return await_(at_once()), list(ran)

    assert run(main) == (4, [])


def test_sleep_zero_lets_the_others_run_once(run):
    def main():
        order = []
        spawn(order.append, "other")
        sleep(0)
        order.append("this")
        return order

    assert run(main) == ["other", "this"]


def test_checkpoint_goes_on_at_once_when_nothing_is_due():
    def main():
        ran = []
        asyncio.get_running_loop().call_soon(ran.append, True)
        checkpoint()
        return list(ran)

    assert mainspring.run(main) == []


def test_a_c_function_may_call_back_into_code_that_waits(run):
    assert run(lambda: sorted([3, 1, 2], key=lambda one: await_(soon(-one)))) == [3, 2, 1]


def test_spawn_takes_a_coroutine_function_and_a_coroutine(run):
    async def add(a, b=0):
        return a + await soon(b)

    def main():
        return spawn(add, 1, b=2).get(), spawn(add(3)).get()

    assert run(main) == (3, 3)


@pytest.mark.parametrize("what", [None, 7, "name"])
def test_spawn_refuses_what_cannot_be_called_by_name(run, what):
    def main():
        with pytest.raises(TypeError, match=rf"needs a function, got {what!r}"):
            spawn(what)
        with pytest.raises(TypeError, match=rf"needs a function, got {what!r}"):
            green(what)

    run(main)


def test_spawn_refuses_arguments_for_what_has_begun(run):
    async def add():
        pass

    def main():
        coroutine = add()
        with pytest.raises(TypeError, match="has its arguments already"):
            spawn(coroutine, 1)
        coroutine.close()

    run(main)


def test_green_refuses_a_coroutine_function():
    async def add():
        pass

    with pytest.raises(TypeError, match="is a coroutine function"):
        green(add)


def test_spawn_without_a_running_loop_says_so():
    with pytest.raises(RuntimeError, match="no running event loop"):
        spawn(print)


def test_a_thread_has_the_priority_that_is_named_and_so_has_what_it_starts():
    def main():
        thread = spawn(
            lambda: [mainspring.get_priority(asyncio.current_task()), spawn(sleep)],
            priority=mainspring.Priority.LOW,
        )
        own, child = thread.get()
        return own, mainspring.get_priority(child)

    assert mainspring.run(main) == (mainspring.Priority.LOW, mainspring.Priority.LOW)


def test_spawn_refuses_a_priority_that_is_none_and_leaves_no_coroutine_behind(run):
    async def work():
        pass

    def main():
        with pytest.raises(ValueError, match="not 9"):
            spawn(work, priority=9)

    run(main)


def test_a_later_thread_starts_when_the_time_has_come(run):
    def main():
        order = []
        thread = spawn_later(0.001, order.append, "later")
        order.append("now")
        thread.join()
        return order

    assert run(main) == ["now", "later"]


def test_a_later_thread_that_is_killed_never_starts(run):
    def main():
        order = []
        thread = spawn_later(0.001, order.append, "later")
        thread.kill()
        return order, thread.cancelled()

    assert run(main) == ([], True)


def test_a_green_call_that_nobody_awaits_is_reported():
    call = green(print)
    with pytest.warns(RuntimeWarning, match=r"green call print at .* was never awaited"):
        del call


def test_a_function_that_is_dropped_while_it_waits_is_ended(run):
    async def main():
        ended = []

        def wait():
            try:
                await_(never())
            finally:
                ended.append(True)

        call = green(wait)
        call.send(None).cancel()
        del call
        return ended

    assert run(main) == [True]


def test_a_function_that_waits_again_when_it_is_closed_is_reported(run):
    async def main():
        def stubborn():
            try:
                await_(never())
            except GeneratorExit:
                await_(never())

        call = green(stubborn)
        call.send(None)
        with pytest.raises(RuntimeError, match="ignored GeneratorExit"):
            call.close()

    run(main)


def test_a_call_that_has_ended_cannot_be_used_again(run):
    async def main():
        call = green(lambda: 1)
        assert await call == 1
        with pytest.raises(RuntimeError, match="cannot reuse"):
            await call

    run(main)


def test_a_call_cannot_be_stepped_from_within(run):
    async def main():
        def step():
            with pytest.raises(ValueError, match="already executing"):
                call.send(None)
            return "one"

        call = green(step)
        return await call

    assert run(main) == "one"


def test_a_stop_iteration_that_leaves_the_function_is_an_error(run):
    def stop():
        raise StopIteration(3)

    def main():
        with pytest.raises(RuntimeError, match="raised StopIteration") as caught:
            await_(green(stop))
        return type(caught.value.__cause__)

    assert run(main) is StopIteration


def test_what_the_function_took_goes_when_it_has_ended(run):
    class Thing:
        pass

    async def main():
        thing = Thing()
        gone = weakref.ref(thing)
        call = green(id, thing)
        await call
        del thing
        gc.collect()
        return gone()

    assert run(main) is None


def test_an_exception_with_its_frames_is_freed_with_the_task(run):
    class Thing:
        pass

    def main():
        refs = []

        def fail():
            thing = Thing()
            refs.append(weakref.ref(thing))
            await_(soon())
            raise LookupError

        thread = spawn(fail)
        with pytest.raises(LookupError):
            thread.get()
        del thread
        turns()
        gc.collect()
        return refs[0]()

    assert run(main) is None


def test_a_waiting_call_shows_where_it_waits(run):
    async def main():
        def wait():
            await_(future)

        future = never()
        thread = spawn(wait)
        await asyncio.sleep(0)
        call = thread.get_coro()
        shown = (
            inspect.getcoroutinestate(call),
            call.cr_await is future,
            [frame.f_code.co_name for frame in thread.get_stack()][-1],
            call.__qualname__.rpartition(".")[2],
        )
        future.set_result(None)
        await thread
        return shown, inspect.getcoroutinestate(call)

    assert run(main) == (("CORO_SUSPENDED", True, "wait", "wait"), "CORO_CLOSED")


def test_a_greenlet_of_the_functions_own_may_wait_for_it(run):
    def main():
        return greenlet.greenlet(lambda: await_(soon("from inside"))).switch()

    assert run(main) == "from inside"


def test_a_greenlet_that_is_not_the_calls_own_is_refused(run):
    errors = []

    def wait():
        try:
            await_(soon())
        except RuntimeError as exc:
            errors.append(str(exc))

    def main():
        # Its end, too, is the business of the loop's greenlet, not of this one.
        greenlet.greenlet(wait, parent=greenlet.getcurrent().parent).switch()

    with pytest.raises(BlockingSwitchOutError, match=r"main.* has switched to the loop's greenlet"):
        run(main)
    assert "doesn't descend from its greenlet" in errors[0]


def test_a_function_that_switches_to_the_loops_greenlet_gets_an_error_there_and_goes_on(run):
    def main():
        for _ in range(2):
            with pytest.raises(BlockingSwitchOutError, match=r"main.* has switched"):
                greenlet.getcurrent().parent.switch()
        return await_(soon("went on"))

    assert run(main) == "went on"


def test_a_kept_greenlet_serves_again_only_when_nobody_has_seen_it(run):
    def main():
        ids = [spawn(lambda: id(greenlet.getcurrent())).get() for _ in range(2)]
        kept = [spawn(greenlet.getcurrent).get() for _ in range(2)]
        marked = []
        for _ in range(2):
            spawn(lambda: setattr(greenlet.getcurrent(), "mark", True)).join()
            marked.append(spawn(lambda: hasattr(greenlet.getcurrent(), "mark")).get())
        return ids[0] == ids[1], kept[0] is kept[1], marked

    assert run(main) == (True, False, [False, False])


def test_no_warning_and_no_task_is_left_when_a_loop_closes_over_waiting_threads():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ended = []

        def wait():
            try:
                await_(never())
            finally:
                ended.append(True)

        async def main():
            thread = spawn(wait)
            await asyncio.sleep(0)
            return weakref.ref(thread)

        thread = mainspring.run(main)
        gc.collect()
        assert (ended, thread()) == ([True], None)


def test_a_green_thread_says_what_it_is(run):
    def main():
        thread = spawn(turns, name="turner")
        return isinstance(thread, GreenThread), "turner" in repr(thread), "turns" in repr(thread)

    assert run(main) == (True, True, True)
