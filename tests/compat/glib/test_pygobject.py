"""GLib as programs use it, through PyGObject; each in a process, for the default context."""

import importlib.util

import pytest

from tests.loop.helpers import run_program

if importlib.util.find_spec("gi") is None:
    pytest.skip("needs PyGObject", allow_module_level=True)

HEAD = """
import asyncio, os, signal, sys, threading
from gi.repository import Gio, GLib
import mainspring
from mainspring import Priority, await_, spawn
from mainspring.compat import glib

def say(*words):
    print(*words, flush=True)

"""
TAIL = """
async def guarded():
    with glib.attach():
        return await main()

say(mainspring.run(guarded))
"""


def run(program: str, *, errors: str = "", tail: str = TAIL) -> list[str]:
    """Runs a program that defines the coroutine function `main`; returns what it has printed."""
    code, output, stderr = run_program(
        HEAD + program + tail, options=("-W", "ignore", "-W", "always::ResourceWarning")
    )
    assert code == 0, stderr
    assert (errors in stderr) if errors else stderr == ""
    return output.splitlines()


def test_callbacks_and_coroutines_run_in_one_thread() -> None:
    program = """
async def main():
    found = asyncio.get_running_loop().create_future()
    GLib.idle_add(lambda: found.set_result(threading.get_ident()))
    return await found == threading.get_ident()
"""
    assert run(program) == ["True"]


def test_all_models_wait_beside_one_another_in_the_order_of_their_priorities() -> None:
    program = """
async def main():
    loop, order = asyncio.get_running_loop(), []
    done = loop.create_future()
    GLib.idle_add(lambda: (order.append("idle of GLib"), done.set_result(order)) and False)
    GLib.timeout_add(0, lambda: order.append("timeout of GLib"), priority=GLib.PRIORITY_HIGH)
    loop.call_soon(order.append, "URGENT", priority=Priority.URGENT)
    loop.call_soon(order.append, "DEFAULT")
    spawn(order.append, "green thread at LOW", priority=Priority.LOW)
    while not GLib.MainContext.default().pending():
        pass
    return ", ".join(await done)
"""
    assert run(program) == ["URGENT, timeout of GLib, DEFAULT, green thread at LOW, idle of GLib"]


def test_gios_asynchronous_functions_are_awaited() -> None:
    program = """
async def main():
    file = Gio.File.new_for_path(__import__("mainspring").__file__)
    return "Mainspring" in str(tuple(await file.load_contents_async(None)))
"""
    assert run(program) == ["True"]


def test_gios_asynchronous_functions_call_back() -> None:
    program = """
async def main():
    loaded = asyncio.get_running_loop().create_future()
    file = Gio.File.new_for_path(mainspring.__file__)
    file.load_contents_async(None, lambda _, result: loaded.set_result(result))
    ok, contents, _ = file.load_contents_finish(await loaded)
    return ok and b"Mainspring" in contents
"""
    assert run(program) == ["True"]


def test_an_exception_in_a_callback_is_printed_and_the_loop_goes_on() -> None:
    program = """
async def main():
    going_on = asyncio.get_running_loop().create_future()
    GLib.idle_add(lambda: 1 / 0)
    GLib.idle_add(lambda: going_on.set_result("going on") and False)
    return await going_on
"""
    assert run(program, errors="ZeroDivisionError") == ["going on"]


def test_a_main_loop_in_a_callback_runs_what_is_glibs() -> None:
    program = """
async def main():
    closed = asyncio.get_running_loop().create_future()

    def dialog():
        inner = GLib.MainLoop()
        GLib.idle_add(lambda: say("inside"))
        GLib.timeout_add(1, inner.quit)
        inner.run()
        closed.set_result("closed")

    GLib.idle_add(dialog)
    return await closed
"""
    assert run(program) == ["inside", "closed"]


def test_a_signal_wakes_a_main_loop_inside() -> None:
    program = """
async def main():
    inner = GLib.MainLoop()
    signal.signal(signal.SIGUSR1, lambda *_: inner.quit())
    GLib.timeout_add(1, lambda: os.kill(os.getpid(), signal.SIGUSR1) and False)
    inner.run()
    return await asyncio.to_thread(lambda: "over")
"""
    assert run(program) == ["over"]


def test_a_main_loop_in_a_coroutine_runs_what_is_glibs() -> None:
    program = """
async def main():
    inner = GLib.MainLoop()
    GLib.idle_add(lambda: say("inside"))
    GLib.timeout_add(1, inner.quit)
    inner.run()
    await asyncio.sleep(0)
    return "over"
"""
    assert run(program) == ["inside", "over"]


def test_a_source_written_in_python_is_asked_and_dispatched() -> None:
    program = """
class Source(GLib.Source):
    prepared = checked = 0

    def prepare(self):
        self.prepared += 1
        return False, 0

    def check(self):
        self.checked += 1
        return True

    def dispatch(self, callback, args):
        return callback(*args)

async def main():
    found = asyncio.get_running_loop().create_future()
    source = Source()
    source.set_callback(lambda *args: found.set_result(None) or False)
    source.attach(GLib.MainContext.default())
    await found
    return source.prepared >= source.checked > 0
"""
    assert run(program) == ["True"]


def test_other_threads_add_sources_and_call_into_the_loop() -> None:
    program = """
async def main():
    loop = asyncio.get_running_loop()
    first, second = loop.create_future(), loop.create_future()

    def in_thread():
        GLib.idle_add(lambda: first.set_result("from GLib") and False)
        loop.call_soon_threadsafe(second.set_result, "from the loop")

    await asyncio.to_thread(in_thread)
    return await first, await second
"""
    assert run(program) == ["('from GLib', 'from the loop')"]


def test_a_busy_thread_does_not_keep_callbacks_from_the_gil_for_ever() -> None:
    program = """
async def main():
    over, left = threading.Event(), [20]
    done = asyncio.get_running_loop().create_future()

    def be_busy():
        while not over.is_set():
            pass

    def count():
        left[0] -= 1
        if not left[0]:
            done.set_result("counted")
        return left[0] > 0

    busy = asyncio.to_thread(be_busy)
    task = asyncio.create_task(busy)
    GLib.idle_add(count)
    result = await done
    over.set()
    await task
    return result
"""
    assert run(program) == ["counted"]


def test_ctrl_c_ends_the_program_as_without_glib() -> None:
    program = """
async def main():
    GLib.idle_add(lambda: os.kill(os.getpid(), signal.SIGINT) and False)
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        say("cancelled")
        raise
"""
    tail = (
        TAIL.replace("say(mainspring.run(guarded))", "")
        + """
try:
    mainspring.run(guarded)
except KeyboardInterrupt:
    say("interrupted")
"""
    )
    assert run(program, tail=tail) == ["cancelled", "interrupted"]


def test_a_context_of_pygobjects_is_attached() -> None:
    program = """
async def main():
    other = GLib.MainContext.new()
    found = asyncio.get_running_loop().create_future()
    with glib.attach(context=other):
        source = GLib.idle_source_new()
        source.set_callback(lambda *args: found.set_result("ran") or False)
        source.attach(other)
        return await found
"""
    assert run(program) == ["ran"]


def test_green_threads_wait_for_what_a_callback_sets() -> None:
    program = """
async def main():
    loop = asyncio.get_running_loop()

    def wait():
        found = loop.create_future()
        GLib.timeout_add(1, lambda: found.set_result("from a callback"))
        return await_(found)

    return await spawn(wait)
"""
    assert run(program) == ["from a callback"]
