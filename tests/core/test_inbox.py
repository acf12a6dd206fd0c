"""The inbox: nothing that a thread sends is lost, reordered or slow to wake the loop."""

import os
import threading
import weakref

import pytest

import mainspring
from mainspring.core.epoll import EpollPoller
from tests.threads import from_a_thread

POSTS = 1000


@pytest.fixture
def loop():
    made = mainspring.new_event_loop()
    yield made
    made.close()


def test_a_thousand_posts_of_many_threads_all_arrive_each_threads_in_order(loop):
    def send(sender):
        for number in range(POSTS // 8):
            loop.call_soon_threadsafe(received.append, (sender, number))
        loop.call_soon_threadsafe(finished.append, sender)
        loop.call_soon_threadsafe(lambda: loop.stop() if len(finished) == 8 else None)

    received, finished = [], []
    threads = [threading.Thread(target=send, args=(sender,)) for sender in range(8)]
    for thread in threads:
        loop.call_soon(thread.start)
    loop.run_forever()
    for thread in threads:
        thread.join()
    assert len(received) == POSTS
    for sender in range(8):
        assert [n for s, n in received if s == sender] == list(range(POSTS // 8))


def test_each_of_a_thousand_posts_wakes_a_loop_that_went_to_sleep(loop):
    def send():
        for number in range(POSTS):
            loop.call_soon_threadsafe(answer, number)
            # Waits for the answer, so the loop has nothing to do until the next post.
            arrived.acquire()
        loop.call_soon_threadsafe(loop.stop)

    def answer(number):
        received.append(number)
        arrived.release()

    received, arrived = [], threading.Semaphore(0)
    thread = threading.Thread(target=send)
    loop.call_soon(thread.start)
    loop.run_forever()
    thread.join()
    assert received == list(range(POSTS))


def test_a_thousand_posts_reach_a_loop_that_is_never_idle(loop):
    def send():
        for number in range(POSTS):
            loop.call_soon_threadsafe(received.append, number)
        loop.call_soon_threadsafe(loop.stop)

    def busy():
        loop.call_soon(busy)

    received = []
    loop.call_soon(busy)
    thread = threading.Thread(target=send)
    loop.call_soon(thread.start)
    loop.run_forever()
    thread.join()
    assert received == list(range(POSTS))


class Watched(EpollPoller):
    """epoll, and how high the counter of the loop's eventfd stands after each sleep."""

    def __init__(self):
        self.wake_up = -1
        self.counts = []
        self.during_sleep = lambda: None

    def set(self, fd, mask, registered, generation):
        if self.wake_up < 0:
            # The first fd that a loop registers is its own wake-up.
            self.wake_up = fd
        return EpollPoller.set(self, fd, mask, registered, generation)

    def wait(self, timeout, release_gil):
        if timeout:
            self.during_sleep()
            self.counts.append(self.count_of_wake_ups())
        return EpollPoller.wait(self, timeout, release_gil)

    def count_of_wake_ups(self):
        try:
            count = int.from_bytes(os.read(self.wake_up, 8), "little")
        except BlockingIOError:
            return 0
        # As it was, so that the sleep ends as it would have.
        os.write(self.wake_up, count.to_bytes(8, "little"))
        return count


@pytest.fixture
def watched():
    poller = Watched()
    loop = mainspring.Loop(poller=poller)
    yield loop, poller
    loop.close()


def test_many_posts_during_one_sleep_write_the_eventfd_once(watched):
    def send():
        for number in range(50):
            loop.call_soon_threadsafe(received.append, number)

    loop, poller = watched
    received = []
    poller.during_sleep = lambda: from_a_thread(send)
    loop.step(may_sleep=True)
    assert received == list(range(50))
    assert poller.counts == [1]


def test_posts_to_a_loop_that_runs_write_no_eventfd(watched):
    loop, poller = watched
    received = []
    loop.call_soon(from_a_thread, loop.call_soon_threadsafe, received.append, 1)
    loop.step()
    assert poller.count_of_wake_ups() == 0
    loop.step()
    assert received == [1]


def test_each_sleep_has_its_own_wake_up(watched):
    loop, poller = watched
    received = []
    poller.during_sleep = lambda: from_a_thread(loop.call_soon_threadsafe, received.append, 1)
    for _ in range(3):
        loop.step(may_sleep=True)
    assert received == [1, 1, 1]
    assert poller.counts == [1, 1, 1]


def test_the_loop_does_not_sleep_over_a_post_that_came_before_it(bench):
    def send():
        from_a_thread(bench.loop.call_soon_threadsafe, bench.note, "sent")
        bench.loop.stop()

    bench.loop.add_reader(700, bench.note, "io")
    bench.loop.call_soon(send)
    bench.loop.run_forever()
    # The post is still in the inbox, and the next run begins with it.
    assert bench.step(may_sleep=True) == ["sent"]
    assert bench.poller.timeouts[-1] == 0


def test_a_closed_loop_refuses_posts(loop):
    loop.close()
    with pytest.raises(RuntimeError, match="Event loop is closed"):
        from_a_thread(loop.call_soon_threadsafe, print)


def test_what_was_posted_and_not_taken_in_is_let_go_at_close(bench):
    class Payload:
        pass

    payload = Payload()
    gone = weakref.ref(payload)
    send = bench.loop.call_soon_threadsafe
    bench.loop.call_soon(from_a_thread, send, print, payload)
    bench.step()
    del payload
    assert gone() is not None
    bench.loop.close()
    assert gone() is None
