"""Errors that nobody waits for: what becomes of them by default and with a handler."""

import asyncio
import contextvars
import gc
import logging

import pytest

from tests.loop.helpers import run_ready


def fail():
    raise LookupError("lost")


def errors_of(caplog):
    return [record for record in caplog.records if record.levelno == logging.ERROR]


def test_an_error_of_a_callback_is_logged_with_its_traceback(loop, caplog):
    loop.call_soon(fail)
    run_ready(loop)
    (record,) = errors_of(caplog)
    assert record.name == "asyncio"
    assert "Exception in callback fail()" in record.getMessage()
    assert "handle: <Handle fail()" in record.getMessage()
    assert isinstance(record.exc_info[1], LookupError)


def test_an_error_without_an_exception_is_logged_without_a_traceback(loop, caplog):
    loop.call_exception_handler({"message": "something is wrong", "detail": 5})
    (record,) = errors_of(caplog)
    assert record.getMessage() == "something is wrong\ndetail: 5"
    assert not record.exc_info


def test_an_error_without_a_message_is_logged_all_the_same(loop, caplog):
    loop.call_exception_handler({})
    assert errors_of(caplog)[0].getMessage() == "Unhandled exception in event loop"


def test_the_log_tells_where_the_handle_was_made_in_debug_mode(loop, caplog):
    loop.set_debug(True)
    loop.call_soon(fail)
    run_ready(loop)
    text = errors_of(caplog)[0].getMessage()
    assert "\nsource_traceback: Object created at (most recent call last):\n" in text
    assert "loop.call_soon(fail)" in text


def test_a_handler_gets_the_loop_and_the_context(loop, caplog):
    calls = []
    loop.set_exception_handler(lambda *args: calls.append(args))
    handle = loop.call_soon(fail)
    run_ready(loop)
    ((given_loop, context),) = calls
    assert given_loop is loop
    assert context["handle"] is handle
    assert isinstance(context["exception"], LookupError)
    assert context["message"].startswith("Exception in callback fail()")
    assert errors_of(caplog) == []


@pytest.mark.parametrize("kind", ["callback", "task"])
def test_a_handler_runs_in_the_context_of_what_failed(loop, kind):
    def change_and_fail():
        variable.set("changed")
        fail()

    async def main():
        change_and_fail()

    variable = contextvars.ContextVar("variable", default="unchanged")
    seen = []
    loop.set_exception_handler(lambda *args: seen.append(variable.get()))
    if kind == "callback":
        loop.call_soon(change_and_fail)
    else:
        loop.create_task(main())
    run_ready(loop)
    run_ready(loop)
    gc.collect()
    assert seen == ["changed"]


def test_a_handler_is_called_by_a_task_that_reports_on_itself(ours):
    # On our loop only: asyncio enters the task's context a second time, which fails.
    async def main():
        ours.call_exception_handler({"message": "about myself", "task": asyncio.current_task()})

    messages = []
    ours.set_exception_handler(lambda _, context: messages.append(context["message"]))
    ours.run_until_complete(main())
    assert messages == ["about myself"]


def test_an_error_of_a_handler_in_the_context_of_a_task_is_logged(loop, caplog):
    async def main():
        fail()

    def broken(_, context):
        raise RuntimeError("broken")

    loop.set_exception_handler(broken)
    loop.create_task(main())
    run_ready(loop)
    run_ready(loop)
    gc.collect()
    (record,) = errors_of(caplog)
    assert "Unhandled error in exception handler" in record.getMessage()
    assert "broken" in str(record.exc_info[1])


def test_the_handler_that_was_set_can_be_asked_for(loop):
    def handler(*args):
        pass

    assert loop.get_exception_handler() is None
    loop.set_exception_handler(handler)
    assert loop.get_exception_handler() is handler
    loop.set_exception_handler(None)
    assert loop.get_exception_handler() is None


@pytest.mark.parametrize("wrong", [5, "handler"])
def test_a_handler_that_can_not_be_called_is_refused(loop, wrong):
    with pytest.raises(TypeError, match="A callable object or None is expected"):
        loop.set_exception_handler(wrong)


def test_a_handler_that_fails_is_logged_with_what_it_was_to_handle(loop, caplog):
    loop.set_exception_handler(lambda *args: 1 / 0)
    loop.call_soon(fail)
    run_ready(loop)
    (record,) = errors_of(caplog)
    assert "Unhandled error in exception handler" in record.getMessage()
    assert "LookupError('lost')" in record.getMessage()
    assert isinstance(record.exc_info[1], ZeroDivisionError)


def test_a_default_handler_that_fails_is_logged(new_loop, caplog):
    loop = new_loop()
    loop.default_exception_handler = lambda context: 1 / 0
    loop.call_soon(fail)
    run_ready(loop)
    loop.close()
    (record,) = errors_of(caplog)
    assert record.getMessage().startswith("Exception in default exception handler")


def test_two_handlers_that_fail_are_logged_as_one(new_loop, caplog):
    loop = new_loop()
    loop.default_exception_handler = lambda context: 1 / 0
    loop.set_exception_handler(lambda *args: 1 / 0)
    loop.call_soon(fail)
    run_ready(loop)
    loop.close()
    (record,) = errors_of(caplog)
    assert "while handling an unexpected error in custom exception handler" in record.getMessage()


@pytest.mark.parametrize("ending", [KeyboardInterrupt, SystemExit])
def test_a_handler_may_end_the_program(loop, ending):
    def handler(*args):
        raise ending

    loop.set_exception_handler(handler)
    loop.call_soon(fail)
    with pytest.raises(ending):
        loop.run_forever()


def test_an_exception_that_nobody_retrieved_is_reported_when_its_task_is_freed(loop):
    async def lose():
        raise LookupError("lost")

    reported = []
    loop.set_exception_handler(lambda _, context: reported.append(context))
    task = loop.create_task(lose())
    run_ready(loop)
    assert reported == []
    assert task.done()
    del task
    gc.collect()
    assert reported[0]["message"] == "Task exception was never retrieved"


def test_a_task_that_is_dropped_while_it_waits_is_reported(loop):
    async def wait():
        await asyncio.Future()

    reported = []
    loop.set_exception_handler(lambda _, context: reported.append(context))
    task = loop.create_task(wait())
    run_ready(loop)
    assert not task.done()
    del task
    gc.collect()
    assert reported[0]["message"] == "Task was destroyed but it is pending!"


def test_what_run_until_complete_raises_is_not_logged_too(loop, caplog):
    async def lose():
        raise LookupError("lost")

    with pytest.raises(LookupError):
        loop.run_until_complete(lose())
    gc.collect()
    assert errors_of(caplog) == []


def test_a_timers_error_is_reported_with_the_timer(loop):
    contexts = []
    loop.set_exception_handler(lambda _, context: (contexts.append(context), loop.stop()))
    timer = loop.call_later(0, fail)
    loop.run_forever()
    assert contexts[0]["handle"] is timer


def test_a_readers_error_is_reported_and_the_reader_stays(loop, pair):
    contexts = []
    loop.set_exception_handler(lambda _, context: contexts.append(context))
    pair[1].send(b"x")
    loop.add_reader(pair[0], fail)
    run_ready(loop)
    run_ready(loop)
    assert [type(context["exception"]) for context in contexts] == [LookupError] * 2
    assert loop.remove_reader(pair[0]) is True
