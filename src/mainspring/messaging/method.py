"""`Method`: a method of an endpoint, how it is run, and what became of its calls."""

import inspect
from functools import partial

from mainspring.green.calls import green
from mainspring.green.generators import GeneratorCoroutine
from mainspring.messaging.admission import Cap
from mainspring.messaging.endpoint import options_of
from mainspring.messaging.errors import InvalidEndpoint
from mainspring.messaging.statistics import MethodStatistics

__all__ = ["Method"]


class Method:
    """A method of an endpoint, and how it is run.

    Parameters:
        name: what callers call it.
        function: what is called.
        typed: whether type hints count where the method doesn't say.

    Attributes:
        run: `"loop"`, `"thread"` or `"green"`.
        coroutine: makes what a task runs of the arguments; None for what isn't run as a task.
        timeout: how many seconds it may run; None for as long as its caller waits.
        expected: exceptions that are the caller's matter.
        cap: its own, or None.
        caps: what bounds how many of it run at once; the server adds its own.
        arguments: makes the function's arguments of those that came; None: as they are.
        result: makes plain data of what it returned; None: as it is.
    """

    def __init__(self, name, function, typed=False):
        said = options_of(function)
        self.name = name
        self.function = function
        awaits = inspect.iscoroutinefunction(function)
        yields = inspect.isgeneratorfunction(function)
        self.run = said.run or ("loop" if awaits or yields else "thread")
        if self.run != "loop" and (awaits or yields):
            raise InvalidEndpoint(
                f"{name!r} is a coroutine or generator function, which runs in the loop, "
                f"not with run={said.run!r}"
            )
        if awaits:
            self.coroutine = function
        elif yields:
            self.coroutine = lambda *args, **more: GeneratorCoroutine(function(*args, **more))
        elif self.run == "green":
            self.coroutine = partial(green, function)
        self.timeout = said.timeout
        self.expected = said.expected
        self.cap = None if said.concurrency is None else Cap(said.concurrency)
        self.caps = [] if self.cap is None else [self.cap]
        if typed if said.typed is None else said.typed:
            from mainspring.messaging.typed import Signature

            signature = Signature.of(function)
            self.arguments = signature.read_arguments
            self.result = signature.write_result

    def statistics(self):
        """Returns what was counted so far, as `MethodStatistics`."""
        return MethodStatistics(
            started=self.started,
            failed=self.failed,
            running=self.running,
            waiting=self.waiting,
            seconds=self.seconds,
        )
