"""Ending green threads from outside: `cancel`, `kill`, and what catches them."""

import asyncio
import threading

import greenlet
import pytest

import mainspring
from mainspring.green import GreenletExit, await_, joinall, killall, sleep, spawn
from tests.green.helpers import never, soon, turns


class Wait:
    """A function that waits for ever, and notes how that ends."""

    def __init__(self, future=None):
        self.future = future
        self.began = False
        self.caught = []

    def __call__(self):
        self.began = True
        try:
            return await_(self.future or never())
        except BaseException as exc:
            self.caught.append(exc)
            raise


def test_cancel_raises_a_cancelled_error_where_the_thread_waits(run):
    def main():
        wait = Wait()
        thread = spawn(wait)
        turns()
        thread.cancel("enough")
        thread.join()
        return thread.cancelled(), type(wait.caught[0]), wait.caught[0].args

    assert run(main) == (True, asyncio.CancelledError, ("enough",))


def test_kill_raises_a_greenlet_exit_which_is_a_cancellation_for_asyncio_and_greenlet(run):
    def main():
        wait = Wait()
        thread = spawn(wait)
        turns()
        thread.kill()
        (caught,) = wait.caught
        return thread.cancelled(), type(caught), isinstance(caught, greenlet.GreenletExit)

    assert run(main) == (True, GreenletExit, True)


def test_a_greenlet_exit_that_leaves_the_function_by_itself_is_a_cancellation(run):
    def leave():
        raise GreenletExit("enough")

    def main():
        thread = spawn(leave)
        thread.join()
        with pytest.raises(asyncio.CancelledError):
            thread.get()
        return thread.cancelled()

    assert run(main)


def test_kill_with_another_exception_makes_that_the_tasks(run):
    def main():
        thread = spawn(Wait())
        turns()
        thread.kill(LookupError("gone"))
        return repr(thread.exception())

    assert run(main) == "LookupError('gone')"


def test_a_thread_that_is_killed_before_it_begins_never_runs_and_its_links_fire(run):
    def main():
        wait = Wait()
        thread = spawn(wait)
        linked = []
        thread.link(linked.append)
        thread.kill()
        turns()
        return wait.began, thread.cancelled(), linked == [thread]

    assert run(main) == (False, True, True)


def test_a_thread_that_is_killed_twice_gets_both_one_after_the_other(run):
    def main():
        seen = []

        def stubborn():
            for _ in range(2):
                try:
                    await_(never())
                except GreenletExit as exc:
                    seen.append(exc.args)

        thread = spawn(stubborn)
        turns()
        thread.kill(GreenletExit(1), block=False)
        thread.kill(GreenletExit(2), block=False)
        thread.join()
        return seen, thread.cancelled()

    assert run(main) == ([(1,), (2,)], False)


def test_killing_what_has_ended_does_nothing(run):
    def main():
        thread = spawn(lambda: 3)
        thread.join()
        thread.kill(LookupError)
        return thread.get()

    assert run(main) == 3


def test_a_thread_that_kills_itself_gets_the_exception_at_once(run):
    def main():
        def kill_itself():
            with pytest.raises(LookupError):
                asyncio.current_task().kill(LookupError)
            return "alive"

        return spawn(kill_itself).get()

    assert run(main) == "alive"


def test_a_kill_that_comes_when_the_wait_is_over_is_delivered_once_and_nothing_else(run):
    def main():
        future = never()
        wait = Wait(future)
        thread = spawn(wait)
        turns()
        future.set_result("too late")
        thread.kill()
        turns()
        return [type(exc) for exc in wait.caught], thread.cancelled()

    assert run(main) == ([GreenletExit], True)


def test_a_kill_reaches_the_innermost_wait_through_coroutines(run):
    seen = []

    async def inner():
        try:
            await never()
        finally:
            seen.append("inner")

    def deep():
        try:
            await_(inner())
        finally:
            seen.append("deep")

    async def middle():
        deep()

    def main():
        thread = spawn(lambda: await_(middle()))
        turns()
        thread.kill(LookupError)
        return type(thread.exception())

    assert run(main) is LookupError
    assert seen == ["inner", "deep"]


def test_kill_leaves_no_request_for_cancellation_behind(run):
    def main():
        def survive():
            try:
                await_(never())
            except GreenletExit:
                return asyncio.current_task().cancelling()

        thread = spawn(survive)
        turns()
        thread.kill()
        return thread.get()

    assert run(main) == 0


def test_a_cancellation_that_is_swallowed_can_be_taken_back(run):
    def main():
        def swallow():
            try:
                await_(never())
            except asyncio.CancelledError:
                asyncio.current_task().uncancel()
            return await_(soon("gone on"))

        thread = spawn(swallow)
        turns()
        thread.cancel()
        return thread.get()

    assert run(main) == "gone on"


def test_a_real_cancellation_goes_before_a_kill_that_waits(run):
    def main():
        seen = []

        def work():
            for _ in range(2):
                try:
                    await_(never())
                except BaseException as exc:
                    seen.append(type(exc))

        thread = spawn(work)
        turns()
        thread.cancel()
        thread.kill(LookupError, block=False)
        thread.join()
        return seen

    assert run(main) == [asyncio.CancelledError, LookupError]


def test_whoever_waits_for_a_killed_thread_gets_its_end(run):
    def main():
        thread = spawn(Wait())
        turns()
        thread.kill()
        with pytest.raises(GreenletExit):
            thread.get()

    run(main)


def test_who_is_killed_while_it_joins_leaves_the_other_alone(run):
    def main():
        target = spawn(Wait())
        joiner = spawn(target.join)
        turns()
        joiner.kill()
        turns()
        return joiner.cancelled(), target.done()

    assert run(main) == (True, False)


def test_who_is_cancelled_while_it_awaits_a_thread_takes_it_along(run):
    async def main():
        target = spawn(Wait())

        async def wait():
            await target

        waiter = asyncio.create_task(wait())
        for _ in range(3):
            await asyncio.sleep(0)
        waiter.cancel()
        await asyncio.wait([waiter, target])
        return target.cancelled()

    assert run(main)


def test_a_thread_cannot_wait_for_its_own_end(run):
    def main():
        def wait():
            asyncio.current_task().join()

        with pytest.raises(RuntimeError, match="can't wait for its own end"):
            spawn(wait).get()

    run(main)


def test_join_returns_when_its_time_is_over_and_the_thread_goes_on(run):
    def main():
        thread = spawn(Wait())
        thread.join(timeout=0)
        return thread.done()

    assert run(main) is False


def test_get_raises_a_timeout_error_when_its_time_is_over(run):
    def main():
        thread = spawn(Wait())
        with pytest.raises(TimeoutError, match="has not ended"):
            thread.get(timeout=0)
        with pytest.raises(TimeoutError, match="has not ended"):
            thread.get(block=False)
        return thread.done()

    assert run(main) is False


def test_a_thread_can_be_killed_from_an_os_thread():
    def main():
        thread = spawn(Wait())
        turns()
        await_(asyncio.to_thread(thread.kill))
        return thread.cancelled()

    assert mainspring.run(main)


def test_kill_in_a_coroutine_does_not_wait(run):
    async def main():
        thread = spawn(Wait())
        await asyncio.sleep(0)
        thread.kill()
        killed_at_once = thread.done()
        await asyncio.wait([thread])
        return killed_at_once, thread.cancelled()

    assert run(main) == (False, True)


def test_a_thread_tells_how_it_has_ended(run):
    def main():
        good, bad, killed = spawn(lambda: 3), spawn(int, "x"), spawn(sleep, 9)
        before = good.ready(), good.successful(), good.value
        killall([killed])
        joinall([good, bad])
        return (
            before,
            [thread.ready() for thread in (good, bad, killed)],
            [thread.successful() for thread in (good, bad, killed)],
            [thread.value for thread in (good, bad, killed)],
            bad.dead and isinstance(bad.exception(), ValueError),
        )

    assert run(main) == (
        (False, False, None),
        [True] * 3,
        [True, False, False],
        [3, None, None],
        True,
    )


def test_a_keyboard_interrupt_ends_the_loop_while_green_threads_wait():
    seen = []

    def main():
        wait = Wait()
        seen.append(wait)
        spawn(wait)
        turns()
        asyncio.get_running_loop().call_soon(_interrupt)
        await_(never())

    def _interrupt():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mainspring.run(main)
    assert [type(exc) for exc in seen[0].caught] == [asyncio.CancelledError]


def test_a_thread_of_a_closed_loop_cannot_be_waited_for():
    async def main():
        thread = spawn(lambda: None)
        await thread
        return thread

    thread = mainspring.run(main)
    # It has ended: nothing to wait for.
    thread.join()
    assert threading.current_thread() is threading.main_thread()
