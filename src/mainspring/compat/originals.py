"""`use_originals`: the loop's own modules keep the standard library that blocks.

A library that patches `socket`, `threading` and the like in place would have the loop wait for
itself. Invariant: once `use_originals` has returned, no module of the loop's layers refers to a
module that can be patched, whether that is patched by then or later.
"""

import sys
from collections.abc import Callable
from types import ModuleType

__all__ = ["use_originals"]

# What the libraries patch and the loop uses.
PATCHED = ("os", "queue", "select", "signal", "socket", "ssl", "subprocess", "threading", "time")
LAYERS = ("core", "net", "process", "loop", "sync")


def use_originals(original: Callable[[str], ModuleType]) -> None:
    """Gives the modules of the loop that are imported by now the originals.

    Parameters:
        original: returns a module of the standard library as it is when nobody patched it, by its
            name.
    """
    for name, module in list(sys.modules.items()):
        package, _, rest = name.partition(".")
        if package == "mainspring" and rest.partition(".")[0] in LAYERS:
            for patched in PATCHED:
                if isinstance(vars(module).get(patched), ModuleType):
                    setattr(module, patched, original(patched))
