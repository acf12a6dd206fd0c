"""`report`: what is patched, and what of the program goes on with the originals all the same."""

from dataclasses import dataclass, field

from mainspring.green.patching.late import Late, find_late
from mainspring.green.patching.patcher import PATCHER

__all__ = ["Report", "report"]


@dataclass(frozen=True)
class Report:
    """What patching has done, and not done.

    Parameters:
        patched: the names that are replaced in each module.
        late: who holds an original from before.
        locks: locks from before that couldn't be exchanged: who holds it, under which name. They
            serve OS threads; to green threads of one OS thread an `RLock` of these is no hindrance,
            and a `Lock` that one of them holds while it waits stops the others for good.
    """

    patched: dict[str, list[str]] = field(default_factory=dict)
    late: list[Late] = field(default_factory=list)
    locks: list[tuple[str, str]] = field(default_factory=list)

    def __str__(self) -> str:
        if not self.patched:
            return "nothing is patched"
        lines = [f"{module}: {', '.join(names)}" for module, names in self.patched.items()]
        if self.late:
            lines += ["", "bound before patching, and so not patched (import it later):"]
            lines += [f"  {late}" for late in self.late]
        if self.locks:
            lines += ["", "made before patching, and left as they are:"]
            lines += [f"  {holder}.{name}" for holder, name in self.locks]
        return "\n".join(lines)


def report() -> Report:
    """Returns what is patched, and what was patched too late.

    It asks the garbage collector who refers to the originals, which takes a while: something for
    looking into a program, not for each start of it.
    """
    installed = PATCHER.installed
    return Report(
        {name: list(replaced.originals) for name, replaced in installed.items()},
        find_late(installed.values(), PATCHER.keepers.keeps),
        PATCHER.locks_left,
    )
