"""Binds the interpreter's own asyncio tests to a loop factory.

The tests come from the `test` package of the running interpreter, so each Python version is
held to its own behaviour. Nothing of them is copied or changed. A mixin is combined with the
test case that its authors combine it with, and its one hook returns the loop. Every other class is
taken as it is, unless `left_out` says why not; what it calls to make a loop is replaced in the
process of that one test.
"""

import asyncio
import importlib
import pkgutil
import unittest
from asyncio import base_events, unix_events
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from .left_out import BOUND, INTERNALS, MIXED, names_internals, reason_to_leave_out

Factory = Callable[[], asyncio.AbstractEventLoop]

# module, class, what it is combined with; a class that exists on some versions only is left out
# on the others.
MIXINS = (
    ("test_events", "EventLoopTestsMixin", "utils"),
    ("test_events", "SubprocessTestsMixin", "utils"),
    ("test_sock_lowlevel", "BaseSockTestsMixin", "utils"),
    ("test_sendfile", "SendfileTestsBase", "utils"),
    ("test_buffered_proto", "BaseTestBufferedProtocol", "unittest"),
    ("test_sslproto", "BaseStartTLS", "unittest"),
    ("test_subprocess", "SubprocessMixin", "utils"),
    ("test_subprocess", "SubprocessWatcherMixin", "utils"),
)
# Where tests find the classes of asyncio's own loop.
_OWN_LOOPS: tuple[tuple[Any, str], ...] = (
    (asyncio, "EventLoop"),
    (asyncio, "SelectorEventLoop"),
    (asyncio, "BaseEventLoop"),
    (base_events, "BaseEventLoop"),
)


def upstream(name: str) -> ModuleType:
    """Imports one module of the interpreter's asyncio tests."""
    return importlib.import_module(f"test.test_asyncio.{name}")


def modules() -> Iterator[ModuleType]:
    """Yields every test module that can be imported here."""
    package = importlib.import_module("test.test_asyncio")
    for found in pkgutil.iter_modules(package.__path__):
        if found.name.startswith("test_"):
            try:
                yield upstream(found.name)
            except unittest.SkipTest:
                pass  # another system's


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


def make_loop(self: unittest.TestCase) -> asyncio.AbstractEventLoop:
    """Makes a loop: a hook of the suites that have one."""
    return asyncio.SelectorEventLoop()


def set_up(self: Any) -> None:
    """Sets `self.loop`: what the suites without a hook expect of their `setUp`."""
    upstream("utils").TestCase.setUp(self)
    self.loop = stubbable(asyncio.SelectorEventLoop())
    self.set_event_loop(self.loop)


def make_loop_of_runner(self: unittest.TestCase) -> asyncio.AbstractEventLoop:
    """Makes a loop that says whether its asynchronous generators were shut down."""
    loop: Any = asyncio.SelectorEventLoop()
    loop.shutdown_ag_run = False

    async def shutdown_asyncgens() -> None:
        loop.shutdown_ag_run = True

    loop.shutdown_asyncgens = shutdown_asyncgens
    return loop  # type: ignore[no-any-return]


def stubbable(loop: Any) -> asyncio.AbstractEventLoop:
    """Has `loop` ignore the stubs for what `BaseEventLoop` lacks: a whole loop has its own."""

    def set_attribute(self: Any, name: str, value: Any) -> None:
        if name not in ("_process_events", "_write_to_self"):
            super(made, self).__setattr__(name, value)

    own = type(loop)
    made: type = type(own.__name__, (own,), {"__slots__": (), "__setattr__": set_attribute})
    loop.__class__ = made
    return loop  # type: ignore[no-any-return]


# Classes whose own hook makes a `BaseEventLoop` on mocks.
HOOKS: dict[str, dict[str, Any]] = {
    "test_base_events.BaseEventLoopTests": {"setUp": set_up},
    "test_pep492.LockTests": {"setUp": set_up},
    "test_pep492.StreamReaderTests": {"setUp": set_up},
    "test_pep492.CoroutineTests": {"setUp": set_up},
    "test_runners.RunTests": {"new_loop": make_loop_of_runner},
    "test_runners.RunnerTests": {"new_loop": make_loop_of_runner},
}


def bind(mixin: type, base: type[unittest.TestCase]) -> type[unittest.TestCase]:
    """Combines a mixin with its test case; its hooks return the loop under test."""
    body: dict[str, Any] = {"create_event_loop": make_loop, "new_loop": make_loop}
    if not hasattr(mixin, "setUp"):  # SubprocessTestsMixin and SubprocessMixin want `self.loop`
        body["setUp"] = set_up
    return type(mixin.__name__, (mixin, base), body)


def classes() -> Iterator[tuple[str, type[unittest.TestCase]]]:
    """Yields every class of tests by its name, `module.Class`."""
    bases = {"utils": upstream("utils").TestCase, "unittest": unittest.TestCase}
    for module, name, kind in MIXINS:
        mixin = getattr(upstream(module), name, None)
        if mixin is not None:
            yield f"{module}.{name}", bind(mixin, bases[kind])
    for found in modules():
        module = found.__name__.rpartition(".")[2]
        for name, member in vars(found).items():
            if getattr(member, "__module__", None) != found.__name__:
                continue
            if isinstance(member, type) and issubclass(member, unittest.TestCase):
                hooks = HOOKS.get(f"{module}.{name}")
                yield f"{module}.{name}", type(name, (member,), hooks) if hooks else member


def sort_tests(name: str, test: type[unittest.TestCase]) -> dict[str, str | None]:
    """Returns the tests of a class, each with the reason to leave it out, or None."""
    known = {mixin for module, mixin, _ in MIXINS if name.startswith(f"{module}.")}
    mixins = [made for made in test.__mro__ if made.__name__ in known - {test.__name__}]
    reasons = {}
    for method in unittest.TestLoader().getTestCaseNames(test):
        reason = reason_to_leave_out(name)
        found = getattr(test, method)
        if reason is None and any(getattr(mixin, method, None) is found for mixin in mixins):
            reason = BOUND
        if reason is None and name in MIXED and names_internals(test, method):
            reason = INTERNALS
        reasons[method] = reason
    return reasons


def collect() -> dict[str, unittest.TestCase]:
    """Returns every test that is bound, by its id, `module.Class.test`."""
    return {
        f"{name}.{method}": test(method)
        for name, test in classes()
        for method, reason in sort_tests(name, test).items()
        if reason is None
    }


def stand_in(factory: Factory, own: Any) -> type:
    """Returns a class to stand where asyncio's own loop is found: calling it makes the loop."""

    class Kind(type):
        def __getattr__(cls, name: str) -> Any:
            return getattr(own, name)

        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, asyncio.AbstractEventLoop)

    class StandIn(metaclass=Kind):
        def __new__(cls) -> Any:
            return factory()

    return StandIn


def install(factory: Factory, test: unittest.TestCase) -> None:
    """Makes `factory` what asyncio itself uses in this process, for suites without a hook."""
    owns = [getattr(module, name, None) for module, name in _OWN_LOOPS]
    for (module, name), own in zip(_OWN_LOOPS, owns, strict=True):
        if own is not None:
            setattr(module, name, stand_in(factory, own))
    policy: Any = unix_events._UnixDefaultEventLoopPolicy  # type: ignore[attr-defined]
    policy._loop_factory = staticmethod(factory)
    if getattr(test, "loop_factory", ()) in owns:  # found before it was replaced
        test.loop_factory = factory  # type: ignore[attr-defined]
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
