"""Green modules: the stdlib's names, of which a few are replaced by what waits greenly.

What doesn't wait is the stdlib's own object, so that its classes and errors are the same
everywhere. A function of the stdlib that is written in Python and waits only through other names of
its module is run as it is, with the names of the green module.
"""

import types
from collections.abc import Callable
from typing import Any, cast

__all__ = ["adopt", "rebind"]


def adopt(names: dict[str, Any], module: types.ModuleType) -> None:
    """Takes over all names of a stdlib module that a green module hasn't defined.

    Parameters:
        names: the green module's globals.
        module: the stdlib's module.
    """
    for name, value in vars(module).items():
        if not (name.startswith("__") and name.endswith("__")):
            names.setdefault(name, value)


def rebind[F: Callable[..., Any]](function: F, names: dict[str, Any]) -> F:
    """Returns a function of the stdlib that finds its globals elsewhere.

    Parameters:
        function: a function written in Python.
        names: the globals, looked up whenever it runs.
    """
    original = cast(types.FunctionType, function)
    bound = types.FunctionType(
        original.__code__,
        names,
        original.__name__,
        original.__defaults__,
        original.__closure__,
    )
    bound.__kwdefaults__ = original.__kwdefaults__
    bound.__annotations__ = original.__annotations__
    bound.__doc__ = original.__doc__
    bound.__qualname__ = original.__qualname__
    bound.__module__ = names["__name__"]
    return cast(F, bound)
