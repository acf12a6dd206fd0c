"""`GeventSuite`: gevent's own tests, from its wheel, on its libev loop and on ours.

Each file is a process of its own, as in gevent's runner, because most of them patch modules.
"""

from pathlib import Path

from .files_suite import FilesSuite

# Patterns of tests that pass on libev and are not expected to on ours, and why.
EXPECTED = {
    "test__close_backend_fd*": "chooses libev's backends one by one, and closes their fds",
    "test__subprocess:TestPopen.test_subprocess_in_native_thread": (
        "wants a child of another thread's hub to be refused; by a pidfd it is waited for"
    ),
    "test__hub:TestPeriodicMonitoringThread.test_blocking_threadpool_thread_*": (
        "wants the thread pool to use the same thread again, but this loop gets the GIL, and the "
        "next job comes, before the thread has said that it is free"
    ),
}


class GeventSuite(FilesSuite):
    """gevent's tests."""

    program = Path(__file__).parent / "gevent_tests.py"
    variable = "GEVENT_LOOP"

    def files(self) -> list[str]:
        """Lists gevent's files of tests."""
        return [name.rpartition(".")[2] for name in self.find("gevent/tests/test_*.py")]
