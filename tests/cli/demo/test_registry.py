"""The registry of ways.

Invariant proved: every way is listed, with a reason where it can't run.
"""

import pytest

from mainspring.cli.demo.registry import UnknownWayError, all_ways, needs, register, select_ways
from mainspring.cli.demo.work import Work

WAYS = [
    "thread",
    "select",
    "gevent",
    "glib",
    "asyncio",
    "eventlet",
    "twisted",
    "uvloop",
    "mainspring-callbacks",
    "mainspring-protocol",
    "mainspring-coroutine",
    "mainspring-green-thread",
    "mainspring-generator",
    "mainspring-run-idle",
]


def test_the_ways_are_registered_in_their_order() -> None:
    assert [way.name for way in all_ways()] == WAYS


def test_every_way_says_what_its_model_is() -> None:
    assert all(way.model for way in all_ways())


def test_only_the_ways_on_mainspring_are_ours() -> None:
    assert {way.name.split("-")[0] for way in all_ways() if way.ours} == {"mainspring"}


def test_the_ways_that_are_named_come_in_the_registrys_order() -> None:
    assert [way.name for way in select_ways(["asyncio", "thread"])] == ["thread", "asyncio"]


def test_an_unknown_way_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(UnknownWayError, match="no way is called 'twist': choose from thread, sel"):
        select_ways(["twist"])


def test_a_name_that_is_taken_is_an_error() -> None:
    def run(work: Work) -> None:
        raise AssertionError

    all_ways()
    with pytest.raises(ValueError, match="two ways are called 'select'"):
        register("select", model="another", order=0)(run)


def test_a_module_that_is_missing_is_the_reason() -> None:
    assert needs("no_such_module")() == (
        "no_such_module can't be imported (No module named 'no_such_module')"
    )


def test_an_attribute_that_is_missing_is_the_reason() -> None:
    assert needs("socket", "warp")() == "socket has no warp"


def test_what_is_there_gives_no_reason() -> None:
    assert needs("socket", "socket")() is None
