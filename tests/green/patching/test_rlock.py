"""A lock on which green threads take turns, and which a callback passes."""

import asyncio
import threading

import pytest

from mainspring.green import GreenletExit, Timeout, await_, sleep, spawn
from mainspring.green.patching.rlock import SharedRLock
from tests.green.helpers import never, turns


@pytest.fixture
def lock():
    return SharedRLock()


def test_green_threads_take_turns_in_order(run, lock):
    order = []

    def work(name):
        with lock, lock:
            order.append(f"{name} in")
            turns()
            order.append(f"{name} out")

    def main():
        for thread in [spawn(work, name) for name in "abc"]:
            thread.join()

    run(main)
    assert order == ["a in", "a out", "b in", "b out", "c in", "c out"]


def test_a_callback_passes_the_green_thread_that_holds_it(run, lock):
    def call_back(passed):
        with lock:
            passed.set_result(True)

    def main():
        loop = asyncio.get_running_loop()
        passed = loop.create_future()
        with lock:
            loop.call_soon(call_back, passed)
            return await_(passed)

    assert run(main)


def test_an_os_thread_waits_for_the_green_thread_that_holds_it(run, lock):
    taken = []

    def take():
        taken.append(lock.acquire(blocking=False))

    def main():
        with lock:
            thread = threading.Thread(target=take)
            thread.start()
            thread.join()
        thread = threading.Thread(target=take)
        thread.start()
        thread.join()

    run(main)
    assert taken == [False, True]


def test_who_does_not_wait_is_refused(run, lock):
    def main():
        with lock:
            other = spawn(lock.acquire, blocking=False)
            timed = spawn(lock.acquire, timeout=0)
            return other.get(), timed.get()

    assert run(main) == (False, False)


def test_a_thread_that_is_killed_while_it_waits_loses_no_turn(run, lock):
    def main():
        with lock:
            first, second = spawn(lock.acquire), spawn(lock.acquire)
            turns()
            first.kill()
        return second.get()

    assert run(main)


def test_a_turn_that_comes_with_the_end_is_passed_on(run, lock):
    def main():
        lock.acquire()
        first, second = spawn(lock.acquire), spawn(lock.acquire)
        turns()
        lock.release()
        first.kill(GreenletExit, block=False)
        return second.get()

    assert run(main)


def test_a_timeout_of_the_users_is_raised_as_it_is(run, lock):
    def wait():
        with Timeout(0), lock:
            never()

    def main():
        with lock:
            return spawn(wait).get()

    with pytest.raises(Timeout):
        run(main)


def test_only_the_owner_may_release_it(run, lock):
    def main():
        with lock:
            return spawn(lock.release).get()

    with pytest.raises(RuntimeError, match="un-acquired"):
        run(main)


def test_it_says_whether_it_is_held_here(run, lock):
    def main():
        with lock:
            mine, others = lock._is_owned(), spawn(lock._is_owned).get()
        return mine, others, lock._is_owned()

    assert run(main) == (True, False, False)


def test_in_a_child_it_is_free(run, lock):
    def main():
        lock.acquire()
        lock._at_fork_reinit()
        sleep(0)
        return spawn(lock.acquire, blocking=False).get()

    assert run(main)
