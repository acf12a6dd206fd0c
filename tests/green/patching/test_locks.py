"""Locks from before patching are exchanged where all that refers to them can be changed."""

import threading

import pytest

from mainspring.green.patching.locks import exchange_locks
from mainspring.green.patching.natives import RLockType
from mainspring.green.patching.rlock import SharedRLock

MAKE = {RLockType: SharedRLock}


def exchange():
    """Exchanges the locks of this module only."""
    return exchange_locks(lambda name: name not in (__name__, "locks_here"), MAKE)


class Owner:
    def __init__(self):
        self.lock = threading.RLock()


class Holder:
    lock: object = None


def test_a_lock_of_an_object_is_exchanged():
    owner = Owner()
    assert exchange() == []
    assert type(owner.lock) is SharedRLock


def test_a_lock_of_a_module_is_exchanged(make_module):
    module = make_module("locks_here", "import threading\nLOCK = threading.RLock()")
    exchange()
    assert type(module.LOCK) is SharedRLock


def test_a_lock_of_a_class_is_exchanged():
    Holder.lock = threading.RLock()
    exchange()
    assert type(Holder.lock) is SharedRLock
    del Holder.lock
    Holder.lock = None


def test_two_owners_of_one_lock_have_one_lock_afterwards():
    first, second = Owner(), Owner()
    second.lock = first.lock
    exchange()
    assert type(first.lock) is SharedRLock
    assert first.lock is second.lock


@pytest.mark.parametrize("keep", [lambda lock: lock, lambda lock: lock.acquire])
def test_a_lock_that_something_else_refers_to_stays_and_is_named(keep):
    owner = Owner()
    hidden = [keep(owner.lock)]
    assert (f"{__name__}.Owner", "lock") in exchange()
    assert type(owner.lock) is RLockType
    assert hidden


def test_a_lock_that_is_held_stays():
    owner = Owner()
    with owner.lock:
        exchange()
        assert type(owner.lock) is RLockType


def test_others_locks_stay():
    owner = Owner()
    assert exchange_locks(lambda name: True, MAKE) == []
    assert type(owner.lock) is RLockType
