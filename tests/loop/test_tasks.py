"""Tasks and futures of a loop: keywords, contexts, factories, eager starts."""

import asyncio
import contextvars
import sys

import pytest

from mainspring import Priority
from tests.loop.helpers import run_ready
from tests.threads import from_a_thread

variable = contextvars.ContextVar("variable", default="unset")


async def read_variable():
    return variable.get()


async def nothing():
    pass


def test_a_task_is_asyncios_own_and_of_this_loop(loop):
    task = loop.create_task(nothing())
    loop.run_until_complete(task)
    assert type(task) is asyncio.Task
    assert task.get_loop() is loop


def test_a_future_is_asyncios_own_and_of_this_loop(loop):
    future = loop.create_future()
    assert type(future) is asyncio.Future
    assert future.get_loop() is loop


def test_a_class_that_replaces_asyncios_tasks_makes_the_tasks(loop, monkeypatch):
    class OtherTask(asyncio.Task):
        pass

    async def main():
        return type(asyncio.create_task(asyncio.sleep(0)))

    monkeypatch.setattr(asyncio.tasks, "Task", OtherTask)
    assert loop.run_until_complete(main()) is OtherTask


def test_a_class_that_replaces_asyncios_futures_makes_the_futures(loop, monkeypatch):
    class OtherFuture(asyncio.Future):
        pass

    monkeypatch.setattr(asyncio.futures, "Future", OtherFuture)
    assert type(loop.create_future()) is OtherFuture


def test_a_task_has_the_name_that_it_was_given(loop):
    task = loop.create_task(nothing(), name="a name")
    loop.run_until_complete(task)
    assert task.get_name() == "a name"


def test_a_task_without_a_name_gets_one(loop):
    task = loop.create_task(nothing())
    loop.run_until_complete(task)
    assert task.get_name().startswith("Task-")


def test_a_task_runs_in_the_context_that_it_was_given(loop):
    context = contextvars.copy_context()
    context.run(variable.set, "given")
    task = loop.create_task(read_variable(), context=context)
    assert loop.run_until_complete(task) == "given"
    assert task.get_context() is context


def test_a_task_runs_in_a_copy_of_the_current_context(loop):
    async def change():
        variable.set("changed")

    def start():
        variable.set("before")
        tasks.append(loop.create_task(change()))
        variable.set("after")
        tasks.append(loop.create_task(read_variable()))
        return variable.get()

    tasks = []
    assert contextvars.copy_context().run(start) == "after"
    assert loop.run_until_complete(tasks[1]) == "after"
    assert tasks[0].get_context()[variable] == "changed"


def test_a_callback_sees_the_context_that_it_was_queued_in(loop):
    seen = []

    def queue():
        variable.set("inside")
        loop.call_soon(lambda: seen.append(variable.get()))
        loop.call_soon_threadsafe(lambda: seen.append(variable.get()))
        loop.call_later(0, lambda: (seen.append(variable.get()), loop.stop()))

    contextvars.copy_context().run(queue)
    loop.run_forever()
    assert seen == ["inside"] * 3


@pytest.mark.parametrize("wrong", [5, None, nothing, "coroutine"])
def test_what_is_not_a_coroutine_makes_no_task(loop, wrong):
    with pytest.raises(TypeError, match="a coroutine was expected"):
        loop.create_task(wrong)


def test_a_keyword_that_tasks_do_not_know_is_refused(loop):
    coroutine = nothing()
    with pytest.raises(TypeError, match="unknown_keyword"):
        loop.create_task(coroutine, unknown_keyword=1)
    coroutine.close()


def test_a_task_started_from_a_callback_runs_in_a_later_iteration(loop):
    ran = []

    async def task():
        ran.append("task")

    def start():
        tasks.append(loop.create_task(task()))
        ran.append("callback")

    tasks = []
    loop.call_soon(start)
    loop.call_soon(ran.append, "behind")
    run_ready(loop)
    loop.run_until_complete(tasks[0])
    assert ran == ["callback", "behind", "task"]


def test_tasks_take_turns_in_order(loop):
    ran = []

    async def count(name):
        for number in range(3):
            ran.append((name, number))
            await asyncio.sleep(0)

    async def main():
        await asyncio.gather(count("a"), count("b"))

    loop.run_until_complete(main())
    assert ran == [(name, number) for number in range(3) for name in "ab"]


def test_the_current_task_is_known_to_asyncio(loop):
    async def main():
        return asyncio.current_task(), asyncio.all_tasks()

    task = loop.create_task(main())
    assert loop.run_until_complete(task) == (task, {task})


def test_a_task_group_runs_on_the_loop(loop):
    async def double(number):
        await asyncio.sleep(0)
        return 2 * number

    async def main():
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(double(number)) for number in range(5)]
        return [task.result() for task in tasks]

    assert loop.run_until_complete(main()) == [0, 2, 4, 6, 8]


def test_a_task_group_cancels_the_others_when_one_fails(loop):
    ended = []

    async def wait():
        try:
            await asyncio.Future()
        finally:
            ended.append("cancelled")

    async def fail():
        raise LookupError

    async def main():
        async with asyncio.TaskGroup() as group:
            group.create_task(wait())
            group.create_task(fail())

    with pytest.raises(ExceptionGroup):
        loop.run_until_complete(main())
    assert ended == ["cancelled"]


def test_a_timeout_ends_a_wait(loop):
    async def main():
        async with asyncio.timeout(0):
            await asyncio.Future()

    with pytest.raises(TimeoutError):
        loop.run_until_complete(main())


def test_wait_for_cancels_what_it_waited_for(loop):
    async def main():
        future = asyncio.get_running_loop().create_future()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(future, 0.001)
        return future.cancelled()

    assert loop.run_until_complete(main())


def test_a_factory_makes_the_tasks(loop):
    calls = []

    def factory(given_loop, coroutine, **kwargs):
        calls.append((given_loop, coroutine))
        return asyncio.Task(coroutine, loop=given_loop, **kwargs)

    loop.set_task_factory(factory)
    coroutine = read_variable()
    assert loop.run_until_complete(loop.create_task(coroutine)) == "unset"
    assert calls == [(loop, coroutine)]


def test_a_factory_gets_the_context_and_the_task_its_name(loop):
    def factory(given_loop, coroutine, **kwargs):
        seen.append(kwargs.get("context"))
        return asyncio.Task(coroutine, loop=given_loop, **kwargs)

    seen = []
    loop.set_task_factory(factory)
    context = contextvars.copy_context()
    task = loop.create_task(nothing(), name="a name", context=context)
    loop.run_until_complete(task)
    assert seen == [context]
    assert task.get_name() == "a name"


def test_a_factory_gets_no_context_when_none_was_given(loop):
    def factory(given_loop, coroutine, **kwargs):
        seen.append("context" in kwargs and kwargs["context"] is not None)
        return asyncio.Task(coroutine, loop=given_loop, **kwargs)

    seen = []
    loop.set_task_factory(factory)
    loop.run_until_complete(loop.create_task(nothing()))
    assert seen == [False]


def test_a_factory_may_return_whatever_is_awaitable(ours):
    def factory(given_loop, coroutine, **kwargs):
        coroutine.close()
        future = given_loop.create_future()
        future.set_result("from the factory")
        return future

    ours.set_task_factory(factory)
    assert ours.run_until_complete(ours.create_task(nothing())) == "from the factory"


def test_the_factory_can_be_asked_for_and_taken_away(loop):
    def factory(*args, **kwargs):
        raise AssertionError("the factory was taken away")

    assert loop.get_task_factory() is None
    loop.set_task_factory(factory)
    assert loop.get_task_factory() is factory
    loop.set_task_factory(None)
    loop.run_until_complete(loop.create_task(nothing()))


@pytest.mark.parametrize("wrong", [5, "factory"])
def test_a_factory_that_can_not_be_called_is_refused(loop, wrong):
    with pytest.raises(TypeError, match="task factory must be a callable or None"):
        loop.set_task_factory(wrong)


def test_the_eager_factory_starts_a_task_at_once(loop):
    async def main():
        ran = []

        async def child():
            ran.append("child")
            return 5

        task = asyncio.create_task(child())
        ran.append("parent")
        return ran, task.done(), await task

    loop.set_task_factory(asyncio.eager_task_factory)
    assert loop.run_until_complete(main()) == (["child", "parent"], True, 5)


def test_a_factory_of_eager_tasks_of_another_class_makes_those(loop):
    class OtherTask(asyncio.Task):
        pass

    async def quick():
        order.append("task")
        return "result"

    async def main():
        task = asyncio.create_task(quick(), name="quick")
        order.append("main")
        return type(task), task.get_name(), task.done(), await task

    order = []
    loop.set_task_factory(asyncio.create_eager_task_factory(OtherTask))
    assert loop.run_until_complete(main()) == (OtherTask, "quick", True, "result")
    assert order == ["task", "main"]


def test_an_eager_task_that_fails_at_once_keeps_its_exception(loop):
    async def fail():
        raise LookupError("lost")

    async def main():
        task = asyncio.create_task(fail())
        assert task.done()
        with pytest.raises(LookupError, match="lost"):
            await task

    loop.set_task_factory(asyncio.eager_task_factory)
    loop.run_until_complete(main())


def test_an_eager_task_runs_in_a_copy_of_the_context_and_as_the_current_task(loop):
    async def look():
        variable.set("inside")
        return asyncio.current_task()

    async def main():
        task = asyncio.create_task(look())
        assert variable.get() == "outside"
        return await task is task

    variable = contextvars.ContextVar("variable", default="outside")
    loop.set_task_factory(asyncio.eager_task_factory)
    assert loop.run_until_complete(main())


def test_an_eager_task_that_has_to_wait_goes_on_in_the_loop(loop):
    async def main():
        future = asyncio.get_running_loop().create_future()

        async def child():
            return await future

        task = asyncio.create_task(child())
        assert not task.done()
        future.set_result("went on")
        return await task

    loop.set_task_factory(asyncio.eager_task_factory)
    assert loop.run_until_complete(main()) == "went on"


@pytest.mark.skipif(
    sys.version_info < (3, 14), reason="eager_start= came to create_task with Python 3.14"
)
def test_create_task_starts_a_task_at_once_when_told(loop):
    async def main():
        ran = []

        async def child():
            ran.append("child")

        task = asyncio.get_running_loop().create_task(child(), eager_start=True)
        ran.append("parent")
        await task
        return ran

    assert loop.run_until_complete(main()) == ["child", "parent"]


def test_a_factory_of_tasks_hears_nothing_of_priorities(ours):
    def factory(given_loop, coroutine, **kwargs):
        seen.append(set(kwargs) - {"name"})
        return asyncio.Task(coroutine, loop=given_loop, **kwargs)

    seen = []
    ours.set_task_factory(factory)
    ours.run_until_complete(ours.create_task(nothing(), priority=Priority.HIGH))
    assert seen == [{"context"}]


def test_a_future_that_is_done_calls_back_in_a_later_iteration(loop):
    future = loop.create_future()
    ran = []
    future.add_done_callback(lambda _: ran.append("callback"))
    future.set_result(None)
    ran.append("set")
    run_ready(loop)
    assert ran == ["set", "callback"]


def test_a_future_can_be_completed_from_another_thread(loop):
    async def main():
        future = loop.create_future()
        from_a_thread(loop.call_soon_threadsafe, future.set_result, "sent")
        return await future

    assert loop.run_until_complete(main()) == "sent"


def test_run_coroutine_threadsafe_returns_the_result_to_the_thread(loop):
    async def main():
        return await asyncio.to_thread(
            lambda: asyncio.run_coroutine_threadsafe(read_variable(), loop).result()
        )

    assert loop.run_until_complete(main()) == "unset"
    loop.run_until_complete(loop.shutdown_default_executor())
