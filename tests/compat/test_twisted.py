"""Twisted's reactor on our loop; each test is a program, because a process has one reactor."""

import importlib.util

import pytest

from tests.loop.helpers import run_program

HEAD = """
import asyncio, sys, threading
from mainspring import Priority, await_, priority, spawn
from mainspring.compat import twisted
from mainspring.core.priority import current_priority
loop = twisted.install()
from twisted.internet import defer, endpoints, protocol, reactor, task, threads
from twisted import logger
only_trouble = logger.LogLevelFilterPredicate(defaultLogLevel=logger.LogLevel.warn)
observer = logger.FilteringLogObserver(logger.textFileLogObserver(sys.stderr), [only_trouble])
logger.globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)

def say(*words):
    print(*words, flush=True)

"""
TAIL = """
reactor.callWhenRunning(lambda: twisted.as_deferred(main()).addBoth(ended))

def ended(result):
    say(result)
    reactor.stop()

reactor.run()
loop.close()
"""
MISSING = """
import sys
sys.modules["twisted"] = None
try:
    import mainspring.compat.twisted
except ImportError as exc:
    print(exc)
"""


def run(program: str, *, tail: str = TAIL) -> list[str]:
    """Runs a program that defines the coroutine function `main`; returns what it has printed."""
    if importlib.util.find_spec("twisted") is None:
        pytest.skip("needs twisted")
    # Twisted's own modules warn of what newer interpreters will change.
    code, output, errors = run_program(
        HEAD + program + tail, options=("-W", "ignore", "-W", "always::ResourceWarning")
    )
    assert (code, errors) == (0, "")
    return output.splitlines()


def test_the_error_says_what_to_install() -> None:
    code, output, errors = run_program(MISSING)
    assert (code, errors) == (0, "")
    assert "pip install 'mainspring[twisted]'" in output


def test_the_loop_is_asyncios_running_loop_in_the_reactors_callbacks() -> None:
    program = """
async def main():
    waiting = defer.Deferred()
    reactor.callLater(0, lambda: waiting.callback(asyncio.get_running_loop() is loop))
    return await twisted.as_future(waiting)
"""
    assert run(program) == ["True"]


def test_a_second_reactor_is_refused_and_nothing_of_it_is_left() -> None:
    program = """
from twisted.internet.error import ReactorAlreadyInstalledError
try:
    twisted.install()
except ReactorAlreadyInstalledError:
    say("refused")

async def main():
    return "done"
"""
    assert run(program) == ["refused", "done"]


def test_the_loop_may_be_a_given_one() -> None:
    program = """
import mainspring
from mainspring.compat import twisted
mine = mainspring.new_event_loop()
print(twisted.install(mine) is mine)
mine.close()
"""
    if importlib.util.find_spec("twisted") is None:
        pytest.skip("needs twisted")
    assert run_program(program, options=("-W", "ignore")) == (0, "True\n", "")


def test_delayed_calls_have_the_priority_of_who_asked_for_them() -> None:
    program = """
async def main():
    order, over = [], defer.Deferred()
    for p in (Priority.IDLE, Priority.LOW, Priority.DEFAULT, Priority.HIGH, Priority.URGENT):
        with priority(p):
            reactor.callLater(0, order.append, p.name)
    with priority(Priority.IDLE):
        reactor.callLater(0, over.callback, None)
    await twisted.as_future(over)
    return order
"""
    assert run(program) == ["['DEFAULT', 'URGENT', 'HIGH', 'LOW', 'IDLE']"]


def test_a_low_delayed_call_holds_up_no_other() -> None:
    program = """
async def main():
    over = defer.Deferred()
    with priority(Priority.LOW):
        reactor.callLater(0.001, say, "low")
    reactor.callLater(0.002, over.callback, "default")

    def be_busy():
        if not over.called:
            loop.call_soon(be_busy)

    be_busy()
    return await twisted.as_future(over)
"""
    assert run(program) == ["default"]


def test_what_a_delayed_call_raises_is_logged_and_the_reactor_goes_on() -> None:
    program = """
async def main():
    seen, over = [], defer.Deferred()
    twisted._log.failure = lambda text: seen.append((text, sys.exception()))
    with priority(Priority.LOW):
        reactor.callLater(0, lambda: 1 / 0)
        reactor.callLater(0, over.callback, seen)
    return await twisted.as_future(over)
"""
    assert run(program) == [
        "[('Unhandled error in a delayed call', ZeroDivisionError('division by zero'))]"
    ]


def test_a_connection_has_the_priority_of_its_server() -> None:
    program = """
class Answer(protocol.Protocol):
    def dataReceived(self, data):
        said.callback(current_priority.get().name)

said = defer.Deferred()

async def main():
    server = endpoints.TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
    with priority(Priority.HIGH):
        port = await twisted.as_future(server.listen(protocol.Factory.forProtocol(Answer)))
    client = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
    ask = await twisted.as_future(endpoints.connectProtocol(client, protocol.Protocol()))
    ask.transport.write(b"hello")
    result = await twisted.as_future(said)
    ask.transport.loseConnection()
    await twisted.as_future(port.stopListening())
    return result
"""
    assert run(program) == ["HIGH"]


def test_what_is_watched_keeps_its_priority_whoever_has_it_watched_again() -> None:
    program = """
import socket

class End:
    def __init__(self, sock):
        self.sock, self.fileno, self.wrote = sock, sock.fileno, defer.Deferred()

    def doRead(self):
        raise AssertionError

    def doWrite(self):
        reactor.removeWriter(self)
        self.wrote.callback(current_priority.get().name)

    def logPrefix(self):
        return "end"

async def main():
    one, other = socket.socketpair()
    with one, other:
        end = End(one)
        with priority(Priority.HIGH):
            reactor.addReader(end)
        with priority(Priority.LOW):
            reactor.addWriter(end)
        result = await twisted.as_future(end.wrote)
        reactor.removeReader(end)
        return result
"""
    assert run(program) == ["HIGH"]


def test_a_thread_waits_for_a_deferred_of_the_reactors() -> None:
    program = """
def in_thread():
    fired = defer.Deferred()
    reactor.callFromThread(reactor.callLater, 0, fired.callback, "for a thread")
    say(await_(fired))
    failed = defer.Deferred()
    reactor.callFromThread(failed.errback, KeyError("for a thread"))
    try:
        await_(failed)
    except KeyError as exc:
        say(repr(exc))
    ran = threading.get_ident()
    seen = defer.Deferred()
    seen.addCallback(lambda _: threading.get_ident() != ran)
    reactor.callFromThread(seen.callback, None)
    return await_(seen)

async def main():
    return await asyncio.to_thread(in_thread)
"""
    assert run(program) == ["for a thread", "KeyError('for a thread')", "True"]


def test_a_thread_is_told_when_the_reactor_stops_under_it() -> None:
    program = """
waits = threading.Event()

class Watched(defer.Deferred):
    def addCallbacks(self, *args, **kwargs):
        waits.set()
        return super().addCallbacks(*args, **kwargs)

def in_thread():
    try:
        await_(Watched())
    except RuntimeError as exc:
        say(str(exc).partition(" while")[0])

thread = threading.Thread(target=in_thread)

async def main():
    thread.start()
    while not waits.is_set():
        await asyncio.sleep(0)
    return "stopping"
"""
    assert run(program, tail=TAIL + "thread.join()\n") == [
        "stopping",
        "the reactor was stopped",
    ]


@pytest.mark.parametrize("call", ["addSystemEventTrigger", "callFromThread"])
def test_a_thread_is_told_when_the_reactor_stops_before_it_knows_of_the_wait(call: str) -> None:
    program = f"""
comes, has_stopped = threading.Event(), threading.Event()
original = reactor.{call}

def {call}(*args):
    if threading.current_thread() is thread:
        # Here the thread loses its turn until the reactor has ended.
        comes.set()
        has_stopped.wait()
    return original(*args)

reactor.{call} = {call}

def in_thread():
    try:
        await_(defer.Deferred())
    except RuntimeError as exc:
        say(str(exc).partition(" while")[0])

thread = threading.Thread(target=in_thread)

async def main():
    thread.start()
    while not comes.is_set():
        await asyncio.sleep(0)
    return "stopping"
"""
    tail = TAIL.replace("loop.close()", "has_stopped.set()\nthread.join()\nloop.close()")
    assert run(program, tail=tail) == [
        "stopping",
        "the reactor was stopped",
    ]


def test_the_reactors_own_thread_must_not_block_for_a_deferred() -> None:
    program = """
async def main():
    try:
        await_(defer.Deferred())
    except RuntimeError as exc:
        return type(exc).__name__
"""
    assert run(program) == ["BlockingSwitchOutError"]


def test_a_loop_in_another_thread_waits_for_the_reactors_deferreds() -> None:
    program = """
import mainspring

def other_loop():
    async def wait():
        fired = defer.Deferred()
        fired.addCallback(lambda result: (result, threading.get_ident() == reactors_thread))
        reactor.callFromThread(fired.callback, "fired")
        result = await twisted.as_future(fired)
        cancelled = defer.Deferred(lambda _: say(threading.get_ident() == reactors_thread))
        future = twisted.as_future(cancelled)
        future.cancel()
        return result
    return mainspring.run(wait)

async def main():
    global reactors_thread
    reactors_thread = threading.get_ident()
    return await asyncio.to_thread(other_loop)
"""
    assert run(program) == ["True", "('fired', True)"]


def test_another_reactor_than_ours_is_waited_for_from_threads() -> None:
    program = """
import threading
from twisted.internet import epollreactor
epollreactor.install()
from twisted.internet import defer, reactor, threads
from mainspring import await_, run

def in_thread():
    fired = defer.Deferred()
    reactor.callFromThread(fired.callback, "fired")
    print(await_(fired))
    print(run(lambda: await_(second())))

def second():
    fired = defer.Deferred()
    reactor.callFromThread(fired.callback, "on a loop of its own")
    return fired

def refused():
    try:
        await_(defer.Deferred())
    except RuntimeError as exc:
        print(type(exc).__name__)

def begin():
    refused()
    threads.deferToThread(in_thread).addBoth(lambda result: (print(result), reactor.stop()))

reactor.callWhenRunning(begin)
reactor.run()
"""
    if importlib.util.find_spec("twisted") is None:
        pytest.skip("needs twisted")
    code, output, errors = run_program(program, options=("-W", "ignore"))
    assert (code, errors) == (0, "")
    assert output.splitlines() == [
        "BlockingSwitchOutError",
        "fired",
        "on a loop of its own",
        "None",
    ]


def test_a_loop_in_another_thread_is_told_when_the_reactor_stops_under_it() -> None:
    program = """
import mainspring

async def wait():
    waiting = twisted.as_future(defer.Deferred())
    reactor.callFromThread(reactor.stop)
    try:
        await waiting
    except RuntimeError as exc:
        say(str(exc).partition(" while")[0])

thread = threading.Thread(target=mainspring.run, args=[wait])
reactor.callWhenRunning(thread.start)
reactor.run()
thread.join()
loop.close()
"""
    assert run(program, tail="") == ["the reactor was stopped"]
