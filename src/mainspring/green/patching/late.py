"""`find_late`: who still holds an original of what is patched, and where.

That is what was bound before patching: `from socket import socket`, a subclass, a default argument.
The interpreter's collector knows who refers to what; whoever keeps the originals on purpose is left
out, and so is what only C code holds, which nobody can see.
"""

import gc
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from mainspring.green.patching.replaced import ReplacedNames

__all__ = ["Late", "find_late"]


@dataclass(frozen=True, order=True)
class Late:
    """One that holds an original.

    Parameters:
        original: what it holds, as `socket.socket`.
        holder: who holds it, as `app.net`.
        how: in which way: a name of it, `subclass`, `default argument`, ...
    """

    original: str
    holder: str
    how: str

    def __str__(self) -> str:
        return f"{self.original} is held by {self.holder} ({self.how})"


def find_late(patched: Iterable[ReplacedNames], keeps: Callable[[str], bool]) -> list[Late]:
    """Returns who holds originals of patched modules, in order.

    Parameters:
        patched: what is replaced.
        keeps: says for the name of a module whether that holds originals on purpose.
    """
    originals: dict[int, tuple[str, Any]] = {}
    for replaced in patched:
        for name, value in replaced.originals.items():
            if isinstance(value, type | types.FunctionType | types.BuiltinFunctionType):
                originals.setdefault(id(value), (f"{replaced.module.__name__}.{name}", value))
    found = {
        Late(name, holder, how)
        for name, value in originals.values()
        for holder, how in _holders(value)
        # The part of a module that is in C is named after it, with an underscore; but for one.
        if holder != "posix" and not keeps(holder) and not keeps(holder.removeprefix("_"))
    }
    return sorted(found)


def _holders(value: Any) -> Iterator[tuple[str, str]]:
    """Yields the module that refers to a value, and how it does."""
    if isinstance(value, type):
        children: list[type] = type.__subclasses__(value)
        for child in children:
            yield child.__module__, f"{child.__qualname__} is a subclass"
    for referrer in gc.get_referrers(value):
        if isinstance(referrer, dict):
            yield from _in_namespace(referrer, value)
        elif isinstance(referrer, types.FunctionType):
            yield referrer.__module__ or "?", f"in {referrer.__qualname__}"
        elif isinstance(referrer, types.CellType):
            for cells in gc.get_referrers(referrer):
                yield from _in_functions(cells)
        else:
            yield from _in_functions(referrer)


def _in_functions(values: Any) -> Iterator[tuple[str, str]]:
    """Yields the functions whose defaults or closure a tuple is."""
    if isinstance(values, tuple):
        for function in gc.get_referrers(values):
            if isinstance(function, types.FunctionType):
                yield function.__module__ or "?", f"in {function.__qualname__}"


def _in_namespace(namespace: dict[Any, Any], value: Any) -> Iterator[tuple[str, str]]:
    names = [name for name, held in list(namespace.items()) if held is value]
    module = sys.modules.get(str(namespace.get("__name__")))
    if module is not None and vars(module) is namespace:
        for name in names:
            yield module.__name__, f"as {name}"
        return
    for owner in gc.get_referrers(namespace):
        if getattr(owner, "__dict__", None) is namespace or isinstance(owner, type):
            kind = owner if isinstance(owner, type) else type(owner)
            for name in names:
                yield kind.__module__, f"{kind.__qualname__}.{name}"
