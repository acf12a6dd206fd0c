"""Which waiters are left in a child process after a fork: those of the thread that forked.

The others are copies of nobody: to hand a lock to one of them would be to lose it. So each fork is
an age of its own, and a waiter knows the age in which it began to wait, and its thread.
"""

import os

import cython
from cython.cimports.mainspring.core.capi import PyThread_get_thread_ident

age = 0
# For each fork that this process came out of, the thread that went on.
survivors = cython.declare(list, [])


def is_left(since, thread):
    """Returns True if a thread of some age is still there."""
    number: cython.int
    for number in range(since, age):
        if survivors[number] != thread:
            return False
    return True


def _begin_age():
    global age
    survivors.append(PyThread_get_thread_ident())
    age += 1


os.register_at_fork(after_in_child=_begin_age)
