"""Binds the interpreter's own asyncio tests to a loop factory.

The tests come from the `test` package of the running interpreter, so each Python version is
held to its own behaviour. Nothing of them is copied or changed: a mixin is combined with the
test case that its authors combine it with, and its one hook returns our loop. A suite without a
hook asks `asyncio.new_event_loop`, which is replaced in the process of that one test.
"""

import asyncio
import fnmatch
import importlib
import importlib.util
import unittest
from collections.abc import Callable
from types import ModuleType
from typing import Any

Factory = Callable[[], asyncio.AbstractEventLoop]

# module, class, what it is combined with; a class that exists on some versions only is left out
# on the others.
MIXINS = (
    ("test_events", "EventLoopTestsMixin", "utils"),
    ("test_events", "SubprocessTestsMixin", "utils"),
    ("test_sock_lowlevel", "BaseSockTestsMixin", "utils"),
    ("test_sendfile", "SendfileTestsBase", "utils"),
    ("test_server", "BaseStartServer", "unittest"),
    ("test_buffered_proto", "BaseTestBufferedProtocol", "unittest"),
    ("test_sslproto", "BaseStartTLS", "unittest"),
    ("test_subprocess", "SubprocessMixin", "utils"),
)
COMPLETE = (("test_ssl", "TestSSL"), ("test_streams", "StreamTests"))
ISOLATED = (
    "test_server",
    "test_locks",
    "test_queues",
    "test_taskgroups",
    "test_timeouts",
    "test_waitfor",
    "test_staggered",
    "test_threads",
)


def upstream(name: str) -> ModuleType:
    """Imports one module of the interpreter's asyncio tests."""
    return importlib.import_module(f"test.test_asyncio.{name}")


def exists(name: str) -> bool:
    """Says whether this interpreter has that module; 3.12 lacks some."""
    return importlib.util.find_spec(f"test.test_asyncio.{name}") is not None


def resolve(spec: str) -> Factory:
    """Returns the factory that `MODULE:FACTORY` names.

    Raises:
        ValueError: the text isn't of that form, or names nothing that can be called.
    """
    module, _, path = spec.partition(":")
    if not path:
        raise ValueError(f"a loop is named MODULE:FACTORY, not {spec!r}")
    found: Any = importlib.import_module(module)
    for name in path.split("."):
        found = getattr(found, name, None)
    if not callable(found):
        raise ValueError(f"{spec!r} names nothing that can be called")
    return found


def bind(mixin: type, base: type[unittest.TestCase], factory: Factory) -> type[unittest.TestCase]:
    """Combines a mixin with its test case and points its hooks at `factory`."""

    def make(self: unittest.TestCase) -> asyncio.AbstractEventLoop:
        return factory()

    body: dict[str, Any] = {"create_event_loop": make, "new_loop": make}
    if not hasattr(mixin, "setUp"):  # SubprocessTestsMixin and SubprocessMixin want `self.loop`

        def set_up(self: Any) -> None:
            base.setUp(self)
            self.loop = factory()
            self.set_event_loop(self.loop)

        body["setUp"] = set_up
    return type(mixin.__name__, (mixin, base), body)


def collect(factory: Factory, pattern: str = "*") -> dict[str, unittest.TestCase]:
    """Returns every test by its id, `module.Class.test`.

    Args:
        factory: makes the loop.
        pattern: a shell pattern or a part of an id.
    """
    utils = upstream("utils")
    classes: list[tuple[str, type[unittest.TestCase]]] = []
    for module, name, kind in MIXINS:
        mixin = getattr(upstream(module), name, None)
        if mixin is not None:
            base = utils.TestCase if kind == "utils" else unittest.TestCase
            classes.append((module, bind(mixin, base, factory)))
    for module, name in COMPLETE:
        if hasattr(upstream(module), name):
            classes.append((module, getattr(upstream(module), name)))
    for module in filter(exists, ISOLATED):
        classes += [(module, found) for found in isolated(upstream(module))]
    wanted = pattern if any(sign in pattern for sign in "*?[") else f"*{pattern}*"
    tests = {}
    for module, made in classes:
        for method in unittest.TestLoader().getTestCaseNames(made):
            identity = f"{module}.{made.__name__}.{method}"
            if fnmatch.fnmatchcase(identity, wanted):
                tests[identity] = made(method)
    return tests


def isolated(module: ModuleType) -> list[type[unittest.TestCase]]:
    """Returns the `IsolatedAsyncioTestCase`s that a module defines."""
    return [
        found
        for found in vars(module).values()
        if isinstance(found, type)
        and issubclass(found, unittest.IsolatedAsyncioTestCase)
        and found.__module__ == module.__name__
    ]


def install(factory: Factory) -> None:
    """Makes `factory` what asyncio itself uses in this process, for suites without a hook."""
    asyncio.new_event_loop = asyncio.events.new_event_loop = factory
    utils = upstream("utils")
    original = utils.TestCase.close_loop

    def close_loop(loop: Any) -> None:
        if hasattr(loop, "_default_executor"):
            original(loop)
            return
        # the upstream helper reads that private attribute to learn whether an executor is there
        if not loop.is_closed():
            loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()

    utils.TestCase.close_loop = staticmethod(close_loop)
