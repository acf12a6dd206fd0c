"""The interpreter's tests of what is patched, and how one of them runs in a green thread.

They come from the `test` package of the running interpreter, and nothing of them is changed. The
control is the same test, unpatched and without a loop.
"""

import importlib
import unittest
from collections.abc import Iterator
from typing import Any

import mainspring

from ..runner import Outcome, outcome_of
from ..suites import Factory

# From what the others are built on upwards.
MODULES = (
    "test_thread",
    "test_threading_local",
    "test_queue",
    "test_threading",
    "test_select",
    "test_selectors",
    "test_timeout",
    "test_socket",
    "test_ssl",
    "test_socketserver",
    "test_httplib",
    "test_httpservers",
    "test_urllib2_localnet",
    "test_subprocess",
    "test_signal",
    "test_context",
)
# They ask for the network, and mean this machine's.
LOCAL = {"test_socketserver", "test_timeout", "test_urllib2_localnet"}
# They ask hosts of the Python project.
REMOTE = ("test_timeout.TCPTimeoutTestCase.",)


def collect() -> dict[str, unittest.TestCase]:
    """Returns every test by its id, `module.Class.test`."""
    tests = {}
    for name in MODULES:
        allow_resources(name)
        module = importlib.import_module(f"test.{name}")
        for test in _flat(unittest.defaultTestLoader.loadTestsFromModule(module)):
            identity = test.id().removeprefix("test.")
            if type(test).__module__ == module.__name__ and not identity.startswith(REMOTE):
                tests[identity] = test
    return tests


def allow_resources(module: str) -> None:
    """Lets the tests of a module have what they ask for, but neither the network nor minutes."""
    support: Any = importlib.import_module("test.support")
    support.use_resources = ["cpu", "subprocess", *(["network"] if module in LOCAL else [])]


def _flat(suite: Any) -> Iterator[unittest.TestCase]:
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from _flat(test)
        else:
            yield test


def judge_plainly(test: unittest.TestCase, factory: Factory) -> Outcome:
    """Runs one test as it is."""
    # Each of these tests counts.
    factory().close()
    allow_resources(type(test).__module__.rpartition(".")[2])
    result = unittest.TestResult()
    unittest.TestSuite([test]).run(result)
    return outcome_of(result)


def judge_in_green_thread(test: unittest.TestCase, factory: Factory) -> Outcome:
    """Runs one test in the green thread that is the program's main function."""
    return mainspring.run(lambda: judge_plainly(test, factory))
