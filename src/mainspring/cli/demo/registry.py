"""The ways that the demo compares, and how one is added.

A way is one function that sends the data, answers the echo and fits the busy work
in between, in the idiom of one model. It registers itself with a decorator, so a
further model is one further file in `ways/` and no other change. Invariant: a way
that can't run here is still listed, with the reason, and is never run.
"""

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mainspring.cli.demo.work import Work

type Run = Callable[[Work], None]


class UnknownWayError(LookupError):
    """A name was given that no way has."""


@dataclass(frozen=True)
class Way:
    """One way to send, echo and be busy at the same time.

    Attributes:
        name: what the user types and reads.
        model: how this way waits, in a few words.
        order: the place in tables and pictures, low first.
        run: sends `work` and returns when it is handed over or the receiver has gone.
        unavailable: gives the reason why this way can't run here, or None if it can.
    """

    name: str
    model: str
    order: int
    run: Run
    unavailable: Callable[[], str | None]

    @property
    def ours(self) -> bool:
        """Whether this way runs on Mainspring."""
        return self.name.startswith("mainspring")


_ways: dict[str, Way] = {}


def _always() -> str | None:
    return None


def register(
    name: str,
    *,
    model: str,
    order: int,
    unavailable: Callable[[], str | None] = _always,
) -> Callable[[Run], Run]:
    """Return a decorator that registers a function as a way.

    Args:
        name: the way's name, unique.
        model: how this way waits, in a few words.
        order: the place in tables and pictures, low first.
        unavailable: gives the reason (str) why the way can't run here, or None.

    Raises:
        ValueError: from the decorator, if the name is taken.
    """

    def decorate(run: Run) -> Run:
        if name in _ways:
            raise ValueError(f"two ways are called {name!r}: rename one of them")
        _ways[name] = Way(name, model, order, run, unavailable)
        return run

    return decorate


def needs(module: str, attribute: str | None = None) -> Callable[[], str | None]:
    """Return a check for `register(unavailable=)`: can `module` be imported?

    Args:
        module: the dotted name of what is imported.
        attribute: a name that the module must have as well, or None.
    """

    def check() -> str | None:
        try:
            imported = importlib.import_module(module)
        except ImportError as error:
            return f"{module} can't be imported ({error})"
        if attribute is not None and not hasattr(imported, attribute):
            return f"{module} has no {attribute}"
        return None

    return check


def all_ways() -> list[Way]:
    """Import every file of `ways/` and return the ways (list of Way) in their order."""
    from mainspring.cli.demo import ways

    for found in pkgutil.iter_modules(ways.__path__, ways.__name__ + "."):
        importlib.import_module(found.name)
    return sorted(_ways.values(), key=lambda way: (way.order, way.name))


def select_ways(names: Sequence[str]) -> list[Way]:
    """Return the ways with these names, in the registry's order.

    Args:
        names: the names to keep; with none, every way.

    Raises:
        UnknownWayError: if no way has one of the names; the message lists them all.
    """
    ways = all_ways()
    known = [way.name for way in ways]
    for name in names:
        if name not in known:
            raise UnknownWayError(f"no way is called {name!r}: choose from {', '.join(known)}")
    return [way for way in ways if not names or way.name in names]
