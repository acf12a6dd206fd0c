"""Runs other libraries' own tests on the loop that they know and on ours, and compares.

    python -m tests.interop.suites [NAME ...] [--seconds N]

anyio's and aiohttp's run on asyncio's loop, eventlet's on its epoll hub, gevent's on libev,
Twisted's on its asyncio reactor; then each on ours. The run fails when a test doesn't pass on ours
that passes there, unless it is expected to, or when one passes that isn't expected to. What doesn't
pass on ours only is run again by itself, once on each, before it counts: some tests depend on the
machine's load.
websockets is not among them: its source distributions (7.0 to 17.4 were looked at) have none of its
tests that use a loop.
"""

import argparse
import os
import sys
from collections import Counter
from fnmatch import fnmatch

from .gevent_suite import EXPECTED as GEVENT_EXPECTED
from .gevent_suite import GeventSuite
from .suite import Suite, SuiteError
from .twisted_suite import EXPECTED as TWISTED_EXPECTED
from .twisted_suite import TwistedSuite

# The first three put their own function in the place of a method: of a transport's `write`, which
# is compiled here as in uvloop, and of `loop.time`, which no timer here asks. The last wants a
# timer to keep a whole number's type; here its time is a float always, as `loop.time()` is.
AIOHTTP_INTERNALS = [
    "tests/test_client_ws_functional.py::test_heartbeat_connection_closed",
    "tests/test_web_websocket_functional.py::test_heartbeat_connection_closed",
    "tests/test_web_functional.py::test_keepalive_expires_on_time",
    "tests/test_helpers.py::test_when_timeout_smaller_second_with_low_threshold",
]
EVENTLET_EXPECTED = {
    "tests/hub_test.py::TestTimerCleanup::test_cancel_proportion": (
        "counts the cancelled timers that a hub keeps; ours lets go of a timer when it is cancelled"
    ),
    "tests/not_asyncio_test.py::test_spawn_from_coroutine_errors": (
        "wants an error where a hub can't run coroutines; ours can"
    ),
}
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
    Suite(
        "eventlet",
        ["pytest", "aiohttp", "pyopenssl", "pyzmq", "psycopg2-binary"],
        # This project's own settings are found above the source otherwise.
        options=["-c", os.devnull, "--rootdir", "."],
        environment={"PYTHONDONTWRITEBYTECODE": "1"},
        control="epolls",
        ours="mainspring.compat.eventlet:Hub",
        plugin="tests_on_hub",
        expected=EVENTLET_EXPECTED,
    ),
    GeventSuite(
        "gevent",
        [],
        environment={"GEVENT_RESOLVER": "thread"},
        control="libev-cext",
        ours="mainspring.compat.gevent.Loop",
        expected=GEVENT_EXPECTED,
    ),
    TwistedSuite(
        "twisted",
        ["twisted[tls,http2]", "greenlet", "pyhamcrest", "hypothesis"],
        control="asyncio",
        expected=TWISTED_EXPECTED,
    ),
]


def compare(suite: Suite, seconds: float) -> bool:
    """Runs a suite on both loops and prints the difference.

    Returns:
        True if no more fails on ours than is expected to.
    """
    print(f"{suite.name}: preparing", flush=True)
    suite.prepare()
    control = _run(suite, suite.control, seconds)
    ours = _run(suite, suite.ours, seconds)
    good = [name for name, outcome in control.items() if outcome == "passed"]
    kept = sum(ours.get(name) == "passed" for name in good)
    print(f"  {kept} of the {len(good)} that pass there pass on ours: {kept / len(good):.2%}")
    missing = [
        name for name in sorted(control.keys() - ours.keys()) if not is_expected(suite, name)
    ]
    worse = [name for name in worse_on_ours(control, ours) if not is_expected(suite, name)]
    if worse:
        print(f"  {len(worse)} on ours only, run again", flush=True)
        again = [suite.run(loop, seconds, worse) for loop in (suite.control, suite.ours)]
        worse = worse_on_ours(*again)
    unexpected = [name for name in suite.expected if ours.get(name) == "passed"]
    for name in worse:
        print(f"  does not pass on ours only: {name}")
    for name in missing:
        print(f"  did not run on ours: {name}")
    for name in unexpected:
        print(f"  passes on ours, and is not expected to: {name}")
    return not worse and not missing and not unexpected


def _run(suite: Suite, loop: str, seconds: float) -> dict[str, str]:
    print(f"{suite.name}: running on {loop}", flush=True)
    outcomes = suite.run(loop, seconds)
    counts = Counter(outcomes.values())
    print("  " + ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())))
    return outcomes


def is_expected(suite: Suite, name: str) -> bool:
    """Returns True if a test is among those that need not pass on ours."""
    return name in suite.expected or any(fnmatch(name, pattern) for pattern in suite.expected)


def worse_on_ours(control: dict[str, str], ours: dict[str, str]) -> list[str]:
    """Returns the tests that fail on our loop and don't on the other, or are skipped on ours only.

    Args:
        control: what became of the tests on the loop that they know.
        ours: what became of them on ours.
    """
    return [
        name
        for name, outcome in ours.items()
        if (outcome == "failed" and control.get(name) != "failed")
        or (outcome == "skipped" and control.get(name) == "passed")
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
