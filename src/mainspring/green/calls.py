"""`green` and `spawn`: plain functions as coroutines of the current task, or as tasks."""

import asyncio
import contextvars
import functools
import inspect
from collections.abc import Callable, Coroutine, Generator
from typing import Any

from mainspring.core.priority import Priority, name_priority
from mainspring.green.coroutine import GreenCoroutine
from mainspring.green.generators import GeneratorCoroutine
from mainspring.green.thread import GreenThread

__all__ = ["green", "spawn", "spawn_later"]


def green[**P, T](
    function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
) -> GreenCoroutine[T]:
    """Returns a coroutine that calls a plain function, which may wait with `await_`.

    `await green(function, ...)` runs it in the current task.

    Parameters:
        function: what to call with `args` and `kwargs`.

    Raises:
        TypeError: `function` can't be called, or is a coroutine function.
    """
    if inspect.iscoroutinefunction(function):
        raise TypeError(f"{function!r} is a coroutine function: await it as it is")
    return GreenCoroutine(function, args, kwargs or None)


def spawn(
    function: Callable[..., Any] | Generator[Any, Any, Any] | Coroutine[Any, Any, Any],
    /,
    *args: Any,
    name: str | None = None,
    priority: Priority | int | None = None,
    context: contextvars.Context | None = None,
    **kwargs: Any,
) -> GreenThread[Any]:
    """Starts a green thread on the running loop.

    Parameters:
        function: a plain function, called with `args` and `kwargs`, which may wait with `await_`; a
            generator function or a generator, which waits for the futures that it yields, and lets
            others run with a bare `yield`; a coroutine function or a coroutine.
        name: the name of the task.
        priority: a `Priority` for all its steps and for what it starts; by default what the context
            names.
        context: the `contextvars.Context` it runs in; a copy of the current one by default.

    Returns:
        The green thread, an `asyncio.Task`.

    Raises:
        RuntimeError: no loop runs in this thread.
        TypeError: `function` is none of these, or there are arguments for what has begun already.
        ValueError: `priority` is not one of the five.
    """
    loop = asyncio.get_running_loop()
    coroutine = _coroutine_of(function, args, kwargs)
    if priority is not None:
        try:
            if context is None:
                context = contextvars.copy_context()
            name_priority(context, priority)
        except BaseException:
            coroutine.close()
            raise
    return GreenThread(coroutine, loop=loop, name=name, context=context)


def spawn_later(
    seconds: float, function: Callable[..., Any], /, *args: Any, **kwargs: Any
) -> GreenThread[Any]:
    """Starts a green thread that calls a function after some time; until then `kill` prevents it.

    Parameters:
        seconds: how long to wait first.
        function: as `spawn` takes it, with `args` and `kwargs`.

    Returns:
        The green thread.

    Raises:
        RuntimeError, TypeError: as `spawn`.
    """
    loop = asyncio.get_running_loop()
    named = {key: kwargs.pop(key) for key in ("name", "priority", "context") if key in kwargs}
    if not callable(function):
        raise TypeError(f"spawn_later() needs a function, got {function!r}")
    thread = spawn(
        _call_later(loop, seconds, functools.partial(function, *args, **kwargs)), **named
    )
    if "name" not in named:
        thread.set_name(f"{thread.get_name()} ({getattr(function, '__name__', function)})")
    return thread


async def _call_later(
    loop: asyncio.AbstractEventLoop, seconds: float, function: Callable[[], Any]
) -> Any:
    await asyncio.sleep(seconds)
    return await _coroutine_of(function, (), {})


def _coroutine_of(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Returns the coroutine that does what was given to `spawn`."""
    if inspect.isgenerator(function) or asyncio.iscoroutine(function):
        if args or kwargs:
            raise TypeError(f"{function!r} has its arguments already, got more: {args} {kwargs}")
        return GeneratorCoroutine(function) if inspect.isgenerator(function) else function
    if type(function) is _FUNCTION:
        # The usual, quickly: a coroutine function is known by a flag of its code.
        flags = function.__code__.co_flags
        if not flags & (_GENERATOR | _COROUTINE):
            return GreenCoroutine(function, args, kwargs or None)
    if inspect.iscoroutinefunction(function):
        return function(*args, **kwargs)
    if inspect.isgeneratorfunction(function):
        return GeneratorCoroutine(function(*args, **kwargs))
    return GreenCoroutine(function, args, kwargs or None)


_FUNCTION = type(green)
_GENERATOR = inspect.CO_GENERATOR | inspect.CO_ITERABLE_COROUTINE
_COROUTINE = inspect.CO_COROUTINE
