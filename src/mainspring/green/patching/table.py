"""Which stdlib modules are patched, with which green modules, and in which order.

A module comes after those that it is built on: threads and their locks first, then time, then what
waits for files and sockets, and last what is made of these. The order is that of installation; all
green modules are imported before the first of them is installed, so each sees the originals.
"""

import importlib
import types
from dataclasses import dataclass

__all__ = ["TABLE", "Row", "differing_names", "import_row"]


@dataclass(frozen=True)
class Row:
    """One stdlib module: its name, that of the green module, and what is patched along with it."""

    name: str
    green: str
    along: tuple[str, ...] = ()


TABLE: dict[str, Row] = {
    row.name: row
    for row in (
        Row("_thread", "mainspring.green.patching.thread_module", along=("threading",)),
        Row("threading", "mainspring.green.threading", along=("_thread",)),
        Row("time", "mainspring.green.time"),
        Row("queue", "mainspring.green.queue"),
        Row("selectors", "mainspring.green.selectors", along=("select",)),
        Row("select", "mainspring.green.select", along=("selectors",)),
        Row("socket", "mainspring.green.socket"),
        Row("ssl", "mainspring.green.ssl", along=("socket",)),
        Row("os", "mainspring.green.os"),
        Row("subprocess", "mainspring.green.subprocess"),
    )
}


def import_row(row: Row) -> tuple[types.ModuleType, types.ModuleType]:
    """Returns the stdlib's module of a row, and the green one.

    Raises:
        ImportError: this Python was built without that module.
    """
    return importlib.import_module(row.name), importlib.import_module(row.green)


def differing_names(module: types.ModuleType, green: types.ModuleType) -> list[str]:
    """Returns the names of a stdlib module for which a green module has something else.

    Parameters:
        module: the stdlib's module.
        green: the green module; its `__implements__` lists the names, if it has one.
    """
    listed = getattr(green, "__implements__", None)
    if listed is not None:
        return [name for name in listed if hasattr(module, name)]
    theirs, ours = vars(module), vars(green)
    return [
        name
        for name, value in theirs.items()
        if name in ours
        and ours[name] is not value
        and not name.startswith("__")
        and not isinstance(value, types.ModuleType)
    ]
