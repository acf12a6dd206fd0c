"""Attaching a context, owning it, and letting it go."""

import asyncio
import os
from functools import partial

import pytest

import mainspring
from mainspring.compat.glib import attach
from tests.compat.glib.sources import Context, glib
from tests.core.fakes import Bench
from tests.loop.helpers import run_ready
from tests.threads import from_a_thread


def is_free(context: Context) -> bool:
    """Returns whether another thread could run the context now."""

    def try_it() -> bool:
        if not glib.g_main_context_acquire(context.address):
            return False
        glib.g_main_context_release(context.address)
        return True

    return bool(from_a_thread(try_it))


def test_the_loop_owns_the_context_while_it_runs_and_only_then(
    loop: mainspring.Loop, context: Context
) -> None:
    async def main() -> bool:
        return is_free(context)

    assert is_free(context)
    assert not loop.run_until_complete(main())
    assert is_free(context)


def test_a_context_that_another_thread_runs_is_refused(context: Context) -> None:
    async def main() -> None:
        attach(context=context.address)

    from_a_thread(glib.g_main_context_acquire, context.address)
    with pytest.raises(RuntimeError, match="another thread runs it already"):
        mainspring.run(main)


def test_a_loop_ends_its_run_when_another_thread_runs_its_context(
    loop: mainspring.Loop, context: Context
) -> None:
    from_a_thread(glib.g_main_context_acquire, context.address)
    with pytest.raises(RuntimeError, match="another thread runs it already"):
        loop.run_forever()


def test_a_context_is_attached_once(loop: mainspring.Loop, context: Context) -> None:
    with pytest.raises(RuntimeError, match="attached already: close <Attachment of GMainContext"):
        attach(loop, context.address)


def test_an_attachment_that_is_closed_makes_room_for_another(context: Context) -> None:
    seen: list[str] = []
    first, second = mainspring.new_event_loop(), mainspring.new_event_loop()
    attach(first, context.address).close()
    attach(second, context.address)
    context.once(lambda: seen.append("ran"))
    run_ready(first)
    assert seen == []
    run_ready(second)
    assert seen == ["ran"]
    first.close()
    second.close()


def test_sources_do_not_run_once_it_is_closed(context: Context) -> None:
    with Bench() as bench:
        context.always(partial(bench.note, "glib"), 100)
        attachment = attach(bench.loop, context.address)
        bench.loop.call_soon(attachment.close)
        assert bench.steps(3) == [[], [], []]
        assert attachment.is_closed
        assert repr(attachment).endswith(", closed>")


def test_a_source_may_close_it(context: Context) -> None:
    with Bench() as bench:
        attachment = attach(bench.loop, context.address)
        context.once(attachment.close)
        context.once(partial(bench.note, "in the same turn"))
        context.always(partial(bench.note, "never"), 1)
        assert bench.steps(3) == [["in the same turn"], [], []]
    assert is_free(context)


def test_the_end_of_the_loop_closes_it(context: Context) -> None:
    loop = mainspring.new_event_loop()
    attachment = attach(loop, context.address)
    loop.close()
    assert attachment.is_closed
    attachment.close()


def test_the_running_loop_is_the_default(context: Context) -> None:
    async def main() -> None:
        ran = asyncio.get_running_loop().create_future()
        with attach(context=context.address) as attachment:
            assert attachment.loop is asyncio.get_running_loop()
            context.once(lambda: ran.set_result(None))
            await ran

    mainspring.run(main)


def test_several_contexts_are_sources_of_one_loop(bench: Bench, context: Context) -> None:
    other = Context()
    attachment = attach(bench.loop, other.address)
    context.always(partial(bench.note, "one"))
    other.always(partial(bench.note, "other"))
    assert bench.step() == ["one", "other"]
    attachment.close()
    assert bench.step() == ["one"]
    other.close()


def test_without_a_running_loop_one_must_be_named() -> None:
    with pytest.raises(RuntimeError, match="no running event loop"):
        attach()


def test_another_librarys_loop_is_refused(context: Context) -> None:
    loop = asyncio.SelectorEventLoop()
    with pytest.raises(TypeError, match=r"a mainspring loop was expected, got <_UnixSel"):
        attach(loop, context.address)
    loop.close()


def test_what_is_no_context_is_refused(loop: mainspring.Loop) -> None:
    with pytest.raises(TypeError, match=r"a GLib\.MainContext was expected, or its addr.*'x'"):
        attach(loop, "x")


def test_a_closed_loop_is_refused(context: Context) -> None:
    loop = mainspring.new_event_loop()
    loop.close()
    with pytest.raises(RuntimeError, match="is closed"):
        attach(loop, context.address)


def test_another_thread_must_not_attach_to_a_loop_that_runs(context: Context) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        with pytest.raises(RuntimeError, match="runs in another thread: attach there, by"):
            from_a_thread(attach, loop, context.address)
        attachment = attach(context=context.address)
        with pytest.raises(RuntimeError, match="runs in another thread: close there, by"):
            from_a_thread(attachment.close)

    mainspring.run(main)


def test_a_forked_child_parts_from_its_parents_fds(loop: mainspring.Loop, context: Context) -> None:
    """What the child does with its sources is not seen in the parent."""
    reader, writer = os.pipe()
    seen: list[str] = []
    source = context.watch(reader, 1, lambda ready: seen.append("ran"))
    loop.step()
    context.after(0, lambda: None)
    loop.step(may_sleep=True)
    child = os.fork()
    if child == 0:
        context.destroy(source)
        context.after(0, lambda: None)
        loop.step(may_sleep=True)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    os.write(writer, b"x")
    loop.step(may_sleep=True)
    assert seen == ["ran"]
    os.close(reader)
    os.close(writer)
