"""Runs one file of Twisted's own tests with trial, and records what became of each test.

    REACTOR=asyncio|mainspring python twisted_tests.py MODULE OUTCOMES

The reactor is the process's, and the one that tests make for themselves, who as a rule make one of
each kind. Each line of OUTCOMES is the id of a test and "passed", "skipped" or "failed".
"""

import asyncio
import json
import os
import sys
from typing import Any

from twisted.internet import asyncioreactor
from twisted.trial import reporter, runner, unittest

MODULE, OUTCOMES = sys.argv[1:3]
IS_OURS = os.environ["REACTOR"].startswith("mainspring")


def install() -> None:
    """Makes the reactor of the process."""
    if IS_OURS:
        from mainspring.compat import twisted

        twisted.install()
    else:
        asyncioreactor.install(asyncio.SelectorEventLoop())


def new_reactor(test: Any) -> Any:
    """Makes a reactor for one test."""
    if IS_OURS:
        import mainspring
        from mainspring.compat import twisted

        loop: Any = mainspring.new_event_loop()
        # Tests that know what such reactors can't do (see a closed fd) know them by their name.
        kind = type("AsyncioSelectorReactor", (twisted.Reactor,), {})
        reactor: Any = kind(loop)
    else:
        loop = asyncio.SelectorEventLoop()
        reactor = asyncioreactor.AsyncioSelectorReactor(loop)
    test.addCleanup(loop.close)
    return reactor


class Recorder(reporter.MinimalReporter):  # type: ignore[misc]
    """Writes a line for each test that is over."""

    def record(self, test: Any, outcome: str) -> None:
        """Adds a line."""
        with open(OUTCOMES, "a") as file:
            file.write(json.dumps([f"{MODULE}:{test.id()}", outcome]) + "\n")

    def addSuccess(self, test: Any) -> None:
        """Notes a test that passed."""
        self.record(test, "passed")
        super().addSuccess(test)

    def addSkip(self, test: Any, reason: Any) -> None:
        """Notes a test that was skipped."""
        self.record(test, "skipped")
        super().addSkip(test, reason)

    def addExpectedFailure(self, test: Any, *rest: Any) -> None:
        """Notes a test that is known to fail."""
        self.record(test, "passed")
        super().addExpectedFailure(test, *rest)

    def addUnexpectedSuccess(self, test: Any, *rest: Any) -> None:
        """Notes a test that is known to fail and doesn't."""
        self.record(test, "failed")
        super().addUnexpectedSuccess(test, *rest)

    def addFailure(self, test: Any, fail: Any) -> None:
        """Notes a test that failed."""
        self.record(test, "failed")
        super().addFailure(test, fail)

    def addError(self, test: Any, error: Any) -> None:
        """Notes a test that ended in an error."""
        self.record(test, "failed")
        super().addError(test, error)


def main() -> int:
    """Runs the tests."""
    install()
    from twisted.internet.test import reactormixins

    reactormixins.ReactorBuilder._reactors = ["__main__.new_reactor"]
    suite = runner.TestLoader().loadByName(MODULE, recurse=True)
    unittest.TestCase.timeout = 60
    made = runner.TrialRunner(Recorder, tracebackFormat="brief", workingDirectory=f"{MODULE}.temp")
    return 0 if made.run(suite).wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
