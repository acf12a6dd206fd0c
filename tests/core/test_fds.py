"""The table of watchers: queued news of an fd, stale news, and what the poller is told."""

import pytest

from tests.core.fakes import LOW, READ, WRITE


def test_the_poller_is_told_the_union_of_what_the_watchers_want(bench):
    masks = []
    for call in (
        lambda: bench.loop.add_reader(700, print),
        lambda: bench.loop.add_writer(700, print),
        lambda: bench.loop.remove_reader(700),
        lambda: bench.loop.remove_writer(700),
    ):
        call()
        masks.append(bench.poller.registered.get(700, (0, 0))[0])
    assert masks == [READ, READ | WRITE, WRITE, 0]


def test_a_reader_that_is_replaced_while_it_is_queued_does_not_run(bench):
    bench.loop.add_reader(700, lambda: bench.loop.add_reader(701, bench.note, "new"))
    bench.loop.add_reader(701, bench.note, "old")
    bench.poller.ready(700)
    bench.poller.ready(701)
    assert bench.step() == []
    bench.poller.ready(701)
    assert bench.step() == ["new"]


def test_a_reader_that_is_removed_while_it_is_queued_does_not_run(bench):
    bench.loop.add_reader(700, bench.loop.remove_reader, 701)
    bench.loop.add_reader(701, bench.note, "never")
    bench.poller.ready(700)
    bench.poller.ready(701)
    assert bench.steps(2) == [[], []]


def test_a_reader_that_waits_at_low_and_is_removed_does_not_run(bench):
    bench.loop.add_reader(700, bench.note, "never", priority=LOW)
    bench.loop.call_soon(bench.note, "default")
    bench.poller.ready(700)
    assert bench.step() == ["default"]
    bench.loop.remove_reader(700)
    assert bench.steps(2) == [[], []]


def test_removing_the_writer_leaves_the_reader_queued(bench):
    bench.loop.add_reader(700, bench.note, "reader", priority=LOW)
    bench.loop.add_writer(700, bench.note, "writer", priority=LOW)
    bench.loop.call_soon(bench.note, "default")
    bench.poller.ready(700, READ | WRITE)
    bench.step()
    bench.loop.remove_writer(700)
    assert bench.step() == ["reader"]


def test_a_number_that_is_watched_anew_has_another_generation(bench):
    generations = []
    for _ in range(3):
        bench.loop.add_reader(700, print)
        generations.append(bench.poller.registered[700][1])
        bench.loop.remove_reader(700)
    assert len(set(generations)) == 3


def test_news_of_the_file_before_does_not_reach_the_file_that_has_the_number_now(bench):
    bench.loop.add_reader(700, bench.note, "old")
    old = bench.poller.registered[700][1]
    bench.loop.remove_reader(700)
    bench.loop.add_reader(700, bench.note, "new")
    bench.poller.during_wait = lambda: bench.poller.report(700, READ, old)
    assert bench.step() == []


@pytest.mark.parametrize("stranger", [750, 1_000_000])
def test_news_of_an_fd_that_nobody_watches_has_everything_registered_afresh(bench, stranger):
    bench.loop.add_reader(700, bench.note, "io")
    bench.loop.add_writer(701, bench.note, "io")
    # The fd that tells of signals is watched from the first run on.
    bench.step()
    bench.poller.during_wait = lambda: bench.poller.report(stranger, READ, 0)
    before = set(bench.poller.registered)
    bench.step()
    bench.poller.during_wait = None
    assert bench.poller.resets == 1
    assert set(bench.poller.registered) == before
    bench.poller.ready(700)
    assert bench.step() == ["io"]
    assert bench.poller.resets == 1


def test_an_fd_that_the_poller_refuses_is_not_watched(bench):
    def refuse(*args):
        raise PermissionError("refused by the poller")

    bench.poller.refuse = refuse
    with pytest.raises(PermissionError, match="refused by the poller"):
        bench.loop.add_reader(700, print)
    bench.poller.refuse = None
    assert bench.loop.remove_reader(700) is False
    bench.step()
    assert bench.poller.waits == []


def test_a_writer_that_the_poller_refuses_leaves_the_reader(bench):
    def refuse(*args):
        raise OSError("refused by the poller")

    bench.loop.add_reader(700, bench.note, "reader")
    bench.poller.refuse = refuse
    with pytest.raises(OSError, match="refused by the poller"):
        bench.loop.add_writer(700, print)
    bench.poller.refuse = None
    assert bench.loop.remove_writer(700) is False
    bench.poller.ready(700)
    assert bench.step() == ["reader"]


def test_an_fd_that_can_not_be_registered_afresh_is_watched_no_more(bench):
    def refuse(fd, *args):
        if fd == 700:
            raise OSError("closed in the meantime")

    bench.loop.add_reader(700, bench.note, "closed")
    bench.poller.refuse = refuse
    bench.poller.during_wait = lambda: bench.poller.report(750, READ, 0)
    bench.step()
    bench.poller.during_wait = None
    waits = len(bench.poller.waits)
    bench.step()
    assert len(bench.poller.waits) == waits, "nothing is watched any more"
    assert bench.loop.remove_reader(700) is True
    bench.step()
    assert len(bench.poller.waits) == waits
