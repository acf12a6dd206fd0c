"""`use_originals`: the loop's own modules keep the standard library that blocks.

A library that patches `socket`, `threading` and the like in place would have the loop wait for
itself. Invariant: once `use_originals` has returned, no module of the loop's layers refers to a
module that can be patched, whether that is patched by then or later.
"""

import importlib.util
import sys
from collections.abc import Callable
from types import ModuleType

__all__ = ["copy_of", "use_originals"]

# What the libraries patch and the loop uses.
PATCHED = ("os", "queue", "select", "signal", "socket", "ssl", "subprocess", "threading", "time")
LAYERS = ("core", "net", "process", "loop", "sync")

# `subprocess` is no use in the original: it goes on calling what is patched in `os`, and the
# libraries' own processes count on that. So the loop has a copy to itself.
_copies: dict[str, ModuleType] = {}


def use_originals(original: Callable[[str], ModuleType]) -> None:
    """Gives the modules of the loop that are imported by now the originals.

    Parameters:
        original: returns a module of the standard library as it is when nobody patched it, by its
            name.
    """
    if "subprocess" not in _copies:
        _copies["subprocess"] = copy_of("subprocess", original)
    for name, module in list(sys.modules.items()):
        package, _, rest = name.partition(".")
        if package == "mainspring" and rest.partition(".")[0] in LAYERS:
            _refer_to_originals(module, original)


def copy_of(name: str, original: Callable[[str], ModuleType]) -> ModuleType:
    """Returns another copy of a module of the standard library, which uses the originals.

    Parameters:
        name: the module's name.
        original: as for `use_originals`.

    Raises:
        ImportError: it can't be loaded a second time.
    """
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        raise ImportError(f"the standard library's {name!r} can't be loaded a second time")
    copy = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(copy)
    _refer_to_originals(copy, original)
    return copy


def _refer_to_originals(module: ModuleType, original: Callable[[str], ModuleType]) -> None:
    for name in PATCHED:
        if isinstance(vars(module).get(name), ModuleType):
            setattr(module, name, _copies.get(name) or original(name))
