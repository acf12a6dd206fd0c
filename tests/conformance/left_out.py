"""Which of the interpreter's asyncio tests are not bound to a loop, and why.

Everything in `test.test_asyncio` is bound but for what stands here, so a class that a newer Python
adds is bound by itself. Two rules sort single tests: one whose process never asks for a loop says
nothing about loops (it never enters a baseline), and one of a `MIXED` class is left out where its
source names the inside of asyncio's own loop. Whole classes of such tests are `CLASSES`.
"""

import fnmatch
import inspect
import re
import unittest

BOUND = "bound under the name of the mixin that defines it"
_MOCKS = "calls private methods of asyncio's own {} on mocks of what is around them"

# pattern of module.Class: the reason. Order matters to readers only.
CLASSES = {
    "test_windows_*": "needs Windows",
    "test_proactor_events.*": "the loop of Windows",
    "test_selector_events.*": _MOCKS.format("selector loop and its transports"),
    "*.Proactor*Tests": "the loop of Windows",
    "test_buffered_proto.BufferedProtocolProactorTests": "the loop of Windows",
    "test_events.PolicyTests": "policies make asyncio's own loop, whatever loop is scored",
    "test_unix_events.PolicyTests": "policies make asyncio's own loop, whatever loop is scored",
    "test_base_events.BaseLoopSockSendfileTests": _MOCKS.format("sendfile fallback"),
    "test_unix_events.SelectorEventLoopUnixSockSendfileTests": _MOCKS.format("sendfile"),
    "test_unix_events.SelectorEventLoopSignalTests": "replaces `signal` inside asyncio.unix_events",
    "test_unix_events.*ChildWatcherTests": "asyncio's own child watchers",
    "test_subprocess.GenericWatcherTests": "asyncio's own child watchers",
    "test_subprocess.MultiLoopChildWatcherTests": "asyncio's own child watchers",
    "test_subprocess.SubprocessTransportTests": _MOCKS.format("subprocess transport"),
}

# Classes of which some tests ask what any loop must do and others how asyncio's own does it.
MIXED = {
    "test_base_events.BaseEventLoopTests",
    "test_base_events.BaseEventLoopWithSelectorTests",
    "test_unix_events.SelectorEventLoopUnixSocketTests",
    "test_sslproto.SslProtoHandshakeTests",
    "test_subprocess.SubprocessWatcherMixin",
    "test_subprocess.SubprocessThreadedWatcherTests",
}
INTERNALS = "names the inside of asyncio's own loop: a private attribute, or a module to replace"
# Setting two private attributes is harmless anywhere: it keeps asyncio's loop from its selector.
_INTERNALS = re.compile(
    r"""patch_socket | patch\(['"]asyncio\. | \bbase_events\.\w | \b_selector\b
    | loop\._(?!process_events\ =|write_to_self\b)""",
    re.VERBOSE,
)


def reason_to_leave_out(name: str) -> str | None:
    """Says why a whole class, named `module.Class`, is not bound; None if it is."""
    for pattern, reason in CLASSES.items():
        if fnmatch.fnmatchcase(name, pattern):
            return reason
    return None


def names_internals(test: type[unittest.TestCase], method: str) -> bool:
    """Says whether a test's source names the inside of asyncio's own loop."""
    return _INTERNALS.search(inspect.getsource(getattr(test, method))) is not None
