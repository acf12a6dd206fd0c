"""A pytest plugin: gives a suite the loop that $LOOP names, and records what became of its tests.

The loop comes wherever asyncio makes one itself: `new_event_loop`, `Runner`, `run`, the policy, and
the classes' names. What a suite has imported before that it keeps, so this is loaded early (-p).
"""

import asyncio
import importlib
import importlib.util
import os
from typing import Any

from suite_outcomes import pytest_collection_modifyitems, pytest_runtest_logreport

from mainspring.cli.run import install

__all__ = ["pytest_collection_modifyitems", "pytest_runtest_logreport"]


def put_in_place(spec: str) -> None:
    """Makes asyncio's names give loops of this MODULE:FACTORY."""
    module, _, name = spec.partition(":")
    factory = getattr(importlib.import_module(module), name)
    install(factory)
    for class_name in ("SelectorEventLoop", "EventLoop"):
        if hasattr(asyncio, class_name):
            setattr(asyncio, class_name, factory)


# What blockbuster lets asyncio's files do, by their names, and where ours do it: start a child
# (`subprocess.Popen` reads a pipe until the child's `exec`), look at the file of a UNIX socket.
BLOCKING = {
    "os.read": ("mainspring/process/transport.py", {"start_subprocess"}),
    "os.stat": ("mainspring/net/socket_file.py", {"_remove_stale", "_identity"}),
    "os.unlink": ("mainspring/net/socket_file.py", {"remove"}),
}


def let_ours_block() -> None:
    """Tells blockbuster of our files what it knows of asyncio's."""
    if importlib.util.find_spec("blockbuster") is None:
        return
    blockbuster: Any = importlib.import_module("blockbuster").BlockBuster
    make = blockbuster.__init__

    def make_with_ours(self: Any, *args: Any, **kwargs: Any) -> None:
        make(self, *args, **kwargs)
        for function, (file, callers) in BLOCKING.items():
            self.functions[function].can_block_in(file, callers)

    blockbuster.__init__ = make_with_ours


put_in_place(os.environ["LOOP"])
let_ours_block()
