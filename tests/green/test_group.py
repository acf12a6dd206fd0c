"""Several at once: `wait`, `iwait`, `joinall`, `killall`, `Group`, `Pool`."""

import asyncio

import pytest

from mainspring.green import (
    Group,
    Pool,
    await_,
    iwait,
    joinall,
    killall,
    sleep,
    spawn,
    wait,
)
from tests.green.helpers import never, soon, turns


def test_wait_returns_what_has_ended_in_that_order(run):
    def main():
        late = spawn(turns, 5)
        early = spawn(turns, 1)
        return wait([late, early]) == [early, late]

    assert run(main)


def test_wait_returns_when_so_many_as_asked_for_have_ended(run):
    def main():
        stays = spawn(lambda: await_(never()))
        ends = spawn(sleep)
        return wait([stays, ends], count=1) == [ends], stays.done()

    assert run(main) == (True, False)


def test_wait_returns_what_has_ended_when_its_time_is_over(run):
    def main():
        return wait([spawn(lambda: await_(never()))], timeout=0)

    assert run(main) == []


def test_wait_takes_futures_and_what_has_ended_already(run):
    def main():
        done = spawn(lambda: 1)
        done.join()
        future = soon(2)
        return wait([future, done]) == [done, future]

    assert run(main)


def test_iwait_yields_each_as_it_ends_and_each_once(run):
    def main():
        first, second = spawn(turns, 1), spawn(turns, 3)
        return [one is first for one in iwait([second, first, second])]

    assert run(main) == [True, False]


def test_of_nothing_there_is_nothing_to_wait_for(run):
    assert run(lambda: (wait([]), wait([soon()], count=0))) == ([], [])


def test_joinall_raises_what_fails_when_asked_to(run):
    def main():
        failed = spawn(int, "x")
        with pytest.raises(ValueError, match="invalid literal"):
            joinall([failed], raise_error=True)
        return joinall([failed]) == [failed]

    assert run(main)


def test_killall_ends_all_but_who_calls_it(run):
    def main():
        threads = [spawn(lambda: await_(never())) for _ in range(3)]
        killall([*threads, asyncio.current_task()])
        return [thread.cancelled() for thread in threads]

    assert run(main) == [True, True, True]


def test_a_thread_leaves_its_group_when_it_has_ended(run):
    def main():
        group = Group()
        thread = group.spawn(sleep)
        before = thread in group, len(group), list(group) == [thread]
        group.join()
        turns()
        return before, len(group)

    assert run(main) == ((True, 1, True), 0)


def test_join_waits_for_those_too_that_come_meanwhile(run):
    def main():
        group = Group()
        done = []

        def first():
            turns()
            group.spawn(lambda: done.append(turns()))

        group.spawn(first)
        return group.join(), len(done)

    assert run(main) == (True, 1)


def test_join_tells_whether_the_group_is_empty_when_its_time_is_over(run):
    def main():
        group = Group([spawn(lambda: await_(never()))])
        stayed = group.join(timeout=0.001)
        group.kill()
        return stayed, group.join(timeout=1)

    assert run(main) == (False, True)


def test_a_group_maps_in_order_and_out_of_it(run):
    def main():
        group = Group()

        def work(count):
            turns(count)
            return count

        return (
            group.map(work, [3, 1]),
            list(group.imap(lambda a, b: a + b, [1, 2], [3, 4])),
            list(group.imap_unordered(work, [9, 1])),
            group.apply(work, (2,)),
        )

    assert run(main) == ([3, 1], [4, 6], [1, 9], 2)


def test_a_pool_lets_in_as_many_as_it_has_room_for(run):
    def main():
        pool = Pool(2)
        now, most = [0], [0]

        def work():
            now[0] += 1
            most[0] = max(most[0], now[0])
            turns()
            now[0] -= 1

        for _ in range(6):
            pool.spawn(work)
        full = pool.full(), pool.free_count()
        pool.join()
        turns()
        return most[0], full, pool.free_count(), pool.full()

    assert run(main) == (2, (True, 0), 2, False)


def test_a_pool_tells_when_there_is_room(run):
    def main():
        pool = Pool(1)
        thread = pool.spawn(lambda: await_(never()))
        full = pool.wait_available(timeout=0.001)
        thread.kill()
        return full, pool.wait_available(), pool.free_count()

    assert run(main) == (False, True, 1)


def test_a_pool_without_a_bound_has_always_room(run):
    def main():
        pool = Pool()
        pool.spawn(sleep)
        return pool.full(), pool.free_count(), pool.wait_available(), pool.join()

    assert run(main) == (False, float("inf"), True, True)


def test_who_is_killed_while_it_waits_for_room_takes_none(run):
    def main():
        pool = Pool(1)
        holder = pool.spawn(lambda: await_(never()))
        waiter = spawn(pool.spawn, sleep)
        turns()
        waiter.kill()
        holder.kill()
        turns()
        return pool.free_count(), pool.full()

    assert run(main) == (1, False)


def test_a_start_that_fails_gives_the_room_back(run):
    def main():
        pool = Pool(1)
        with pytest.raises(TypeError):
            pool.spawn(None)
        return pool.free_count(), pool.full()

    assert run(main) == (1, False)


@pytest.mark.parametrize("size", [0, -1])
def test_a_pool_without_room_is_refused(size):
    with pytest.raises(ValueError, match=rf"got {size}"):
        Pool(size)
