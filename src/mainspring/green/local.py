"""`local`: attributes that each task, a green thread for one, and each OS thread has of its own."""

import asyncio
import threading
import weakref
from typing import Any

__all__ = ["local"]


class local:
    """As `threading.local`, with values for each task: what one sets, no other sees.

    A subclass's `__init__` is called again, with the arguments that the object was made with, for
    each task that uses it. What a task has set goes with the task.
    """

    __slots__ = (
        "__dict__",
        "__weakref__",
        "_local_arguments",
        "_local_of_tasks",
        "_local_of_threads",
    )

    def __new__(cls, /, *args: Any, **kwargs: Any) -> "local":  # noqa: D102
        if (args or kwargs) and cls.__init__ is object.__init__:
            raise TypeError(f"{cls.__name__}() takes arguments only if it has an __init__")
        self = super().__new__(cls)
        set_ = object.__setattr__
        set_(self, "_local_arguments", (args, kwargs))
        set_(self, "_local_of_tasks", weakref.WeakKeyDictionary())
        set_(self, "_local_of_threads", threading.local())
        # The maker's own: its __init__ is about to be called.
        _values_of(self, is_new=True)
        return self

    def __getattribute__(self, name: str) -> Any:
        if name in _OWN:
            return object.__getattribute__(self, name)
        values = _values_of(self)
        if name == "__dict__":
            return values
        kind = type(self)
        found = getattr(kind, name, _NOTHING)
        if found is not _NOTHING and (hasattr(type(found), "__get__") or name not in values):
            return object.__getattribute__(self, name)
        try:
            return values[name]
        except KeyError:
            raise AttributeError(
                f"{kind.__name__!r} object has no attribute {name!r} in this task"
            ) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self._refuse(name)
        found = getattr(type(self), name, None)
        if hasattr(type(found), "__set__"):
            object.__setattr__(self, name, value)
        else:
            _values_of(self)[name] = value

    def __delattr__(self, name: str) -> None:
        self._refuse(name)
        try:
            del _values_of(self)[name]
        except KeyError:
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute {name!r} in this task"
            ) from None

    def _refuse(self, name: str) -> None:
        if name == "__dict__":
            raise AttributeError(
                f"{type(self).__name__!r} object attribute '__dict__' is read-only"
            )


_NOTHING = object()
_OWN = frozenset(
    {"_local_arguments", "_local_of_tasks", "_local_of_threads", "_refuse", "__class__"}
)


def _values_of(own: local, is_new: bool = False) -> dict[str, Any]:
    """Returns what the current task has set, or the OS thread where no task runs."""
    get = object.__getattribute__
    loop = asyncio._get_running_loop()
    task = None if loop is None else asyncio.current_task(loop)
    if task is not None:
        values: dict[str, Any] | None = get(own, "_local_of_tasks").get(task)
    else:
        values = getattr(get(own, "_local_of_threads"), "values", None)
    if values is None:
        values = {}
        if task is not None:
            get(own, "_local_of_tasks")[task] = values
        else:
            get(own, "_local_of_threads").values = values
        if not is_new and type(own).__init__ is not object.__init__:
            args, kwargs = get(own, "_local_arguments")
            type(own).__init__(own, *args, **kwargs)
    return values
