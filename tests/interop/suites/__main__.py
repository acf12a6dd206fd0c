"""Runs other libraries' own tests on asyncio's loop (gevent's on libev) and on ours, and compares.

    python -m tests.interop.suites [NAME ...] [--seconds N]

The run fails when a test fails on our loop that passes on the other, unless it is expected to. What
fails on ours only is
run again by itself, once on each loop, before it counts: some tests depend on the machine's load.
websockets is not among them: its source distributions (7.0 to 17.4 were looked at) have none of its
tests that use a loop.
"""

import argparse
import sys
from collections import Counter
from fnmatch import fnmatch

from .gevent_suite import EXPECTED, GeventSuite
from .suite import Suite, SuiteError

# The first three put their own function in the place of a method: of a transport's `write`, which
# is compiled here as in uvloop, and of `loop.time`, which no timer here asks. The last wants a
# timer to keep a whole number's type; here its time is a float always, as `loop.time()` is.
AIOHTTP_INTERNALS = [
    "tests/test_client_ws_functional.py::test_heartbeat_connection_closed",
    "tests/test_web_websocket_functional.py::test_heartbeat_connection_closed",
    "tests/test_web_functional.py::test_keepalive_expires_on_time",
    "tests/test_helpers.py::test_when_timeout_smaller_second_with_low_threshold",
]
SUITES = [
    Suite(
        "anyio",
        ["--group", "test", "trio"],
        # Only what runs on asyncio's backend; the library's own uvloop must not come in between.
        options=["-k", "not trio and not uvloop", "-m", "not network"],
        environment={"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    ),
    Suite(
        "aiohttp",
        [
            *["-r", "requirements/test-common-base.in", "-r", "requirements/runtime-deps.in"],
            *["trustme", "blockbuster", "isal", "zlib_ng", "python-on-whales", "pytest-xdist"],
        ],
        options=[
            "--timeout=60",
            "--ignore-glob=*test_benchmarks*",
            *["-o", "addopts=-m 'not dev_mode and not autobahn and not internal'"],
            *[f"--deselect={name}" for name in AIOHTTP_INTERNALS],
        ],
    ),
    GeventSuite(
        "gevent",
        [],
        environment={"GEVENT_RESOLVER": "thread"},
        control=("libev", "libev-cext"),
        ours=("mainspring", "mainspring.compat.gevent.Loop"),
        expected=EXPECTED,
    ),
]


def compare(suite: Suite, seconds: float) -> bool:
    """Runs a suite on both loops and prints the difference.

    Returns:
        True if no more fails on ours, but for what is expected to.
    """
    print(f"{suite.name}: preparing", flush=True)
    suite.prepare()
    outcomes = []
    for label, loop in (suite.control, suite.ours):
        print(f"{suite.name}: running on {label}", flush=True)
        outcomes.append(suite.run(loop, seconds))
        counts = Counter(outcomes[-1].values())
        print("  " + ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())))
    control, ours = outcomes
    passed = [name for name, outcome in control.items() if outcome == "passed"]
    both = sum(ours.get(name) == "passed" for name in passed)
    print(f"  of {len(passed)} that pass on {suite.control[0]}, {both} pass on {suite.ours[0]}")
    missing = [
        name for name in sorted(control.keys() - ours.keys()) if not is_expected(suite, name)
    ]
    worse = [name for name in only_on_ours(control, ours) if not is_expected(suite, name)]
    if worse:
        print(f"  {len(worse)} on ours only, run again", flush=True)
        worse = only_on_ours(
            *(suite.run(loop, seconds, worse) for _, loop in (suite.control, suite.ours))
        )
    for name in worse:
        print(f"  fails on ours only: {name}")
    for name in missing:
        print(f"  did not run on ours: {name}")
    return not worse and not missing


def is_expected(suite: Suite, name: str) -> bool:
    """Returns True if a test is among those that may fail on ours only."""
    return any(fnmatch(name, pattern) for pattern in suite.expected)


def only_on_ours(control: dict[str, str], ours: dict[str, str]) -> list[str]:
    """Returns the tests that fail on our loop and don't on the other."""
    return [
        name
        for name, outcome in ours.items()
        if outcome == "failed" and control.get(name) != "failed"
    ]


def main(arguments: list[str]) -> int:
    """Runs the suites that are named, or all."""
    parser = argparse.ArgumentParser("python -m tests.interop.suites", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="all by default")
    parser.add_argument("--seconds", type=float, default=1800, help="for each run (1800)")
    options = parser.parse_args(arguments)
    good = True
    for suite in SUITES:
        if options.names and suite.name not in options.names:
            continue
        try:
            good &= compare(suite, options.seconds)
        except SuiteError as error:
            print(f"  {error}")
            good = False
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
