"""What is freed, and when: queued handles, their loop, and very many of both."""

import asyncio
import gc
import os
import resource
import subprocess
import sys
import weakref

import pytest

import mainspring
from tests.core.fakes import Bench, FakeClock, FakePoller

MANY = 1_000_000


def callback(*args):
    pass


class Payload:
    pass


def drop(held):
    """Lets go of the only reference to something that is part of cycles."""
    held.clear()
    gc.collect()


def in_a_small_process(program):
    """Runs a program whose stack is the system's usual 8 MB; returns its exit code and errors."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_STACK, (8 << 20, resource.getrlimit(resource.RLIMIT_STACK)[1])
        ),
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    "end",
    [
        "loop.close()",
        "import gc, warnings; warnings.simplefilter('ignore'); del loop; gc.collect()",
    ],
    ids=["closed", "dropped"],
)
def test_a_million_queued_handles_are_freed_without_overflowing_the_stack(end):
    program = (
        "import mainspring\n"
        "loop = mainspring.new_event_loop()\n"
        f"for _ in range({MANY}):\n"
        "    loop.call_soon(print)\n"
        f"{end}\n"
    )
    assert in_a_small_process(program) == (0, "")


def test_a_loop_that_ran_and_was_closed_is_freed():
    bench = Bench()
    bench.loop.call_soon(bench.note, 1)
    bench.loop.call_later(10, bench.note, 2)
    bench.loop.add_reader(700, bench.note, 3)
    bench.step()
    bench.loop.close()
    gone = weakref.ref(bench.loop)
    del bench
    gc.collect()
    assert gone() is None


def test_a_loop_that_is_dropped_without_close_is_freed_and_warns():
    loop = mainspring.Loop(poller=FakePoller(), clock=FakeClock())
    payload = Payload()
    gone = [weakref.ref(loop), weakref.ref(payload)]
    loop.call_soon(callback, payload)
    loop.call_soon(loop.call_soon, callback)
    loop.call_later(5, callback, loop)
    loop.call_idle(callback, loop, timeout=5)
    loop.add_reader(700, callback, loop)
    del payload
    held = [loop]
    del loop
    with pytest.warns(ResourceWarning, match="unclosed event loop <Loop running=False"):
        drop(held)
    assert [ref() for ref in gone] == [None, None]


def test_a_loop_that_is_dropped_without_close_gives_its_fds_back():
    def open_fds():
        return set(os.listdir("/proc/self/fd"))

    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("the system doesn't list a process's fds")
    gc.collect()
    before = open_fds()
    loop = mainspring.new_event_loop()
    loop.run_until_complete(asyncio.sleep(0))
    held = [loop]
    del loop
    with pytest.warns(ResourceWarning, match="unclosed event loop"):
        drop(held)
    assert open_fds() == before


def test_close_lets_go_of_all_that_was_queued_pending_or_watched(bench):
    payload = Payload()
    gone = weakref.ref(payload)
    loop = bench.loop
    loop.call_soon(callback, payload)
    loop.call_later(5, callback, payload)
    loop.call_idle(callback, payload, timeout=5)
    loop.add_reader(700, callback, payload)
    loop.add_writer(700, callback, payload)
    del payload
    loop.close()
    assert gone() is None


def test_a_destructor_may_call_the_loop_that_is_closing(bench):
    class Last:
        def __del__(self):
            other.cancel()
            try:
                bench.loop.call_soon(callback)
            except RuntimeError as exc:
                refused.append(str(exc))

    refused = []
    bench.loop.call_soon(callback, Last())
    other = bench.loop.call_soon(callback)
    bench.loop.close()
    assert refused == ["Event loop is closed"]


def test_a_handle_that_is_kept_does_not_keep_its_neighbours(bench):
    payload = Payload()
    gone = weakref.ref(payload)
    bench.loop.call_soon(callback, payload)
    kept = bench.loop.call_soon(callback)
    bench.loop.call_soon(callback, payload)
    del payload
    bench.step()
    assert gone() is None
    assert not kept.cancelled()


def test_ten_thousand_cancelled_timers_leave_no_handle_behind(bench):
    first = bench.loop.call_later(1, callback)
    handles = [weakref.ref(bench.loop.call_later(2, callback)) for _ in range(10)]
    for _ in range(10_000):
        bench.loop.call_later(3, callback).cancel()
    alive = sum(1 for ref in handles if ref() is not None)
    assert alive == len(handles)
    assert not first.cancelled()
    del first
    timers = [bench.loop.call_later(3 + i, callback) for i in range(10_000)]
    refs = [weakref.ref(timer) for timer in timers]
    for timer in timers:
        timer.cancel()
    del timers, timer
    # At most as many cancelled timers stay as there are pending ones, or the fixed few.
    assert sum(1 for ref in refs if ref() is not None) <= 65


def test_references_to_the_loop_do_not_grow_with_what_ran(bench):
    def work():
        for _ in range(100):
            bench.loop.call_soon(callback)
            bench.loop.call_later(0, callback)
            bench.loop.call_idle(callback, timeout=1).cancel()
            bench.loop.add_reader(700, callback)
            bench.loop.remove_reader(700)
        bench.steps(2)

    work()
    before = sys.getrefcount(bench.loop), sys.getrefcount(callback)
    for _ in range(5):
        work()
    assert (sys.getrefcount(bench.loop), sys.getrefcount(callback)) == before
