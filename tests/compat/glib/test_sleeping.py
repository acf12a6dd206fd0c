"""How long the loop sleeps for GLib's sake, and what ends the sleep."""

import asyncio
import os
import socket
import tempfile
import threading
from functools import partial

import mainspring
from tests.compat.glib.sources import HUP, IN, PRI, Context, glib
from tests.core.fakes import Bench


def test_the_loop_sleeps_no_longer_than_glib_would(bench: Bench, context: Context) -> None:
    context.after(1_000_000, partial(bench.note, "glib"))
    bench.step(may_sleep=True)
    assert 900 * 10**9 < bench.poller.timeouts[-1] <= 1000 * 10**9


def test_the_loops_own_timer_may_come_first(bench: Bench, context: Context) -> None:
    context.after(1_000_000, partial(bench.note, "glib"))
    bench.loop.call_later(1, bench.note, "ours")
    bench.step(may_sleep=True)
    assert bench.poller.timeouts[-1] == 10**9


def test_the_loop_sleeps_for_ever_when_neither_has_anything_to_do(bench: Bench) -> None:
    bench.step(may_sleep=True)
    assert bench.poller.timeouts[-1] == -1


def test_the_loop_does_not_sleep_while_a_source_is_ready(bench: Bench, context: Context) -> None:
    context.once(partial(bench.note, "glib"), 300)
    assert bench.step(may_sleep=True) == ["glib"]
    assert all(timeout == 0 for timeout in bench.poller.timeouts)


def test_a_timeout_of_glibs_ends_the_sleep(loop: mainspring.Loop, context: Context) -> None:
    context.after(1, loop.stop)
    loop.run_forever()


def test_an_fd_of_glibs_ends_the_sleep(loop: mainspring.Loop, context: Context) -> None:
    reader, writer = os.pipe()
    seen: list[int] = []
    context.watch(reader, IN, seen.append)
    os.write(writer, b"x")
    loop.step(may_sleep=True)
    assert seen == [IN]
    os.close(reader)
    os.close(writer)


def test_a_number_that_was_closed_and_reused_between_two_sleeps_is_watched(
    loop: mainspring.Loop, context: Context
) -> None:
    """GLib names the same number as before and says nothing of what happened to it."""
    old_reader, old_writer = os.pipe()
    seen: list[str] = []
    old = context.watch(old_reader, IN, lambda ready: seen.append("old"))
    os.write(old_writer, b"x")
    loop.step(may_sleep=True)
    context.destroy(old)
    os.close(old_reader)
    os.close(old_writer)
    reader, writer = os.pipe()
    assert reader == old_reader
    context.watch(reader, IN, lambda ready: seen.append("new"))
    os.write(writer, b"x")
    loop.step(may_sleep=True)
    assert seen == ["old", "new"]
    os.close(reader)
    os.close(writer)


def test_a_file_that_lives_on_under_another_number_does_not_keep_the_loop_awake(
    loop: mainspring.Loop, context: Context
) -> None:
    reader, writer = os.pipe()
    source = context.watch(reader, IN, lambda ready: None)
    os.write(writer, b"x")
    loop.step(may_sleep=True)
    context.destroy(source)
    # The file stays in the set of fds, though its number isn't open any more.
    other = os.dup(reader)
    os.close(reader)
    loop.call_soon(lambda: None)
    loop.step(may_sleep=True)
    context.after(1, loop.stop)
    before = loop.scheduler_stats().iterations
    loop.run_forever()
    assert loop.scheduler_stats().iterations - before < 10
    for fd in (other, writer):
        os.close(fd)


def test_hang_ups_are_told_as_such(loop: mainspring.Loop, context: Context) -> None:
    reader, writer = os.pipe()
    os.close(writer)
    seen: list[int] = []
    context.watch(reader, IN, seen.append)
    loop.step(may_sleep=True)
    assert seen == [HUP]
    os.close(reader)


def test_urgent_data_is_told_to_who_asks_for_it_only(
    loop: mainspring.Loop, context: Context
) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as client,
        listener.accept()[0] as server,
    ):
        seen: list[int] = []
        context.watch(server.fileno(), PRI, seen.append)
        client.send(b"ordinary")
        context.after(1, loop.stop)
        loop.run_forever()
        assert seen == []
        client.send(b"!", socket.MSG_OOB)
        loop.step(may_sleep=True)
        assert seen == [PRI]


def test_a_regular_file_is_always_ready(loop: mainspring.Loop, context: Context) -> None:
    with tempfile.TemporaryFile() as file:
        seen: list[int] = []
        source = context.watch(file.fileno(), IN, seen.append)
        loop.step(may_sleep=True)
        loop.step(may_sleep=True)
        assert seen == [IN, IN]
        context.destroy(source)


def test_many_fds_are_watched(loop: mainspring.Loop, context: Context) -> None:
    pipes = [os.pipe() for _ in range(100)]
    seen: list[int] = []
    for number, (reader, _) in enumerate(pipes):
        context.watch(reader, IN, lambda ready, number=number: seen.append(number))
    for number in (3, 77, 99):
        os.write(pipes[number][1], b"x")
    loop.step(may_sleep=True)
    assert seen == [3, 77, 99]
    for pair in pipes:
        for fd in pair:
            os.close(fd)


def test_another_thread_wakes_the_loop_by_adding_a_source(
    loop: mainspring.Loop, context: Context
) -> None:
    async def main() -> int:
        thread_of_the_loop = threading.get_ident()
        ran_in = asyncio.get_running_loop().create_future()

        def tell() -> None:
            ran_in.set_result(threading.get_ident())

        thread = threading.Thread(target=context.once, args=(tell,))
        thread.start()
        found: int = await ran_in
        thread.join()
        assert found == thread_of_the_loop
        return found

    loop.run_until_complete(main())


def test_another_thread_wakes_the_loop_by_name(loop: mainspring.Loop, context: Context) -> None:
    thread = threading.Thread(target=glib.g_main_context_wakeup, args=(context.address,))
    thread.start()
    loop.step(may_sleep=True)
    thread.join()
