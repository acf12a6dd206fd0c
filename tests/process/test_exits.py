"""No exit is lost, whoever reaps the child and however it is watched. No signal hits a stranger."""

import asyncio
import errno
import gc
import logging
import os
import signal
import subprocess
import threading
import warnings

import pytest

import mainspring
from tests.loop.helpers import run_program
from tests.net.support import next_iteration

PIPE = subprocess.PIPE
START = asyncio.create_subprocess_exec
SHELL = asyncio.create_subprocess_shell


@pytest.fixture(params=["pidfd", "no pidfd", "not permitted", "no fd left"])
def way(request, monkeypatch):
    """The ways in which an exit is noticed."""
    if request.param == "no pidfd":
        monkeypatch.delattr(os, "pidfd_open")
    elif request.param != "pidfd":
        number = errno.EPERM if request.param == "not permitted" else errno.EMFILE

        def refuse(pid, flags=0):
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(os, "pidfd_open", refuse)
    return request.param


def children_threads():
    return [thread for thread in threading.enumerate() if "child" in thread.name]


def test_the_exit_is_told_in_every_way(way, our_run):
    async def main():
        process = await SHELL("exit 5")
        assert len(children_threads()) <= (way != "pidfd")
        assert await process.wait() == 5
        process = await START("cat", stdin=PIPE)
        process.kill()
        assert await process.wait() == -signal.SIGKILL
        # The end of its pipe may come later; until then a signal is for nobody.
        process.stdin.close()
        await next_iteration(asyncio.get_running_loop())
        with pytest.raises(ProcessLookupError):
            process.kill()

    our_run(main())


def test_a_child_needs_no_thread_and_no_signal_handler(our_run):
    async def main():
        handler = signal.getsignal(signal.SIGCHLD)
        threads = set(threading.enumerate())
        process = await START("cat", stdin=PIPE)
        assert set(threading.enumerate()) <= threads
        assert signal.getsignal(signal.SIGCHLD) is handler
        process.stdin.close()
        await process.wait()

    our_run(main())


def test_a_child_that_ends_before_it_is_watched_is_told(way, our_run, monkeypatch):
    real = subprocess.Popen

    def start_and_wait_for_its_end(*args, **kwargs):
        popen = real(*args, **kwargs)
        os.waitid(os.P_PID, popen.pid, os.WEXITED | os.WNOWAIT)
        return popen

    monkeypatch.setattr(subprocess, "Popen", start_and_wait_for_its_end)

    async def main():
        process = await SHELL("exit 5")
        assert await process.wait() == 5

    our_run(main())


def test_a_child_that_somebody_else_reaps_has_the_return_code_255(way, our_run, caplog):
    async def main():
        process = await START("cat", stdin=PIPE)
        process.kill()
        os.waitpid(process.pid, 0)
        assert await process.wait() == 255

    with caplog.at_level(logging.WARNING, "asyncio"):
        our_run(main())
    assert "exit status already read" in caplog.text


def test_a_child_that_is_reaped_before_it_is_watched_is_told(way, our_run, monkeypatch, caplog):
    real = subprocess.Popen

    def start_and_reap(*args, **kwargs):
        popen = real(*args, **kwargs)
        os.waitpid(popen.pid, 0)
        return popen

    monkeypatch.setattr(subprocess, "Popen", start_and_reap)

    async def main():
        process = await START("true")
        assert await process.wait() == 255

    our_run(main())


def test_what_popen_itself_was_told_is_the_return_code(way, our_run, caplog):
    async def main():
        process = await SHELL("exit 5")
        process._transport.get_extra_info("subprocess").wait()
        assert await process.wait() == 5

    our_run(main())
    assert caplog.text == ""


def test_children_whose_signal_is_ignored_are_told_all_the_same(way, our_run):
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)

    async def main():
        process = await START("true")
        assert await process.wait() == 255

    try:
        our_run(main())
    finally:
        signal.signal(signal.SIGCHLD, before)


def test_popen_knows_the_return_code_of_a_child_that_the_loop_reaped(way, our_run):
    async def main():
        process = await SHELL("exit 5")
        popen = process._transport.get_extra_info("subprocess")
        await process.wait()
        assert popen.returncode == popen.poll() == 5

    our_run(main())


def test_no_signal_is_sent_to_a_number_that_is_free_again(our_run):
    async def main():
        process = await START("cat", stdin=PIPE)
        process.kill()
        os.waitpid(process.pid, 0)
        # Reaped, so that the number may be a stranger's; the loop doesn't know yet.
        process.kill()
        await process.wait()

    our_run(main())


def test_until_its_end_is_told_a_childs_number_is_its_own(way, our_run):
    async def main():
        process = await START("cat", stdin=PIPE)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        for thread in children_threads():
            thread.join()
        assert process.returncode is None
        os.kill(process.pid, 0)
        process.kill()
        assert await process.wait() == -signal.SIGKILL

    our_run(main())


def test_a_stopped_child_has_not_ended(our_run):
    async def main():
        process = await START("cat", stdin=PIPE)
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)
        for _ in range(5):
            await asyncio.sleep(0)
        assert process.returncode is None
        process.send_signal(signal.SIGCONT)
        process.stdin.close()
        assert await process.wait() == 0

    our_run(main())


@pytest.mark.parametrize("is_held", [True, False])
def test_a_loop_that_closes_warns_of_its_child_which_is_killed_and_reaped(way, is_held):
    loop = mainspring.new_event_loop()

    async def start():
        transport, _ = await loop.subprocess_exec(asyncio.SubprocessProtocol, "sleep", "1000")
        return transport

    transport = loop.run_until_complete(start())
    popen = transport.get_extra_info("subprocess")
    if not is_held:
        del transport
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        loop.close()
        if is_held:
            transport.close()
            assert transport.is_closing()
        gc.collect()
        assert popen.wait() == -signal.SIGKILL
        for thread in children_threads():
            thread.join()
    warned = [w for w in told if "unclosed transport <SubprocessTransport" in str(w.message)]
    assert len(warned) == (0 if is_held else 1)


def test_children_can_be_killed_after_their_loop_was_closed(our_loop, our_run):
    process = our_run(START("cat", stdin=PIPE, stdout=PIPE))
    popen = process._transport.get_extra_info("subprocess")
    process.kill()
    our_loop.close()
    process._transport.close()
    for thread in children_threads():
        thread.join()
    assert popen.wait() == -signal.SIGKILL


def test_a_fork_disturbs_no_watch_and_kills_nobodys_child():
    program = """
import asyncio, gc, os, subprocess, warnings
import mainspring
warnings.simplefilter("ignore")

async def main():
    transport, _ = await asyncio.get_running_loop().subprocess_exec(
        asyncio.SubprocessProtocol, "cat", stderr=None)
    return transport

loop = mainspring.new_event_loop()
loop.set_debug(False)
transport = loop.run_until_complete(main())
pid = os.fork()
if pid == 0:
    transport.close()
    loop.call_soon(loop.stop)
    loop.run_forever()
    loop.close()
    del transport
    gc.collect()
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
print(transport.get_returncode())
transport.get_pipe_transport(0).close()
print(loop.run_until_complete(transport._wait()))
transport.close()
loop.call_soon(loop.stop)
loop.run_forever()
loop.close()
"""
    assert run_program(program) == (0, "None\n0\n", "")


def test_the_childs_children_are_its_own_after_a_fork():
    program = """
import asyncio, os
import mainspring

async def main():
    process = await asyncio.create_subprocess_exec("echo", "x", stdout=-1)
    return await process.communicate(), process.returncode

pid = os.fork()
assert mainspring.run(main(), debug=False) == ((b"x\\n", None), 0)
if pid == 0:
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
    assert run_program(program) == (0, "0\n", "")


def test_asyncios_child_watcher_is_not_touched():
    program = """
import asyncio, warnings
import mainspring

def refuse(*args):
    raise AssertionError("asked for a child watcher")

if hasattr(asyncio.events, "get_child_watcher"):
    asyncio.events.get_child_watcher = asyncio.get_child_watcher = refuse

async def main():
    process = await asyncio.create_subprocess_exec("true")
    print(await process.wait())

mainspring.run(main(), debug=False)
"""
    assert run_program(program) == (0, "0\n", "")
