"""Runs one file of gevent's own tests, and records what became of each test.

    python gevent_tests.py MODULE OUTCOMES

Each line of OUTCOMES is the id of a test and "passed", "skipped" or "failed". A file may also be a
program that has no tests and just has to end well, so the file itself is one of them.
"""

import json
import os
import runpy
import sys
import unittest

MODULE, OUTCOMES = sys.argv[1:3]


def record(name: str, outcome: str) -> None:
    """Adds a line."""
    # The number of the descriptor is not to differ from one run to the next, nor to be a socket
    # of gevent's: opened and closed each time.
    descriptor = os_open(OUTCOMES, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC)
    try:
        os_write(descriptor, (json.dumps([name, outcome]) + "\n").encode())
    finally:
        os_close(descriptor)


# Kept, because gevent puts others in their places.
os_open, os_write, os_close = os.open, os.write, os.close


def recorded(kind: str, outcome: str) -> None:
    """Has a method of every unittest result write a line."""
    original = getattr(unittest.TestResult, kind)

    def add(self: unittest.TestResult, test: unittest.TestCase, *args: object) -> None:
        if os.getpid() == PROCESS:
            record(f"{MODULE}:{test.id().removeprefix('__main__.')}", outcome)
        original(self, test, *args)

    setattr(unittest.TestResult, kind, add)


def recorded_subtest() -> None:
    """Has a subtest that fails count as its test."""
    original = unittest.TestResult.addSubTest

    def add(
        self: unittest.TestResult, test: unittest.TestCase, subtest: unittest.TestCase, err: object
    ) -> None:
        if err is not None:
            record(f"{MODULE}:{test.id().removeprefix('__main__.')}", "failed")
        original(self, test, subtest, err)

    unittest.TestResult.addSubTest = add


PROCESS = os.getpid()
for kind, outcome in {
    "addSuccess": "passed",
    "addExpectedFailure": "passed",
    "addSkip": "skipped",
    "addFailure": "failed",
    "addError": "failed",
    "addUnexpectedSuccess": "failed",
}.items():
    recorded(kind, outcome)
recorded_subtest()
sys.argv[:] = [f"{MODULE}.py"]
runpy.run_module(f"gevent.tests.{MODULE}", run_name="__main__", alter_sys=True)
