"""Subjects: which target goes where; no two go to one place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainspring.messaging.errors import InvalidTarget
from mainspring.messaging.nats.subjects import Subjects, pool_group, token
from mainspring.messaging.target import Target

SUBJECTS = Subjects("shop")


def test_each_kind_of_message_has_its_subject():
    target = Target(topic="orders", server="host.one")
    assert SUBJECTS.request(Target(topic="orders")) == "shop.topic.orders"
    assert SUBJECTS.request(target) == "shop.server.orders.host%2Eone"
    assert SUBJECTS.request(Target(topic="orders", fanout=True)) == "shop.fanout.orders"
    assert SUBJECTS.cancellations(Target(topic="orders")) == "shop.cancel.orders"
    assert SUBJECTS.cancellations(target) == "shop.cancel.orders.host%2Eone"
    assert SUBJECTS.notification(target, "info") == "shop.event.orders.info"
    assert SUBJECTS.given_back(target, "info", "a b") == "shop.again.orders.info.pool-a%20b"
    assert SUBJECTS.given_back(target, "info", None) == "shop.again.orders.info.listeners"


def test_a_target_may_name_another_exchange():
    assert SUBJECTS.request(Target(exchange="other", topic="t")) == "other.topic.t"


@given(st.text(min_size=1), st.text(min_size=1))
def test_a_name_is_one_token_and_its_own(one, other):
    made = token(one)
    assert made.isascii()
    assert not set(made) & set(". \t\r\n*>\0")
    assert (token(other) == made) == (one == other)


def test_no_pool_is_not_the_pool_of_any_name():
    assert pool_group(None) != pool_group("listeners")


@pytest.mark.parametrize(
    "target", [Target(), Target(topic="t" * 2000), Target(topic="t", server="")]
)
def test_what_has_no_subject_is_refused(target):
    with pytest.raises(InvalidTarget):
        SUBJECTS.request(target)
