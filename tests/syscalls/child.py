"""The process whose calls fail.

    python -m tests.syscalls.child disturb LOOP WAYS
    python -m tests.syscalls.child fail SCENARIO

`disturb` runs every scenario with one of two, three, five and seven calls disturbed. `fail` runs
one on our loop, over and over, with each of its calls in turn failing for good: it may end with an
error of the system's, and must leave nothing behind. Both print what they have done.
"""

import asyncio
import gc
import sys
from collections.abc import Callable
from typing import Any

import mainspring
from tests.net.support import open_files

from .interpose import Ways, disturbed, failing, possible
from .scenarios import ANYWHERE, OURS_ONLY, Scenario

LOOPS: dict[str, Callable[[], Any]] = {
    "asyncio": asyncio.SelectorEventLoop,
    "mainspring": mainspring.new_event_loop,
}
LARGE = bytes(range(251)) * 800
SMALL = LARGE[:3000]
PATIENCE = 30


def disturb(loop: str, ways: Ways) -> None:
    """Runs every scenario with calls disturbed; each must succeed."""
    scenarios = {**ANYWHERE, **(OURS_ONLY if loop == "mainspring" else {})}
    for name, scenario in scenarios.items():
        total = 0
        for every in (2, 3, 5, 7):
            with disturbed(every, ways) as count:
                with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
                    runner.run(asyncio.wait_for(scenario(LARGE), PATIENCE))
                total += count()
        print(name, total, flush=True)
        assert total > 0, "no call was disturbed"


def fail(name: str) -> None:
    """Runs a scenario until each of its calls has failed once."""
    scenario = {**ANYWHERE, **OURS_ONLY}[name]
    _attempt(scenario, 0)
    before = open_files().items()
    number, errors = 0, 0
    while True:
        number += 1
        error = _attempt(scenario, number)
        if possible() < number:
            break
        errors += error is not None
        print(number, repr(error), flush=True)
        gc.collect()
        left = open_files().items() - before
        assert not left, f"call {number} failed ({error!r}), and these are left: {left}"
    assert number > 5, "hardly any call could fail"
    assert errors, "no failure was noticed"


def _attempt(scenario: Scenario, number: int) -> BaseException | None:
    """Runs a scenario with one call failing; returns its error, if it is the system's."""
    main = asyncio.wait_for(scenario(SMALL), PATIENCE)
    try:
        with failing(number), asyncio.Runner(loop_factory=mainspring.new_event_loop) as runner:
            runner.get_loop().set_exception_handler(lambda loop, context: None)
            runner.run(main)
    except TimeoutError as exc:
        raise AssertionError(f"nothing happened after call {number} had failed") from exc
    except (OSError, EOFError) as exc:
        return exc
    finally:
        main.close()
    return None


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["disturb", loop, ways]:
            disturb(loop, Ways[ways])
        case ["fail", name]:
            fail(name)
        case _:
            sys.exit(__doc__)
    print("done")
