"""Waiting for Twisted's Deferreds in every model, without a reactor: whoever fires them is here."""

import asyncio
import traceback
from collections.abc import Callable, Generator
from typing import Any

import pytest

pytest.importorskip("twisted")

from twisted.internet import defer
from twisted.python.failure import Failure

from mainspring.compat.twisted import as_deferred, as_future
from mainspring.green import await_, spawn
from tests.green.helpers import never, soon, turns
from tests.threads import from_a_thread

Run = Callable[..., Any]


class LostError(Exception):
    """What goes wrong in these tests."""


def fired_soon(result: Any) -> "defer.Deferred[Any]":
    """Returns a Deferred that fires with this in the next turn of the loop."""
    deferred: defer.Deferred[Any] = defer.Deferred()
    asyncio.get_running_loop().call_soon(deferred.callback, result)
    return deferred


def failure_from_below() -> Failure:
    """Returns the Failure of a function that is to be seen in the traceback."""

    def deep_down() -> None:
        raise LostError("deep down")

    try:
        deep_down()
    except LostError:
        return Failure()
    raise AssertionError


def in_green_thread(wait_for: Callable[[], Any]) -> Any:
    return spawn(lambda: await_(wait_for()))


def in_generator(wait_for: Callable[[], Any]) -> Any:
    def generate() -> Generator[Any, Any, Any]:
        return (yield wait_for())

    return spawn(generate())


def in_coroutine(wait_for: Callable[[], Any]) -> Any:
    async def coroutine() -> Any:
        return await as_future(wait_for())

    return asyncio.get_running_loop().create_task(coroutine())


@pytest.fixture(params=[in_green_thread, in_generator, in_coroutine])
def start(request: pytest.FixtureRequest) -> Any:
    """Starts a task of one model that waits for what a function returns."""
    return request.param


def test_the_result_of_a_deferred_is_waited_for(run: Run, start: Any) -> None:
    async def main() -> Any:
        return await start(lambda: fired_soon("result"))

    assert run(main) == "result"


def test_a_deferred_that_has_fired_gives_its_result(run: Run, start: Any) -> None:
    async def main() -> Any:
        return await start(lambda: defer.succeed("result"))

    assert run(main) == "result"


def test_a_failure_keeps_its_type_and_its_traceback(run: Run, start: Any) -> None:
    async def main() -> None:
        await start(lambda: fired_soon(failure_from_below()))

    with pytest.raises(LostError, match="deep down") as raised:
        run(main)
    assert "deep_down" in [frame.name for frame in traceback.extract_tb(raised.value.__traceback__)]


def test_a_failure_that_came_before_anybody_waited_tells_where_it_came_from(
    run: Run, start: Any
) -> None:
    """Twisted has taken its traceback away by then; the text is left."""

    async def main() -> None:
        await start(lambda: defer.fail(failure_from_below()))

    with pytest.raises(LostError, match="deep down") as raised:
        run(main)
    assert "in deep_down" in "".join(traceback.format_exception(raised.value))


def test_to_cancel_the_waiter_cancels_the_deferred(run: Run, start: Any) -> None:
    cancelled: list[Any] = []

    async def main() -> None:
        waiter = start(lambda: defer.Deferred(cancelled.append))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        waiter.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiter

    run(main)
    assert len(cancelled) == 1


def test_a_deferred_that_is_cancelled_fails_its_waiter_with_twisteds_error(
    run: Run, start: Any
) -> None:
    """Not with asyncio's, by which the waiter would seem to be cancelled itself."""

    async def main() -> None:
        deferred: defer.Deferred[Any] = defer.Deferred()
        waiter = start(lambda: deferred)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        deferred.cancel()
        with pytest.raises(defer.CancelledError):
            await waiter
        assert not waiter.cancelled()

    run(main)


def test_what_comes_later_in_the_chain_gets_none(run: Run) -> None:
    later: list[Any] = []

    def main() -> None:
        deferred = fired_soon("result")
        assert await_(deferred) == "result"
        deferred.addCallback(later.append)

    run(main)
    assert later == [None]


def test_a_deferred_waits_for_a_green_thread(run: Run) -> None:
    got: list[Any] = []

    def work() -> str:
        return await_(soon("first")) + ", second"

    def main() -> None:
        as_deferred(spawn(work)).addCallback(got.append)
        turns(6)

    run(main)
    assert got == ["first, second"]


def test_a_deferred_waits_for_a_coroutine(run: Run) -> None:
    got: list[Any] = []

    async def work() -> str:
        return await soon("result")

    async def main() -> None:
        deferred = as_deferred(work()).addCallback(got.append)
        await as_future(deferred)

    run(main)
    assert got == ["result"]


def test_a_deferred_is_as_good_as_itself() -> None:
    deferred = defer.succeed(1)
    assert as_deferred(deferred) is deferred


def test_a_deferred_fails_as_the_green_thread_does(run: Run) -> None:
    got: list[Failure] = []

    def deep_down() -> None:
        raise LostError("deep down")

    async def main() -> None:
        await as_future(as_deferred(spawn(deep_down)).addErrback(got.append))

    run(main)
    assert got[0].check(LostError)
    assert "deep_down" in got[0].getTraceback()


def test_to_cancel_the_deferred_cancels_the_green_thread(run: Run) -> None:
    def wait() -> None:
        await_(never())

    async def main() -> None:
        thread = spawn(wait)
        deferred = as_deferred(thread)
        await asyncio.sleep(0)
        deferred.addErrback(lambda failure: failure.trap(asyncio.CancelledError))
        deferred.cancel()
        with pytest.raises(asyncio.CancelledError):
            await thread
        await asyncio.sleep(0)

    run(main)


def test_twisteds_own_coroutines_wait_for_green_threads_and_are_waited_for(run: Run) -> None:
    async def of_twisted() -> str:
        return "twisted, " + await as_deferred(spawn(lambda: await_(soon("green"))))

    def main() -> Any:
        return await_(defer.Deferred.fromCoroutine(of_twisted()))

    assert run(main) == "twisted, green"


def test_inline_callbacks_wait_for_green_threads(run: Run) -> None:
    @defer.inlineCallbacks
    def of_twisted() -> Generator[Any, Any, str]:
        found = yield as_deferred(spawn(lambda: await_(soon("green"))))
        return "twisted, " + found

    assert run(lambda: await_(of_twisted())) == "twisted, green"


def test_a_thread_gets_the_result_of_a_deferred_that_has_fired() -> None:
    assert from_a_thread(await_, defer.succeed("result")) == "result"
    with pytest.raises(LostError):
        from_a_thread(await_, defer.fail(LostError()))


def test_a_thread_that_waits_for_what_no_reactor_can_fire_is_told() -> None:
    with pytest.raises(RuntimeError, match="no reactor runs that could fire it: start the reactor"):
        from_a_thread(await_, defer.Deferred())
