"""Watchers: what each waits for, when it is called, and what it leaves behind."""

import os
import signal
import socket
import subprocess
import sys

import pytest

from mainspring.compat.gevent.watcher import EVENTS
from tests.threads import from_a_thread


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        yield ours, theirs


def test_two_watchers_of_one_fd_are_both_called(loop, pair, record):
    ours, theirs = pair
    watchers = [loop.io(ours.fileno(), 1) for _ in range(2)]
    for name, watcher in enumerate(watchers):
        watcher.start(record.note, name)
    theirs.send(b"x")
    loop.run(once=True)
    assert sorted(record) == [0, 1]
    for watcher in watchers:
        watcher.close()


def test_a_watcher_tells_which_directions_are_ready(loop, pair, record):
    ours, theirs = pair
    both = loop.io(ours.fileno(), 3)
    both.start(record.note, pass_events=True)
    loop.run(once=True)
    theirs.send(b"x")
    loop.run(once=True)
    assert record == [2, 3]
    both.close()


def test_the_mark_for_events_is_replaced_in_any_watcher(loop, record):
    loop.timer(0).start(record.note, EVENTS)
    loop.run()
    assert record == [0]


def test_a_stopped_watcher_is_not_called_though_its_fd_is_ready(loop, pair, record):
    ours, theirs = pair
    watcher = loop.io(ours.fileno(), 1)
    watcher.start(record.note, "called")
    theirs.send(b"x")
    loop.run_callback(watcher.stop)
    loop.run()
    assert record == []
    watcher.close()


def test_a_watcher_that_is_stopped_and_started_again_is_called(loop, pair, record):
    ours, theirs = pair
    watcher = loop.io(ours.fileno(), 1)
    for turn in range(3):
        watcher.start(record.note, turn)
        theirs.send(b"x")
        loop.run(once=True)
        ours.recv(1)
        watcher.stop()
    assert record == [0, 1, 2]
    watcher.close()


def test_an_fd_that_is_closed_and_used_again_at_once_is_watched_anew(loop, record):
    first, other = socket.socketpair()
    number = first.fileno()
    watcher = loop.io(number, 1)
    watcher.start(record.note, "old")
    loop.run(nowait=True)
    # Stopped, not closed: its registration lasts until the next poll.
    watcher.stop()
    first.close()
    other.close()
    ours, theirs = socket.socketpair()
    assert ours.fileno() == number
    fresh = loop.io(number, 1)
    fresh.start(record.note, "new")
    loop.run(nowait=True)
    theirs.send(b"x")
    loop.run(once=True)
    assert record == ["new"]
    for end in (fresh, ours, theirs):
        end.close()


def test_who_waits_for_a_closing_fd_is_called_first(loop, pair, record):
    ours, _ = pair
    watcher = loop.io(ours.fileno(), 1)
    watcher.start(lambda: (record.note("waiter"), watcher.close()))
    check = loop.check()
    check.start(lambda: (record.note("close"), check.close()))
    assert loop.closing_fd(ours.fileno())
    loop.run()
    assert record == ["waiter", "close"]
    assert not loop.closing_fd(ours.fileno())


def test_a_regular_file_is_always_ready(loop, record, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"")
    with path.open("rb") as file:
        watcher = loop.io(file.fileno(), 1)
        watcher.start(lambda: (record.note("ready"), watcher.close()))
        loop.run()
    assert record == ["ready"]


def test_an_fd_that_is_not_open_is_refused(loop, pair):
    number = os.dup(pair[0].fileno())
    os.close(number)
    with pytest.raises(OSError, match=f"fd {number} can't be watched"):
        loop.io(number, 1)
    with pytest.raises(ValueError, match="-1"):
        loop.io(-1, 1)
    with pytest.raises(ValueError, match="events must be"):
        loop.io(pair[0].fileno(), 8)


def test_a_watcher_whose_fd_was_closed_is_told_so_that_it_notices(loop, record):
    ours, theirs = socket.socketpair()
    watcher = loop.io(ours.fileno(), 1)
    ours.close()
    watcher.start(lambda: (record.note("told"), watcher.close()))
    loop.run()
    assert record == ["told"]
    theirs.close()


def test_an_io_watcher_whose_callback_raises_is_stopped(loop, pair):
    ours, theirs = pair
    watcher = loop.io(ours.fileno(), 1)
    watcher.start(int, "no number")
    theirs.send(b"x")
    loop.run()
    [(context, error)] = loop.errors
    assert context is watcher
    assert isinstance(error, ValueError)
    assert not watcher.active


def test_a_timer_is_over_when_its_callback_is_called(loop, record):
    timer = loop.timer(0)
    timer.start(lambda: record.note(timer.active))
    loop.run()
    assert record == [False]
    assert timer.callback is None


def test_a_timer_repeats_until_it_is_stopped(loop, record):
    timer = loop.timer(0, 1e-6)

    def tick():
        record.note(timer.active)
        if len(record) == 3:
            timer.stop()

    timer.start(tick)
    loop.run()
    assert record == [True] * 3


def test_again_goes_by_the_repeat_interval(loop, record):
    timer = loop.timer(1000.0, 1e-6)
    timer.start(record.note, "start")
    timer.again(lambda: (record.note("again"), timer.stop()))
    loop.run()
    assert record == ["again"]


def test_again_stops_a_timer_that_does_not_repeat(loop):
    timer = loop.timer(1000.0)
    timer.start(print)
    timer.again(print)
    assert not timer.active
    loop.run()


def test_timers_run_in_order_of_their_times(loop, record):
    for after in (-1.0, -3.0, -2.0):
        loop.timer(after).start(record.note, after)
    loop.run()
    assert record == [-3.0, -2.0, -1.0]


def test_what_may_not_be_a_callback_is_refused(loop):
    timer = loop.timer(1)
    for wrong in (None, 5):
        with pytest.raises(TypeError, match="callable"):
            timer.start(wrong)
    with pytest.raises(TypeError, match="tuple"):
        timer.args = [1]
    with pytest.raises(ValueError, match="-1"):
        loop.timer(1, -1)


def test_an_active_watcher_does_not_change(loop, pair):
    watcher = loop.io(pair[0].fileno(), 1)
    watcher.start(print)
    for name in ("fd", "events", "priority"):
        with pytest.raises(AttributeError, match=f"{name} of an active watcher"):
            setattr(watcher, name, 2)
    watcher.close()


def test_any_thread_may_send_to_an_async_watcher(loop, record):
    watcher = loop.async_()
    watcher.start(lambda: (record.note("sent"), watcher.close()))
    from_a_thread(watcher.send)
    assert watcher.pending
    loop.run()
    assert record == ["sent"]


def test_what_is_sent_twice_before_it_was_seen_counts_once(loop, record):
    watcher = loop.async_(ref=False)
    watcher.start(record.note, "sent")
    watcher.send()
    watcher.send()
    loop.run()
    assert record == ["sent"]
    watcher.close()


def test_a_signal_is_told_and_its_handler_comes_back(loop, record):
    before = signal.getsignal(signal.SIGUSR1)
    watcher = loop.signal(signal.SIGUSR1)
    watcher.start(lambda: (record.note("signal"), watcher.close()))
    os.kill(os.getpid(), signal.SIGUSR1)
    loop.run()
    assert record == ["signal"]
    assert signal.getsignal(signal.SIGUSR1) is before
    with pytest.raises(ValueError, match="1000"):
        loop.signal(1000)


def test_all_watchers_of_a_child_are_told_of_its_end(loop, record):
    child = subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"])
    watchers = [loop.child(child.pid), loop.child(child.pid), loop.child(0)]
    for watcher in watchers:
        watcher.start(
            lambda watcher: (record.note(watcher.rpid, watcher.rstatus), watcher.close()), watcher
        )
    loop.run()
    assert record == [(child.pid, 3 << 8)] * 3
    child.returncode = 3


def test_a_child_that_somebody_else_has_reaped_is_told_of_too(loop, record):
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    watcher = loop.child(child.pid)
    watcher.start(lambda: (record.note(watcher.rstatus), watcher.close()))
    loop.run()
    assert record == [255 << 8]


def test_a_path_is_told_of_when_it_changes(loop, record, tmp_path):
    path = tmp_path / "file"
    watcher = loop.stat(str(path), -1)
    watcher.start(lambda: (record.note(watcher.prev, watcher.attr.st_size), watcher.close()))
    path.write_bytes(b"abc")
    loop.run()
    assert record == [(None, 3)]
    assert watcher.interval > 0


def test_prepare_comes_before_the_poll_and_check_after_it(loop, record):
    timer = loop.timer(0)
    timer.start(record.note, "timer")
    watchers = [loop.prepare(), loop.check()]
    for name, watcher in zip(("prepare", "check"), watchers, strict=True):
        watcher.start(record.note, name)
    loop.run(once=True)
    assert record == ["prepare", "timer", "check"]
    for watcher in watchers:
        watcher.close()


def test_idle_watchers_run_while_nothing_else_does_the_most_urgent_first(loop, record):
    low, high = loop.idle(), loop.idle(priority=1)
    low.start(lambda: (record.note("low"), low.close()))
    high.start(lambda: (record.note("high"), high.close()))
    loop.timer(0).start(record.note, "timer")
    loop.run_callback(record.note, "callback")
    loop.run()
    assert record[-2:] == ["high", "low"]
    assert set(record[:2]) == {"timer", "callback"}
