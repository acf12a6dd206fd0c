"""Measures what the interpreter shows about who waits for whom.

Priority inheritance can only follow an edge that a running interpreter shows. For each way of
waiting this script blocks one task (the waiter) on another (the target), and asks: does the
waiter's `_fut_waiter` lead down to the target, what do the target's done callbacks name, and,
where it exists, does the target's `_asyncio_awaited_by` lead up to the waiter? Nothing is
assumed: every cell is looked at in the state it describes.

    python tests/probe/waiting.py                     one table, this interpreter
    python tests/probe/waiting.py --json              the same as JSON
    python tests/probe/waiting.py --compare A B ...   several JSON files side by side
"""

import asyncio
import functools
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

Way = Callable[[asyncio.Future[Any]], Awaitable[Any]]


async def use_gather(target: asyncio.Future[Any]) -> None:
    await asyncio.gather(target, asyncio.get_running_loop().create_future())


async def use_shield(target: asyncio.Future[Any]) -> None:
    await asyncio.shield(target)


async def use_wait(target: asyncio.Future[Any]) -> None:
    await asyncio.wait([target])


async def use_wait_for(target: asyncio.Future[Any]) -> None:
    await asyncio.wait_for(target, 1000)


async def use_as_completed(target: asyncio.Future[Any]) -> None:
    for earliest in asyncio.as_completed([target]):
        await earliest


async def use_as_completed_async(target: asyncio.Future[Any]) -> None:
    async for _ in asyncio.as_completed([target]):
        pass


async def use_timeout(target: asyncio.Future[Any]) -> None:
    async with asyncio.timeout(1000):
        await target


async def use_plain_await(target: asyncio.Future[Any]) -> None:
    await target


async def use_nested_coroutines(target: asyncio.Future[Any]) -> None:
    await use_plain_await(target)


async def blocked() -> None:
    await asyncio.get_running_loop().create_future()


async def settle() -> None:
    """Lets every task get as far as it can."""
    for _ in range(10):
        await asyncio.sleep(0)


def describe_callback(callback: Any, waiter: asyncio.Future[Any]) -> str:
    """Names a done callback and whether it leads to the waiter."""
    if isinstance(callback, functools.partial):
        return f"partial({describe_callback(callback.func, waiter)})"
    name = getattr(callback, "__name__", type(callback).__name__)
    owner = getattr(callback, "__self__", None)
    if owner is None:
        return f"`{name}`: no `__self__`"
    if owner is waiter:
        return f"`{name}`: the waiter"
    return f"`{name}`: a {type(owner).__name__}"


def look_down(waiter: Any, target: asyncio.Future[Any]) -> str:
    """Follows `_fut_waiter` from the waiter towards the target."""
    hops, at = 0, waiter
    while at is not None:
        at = getattr(at, "_fut_waiter", None)
        hops += 1
        if at is target:
            return "the target" if hops == 1 else f"the target, {hops} hops"
        children = getattr(at, "_children", None)
        if children is not None:
            found = "has" if target in children else "lacks"
            return f"{type(at).__name__}, `_children` {found} it"
        if at is not None and not isinstance(at, asyncio.Task):
            return f"an anonymous {type(at).__name__}"
    return "nothing"


def look_up(target: Any, waiter: asyncio.Future[Any]) -> str:
    """Follows `_asyncio_awaited_by` from the target towards the waiter."""
    if not hasattr(target, "_asyncio_awaited_by"):
        return "no attribute"
    level, hops, seen = [target], 0, set()
    while level:
        hops += 1
        above = [up for future in level for up in (future._asyncio_awaited_by or ())]
        if waiter in above:
            return "the waiter" if hops == 1 else f"the waiter, {hops} hops"
        level = [future for future in above if id(future) not in seen]
        seen.update(map(id, level))
    return "nothing" if hops == 1 else "never the waiter"


async def probe(way: Way, *, future: bool = False, eager: str = "") -> dict[str, str]:
    """Blocks a waiter on a target in the given way and looks at both.

    Args:
        way: how the waiter waits.
        future: the target is a bare future, not a task.
        eager: "waiter" or "target" names the task that is made with the eager factory.
    """
    loop = asyncio.get_running_loop()

    def start(coro: Any, is_eager: bool) -> asyncio.Task[Any]:
        loop.set_task_factory(asyncio.eager_task_factory if is_eager else None)
        try:
            return loop.create_task(coro)
        finally:
            loop.set_task_factory(None)

    target = loop.create_future() if future else start(blocked(), eager == "target")
    waiter = start(way(target), eager == "waiter")
    await settle()
    seen = look(waiter, target)
    await stop(waiter, target)
    return seen


async def probe_task_group() -> dict[str, str]:
    """A TaskGroup makes its own children, so the target is one of them."""
    made: list[asyncio.Task[Any]] = []

    async def use_task_group() -> None:
        async with asyncio.TaskGroup() as group:
            made.append(group.create_task(blocked()))

    waiter = asyncio.get_running_loop().create_task(use_task_group())
    await settle()
    seen = look(waiter, made[0])
    await stop(waiter, made[0])
    return seen


def look(waiter: asyncio.Task[Any], target: Any) -> dict[str, str]:
    """Returns the three views of one waiting pair."""
    callbacks = [describe_callback(entry[0], waiter) for entry in target._callbacks or ()]
    return {
        "down": look_down(waiter, target),
        "callbacks": "; ".join(callbacks) or "none",
        "up": look_up(target, waiter),
    }


async def stop(*futures: asyncio.Future[Any]) -> None:
    for future in futures:
        future.cancel()
    await settle()


class RecordingLoop(asyncio.SelectorEventLoop):
    """Notes what the loop is handed for the steps and wake-ups of tasks."""

    def __init__(self) -> None:
        super().__init__()
        self.handed: list[Any] = []

    def call_soon(self, callback: Any, *args: Any, **kwargs: Any) -> asyncio.Handle:
        self.handed.append(callback)
        return super().call_soon(callback, *args, **kwargs)


def probe_steps() -> dict[str, dict[str, str]]:
    """Returns how a step and a wake-up look to `call_soon`, for both kinds of task."""
    rows = {}
    for title, make in (("C task", asyncio.Task), ("Python task", asyncio.tasks._PyTask)):
        loop = RecordingLoop()

        async def steps() -> None:
            await asyncio.sleep(0)
            future = asyncio.get_running_loop().create_future()
            future.get_loop().call_soon(future.set_result, None)
            await future

        task = make(steps(), loop=loop)
        loop.run_until_complete(task)
        step, _, _, wake_up = loop.handed[:4]
        for name, callback in (("step", step), ("wake-up", wake_up)):
            kind = type(callback).__name__
            label = getattr(callback, "__name__", "no `__name__`")
            bound = "the task" if callback.__self__ is task else "something else"
            rows[f"{title}, {name}"] = {"down": kind, "callbacks": label, "up": bound}
        loop.close()
    return rows


async def probe_waiting() -> dict[str, dict[str, str]]:
    ways: dict[str, Way] = {
        "`await task`": use_plain_await,
        "`await coroutine()` that awaits the task": use_nested_coroutines,
        "`gather`": use_gather,
        "`shield`": use_shield,
        "`wait`": use_wait,
        "`wait_for`": use_wait_for,
        "`as_completed`, `for`": use_as_completed,
        "`timeout`": use_timeout,
    }
    if sys.version_info >= (3, 13):
        ways["`as_completed`, `async for`"] = use_as_completed_async
    rows = {title: await probe(way) for title, way in ways.items()}
    rows["`await future`"] = await probe(use_plain_await, future=True)
    rows["`TaskGroup`"] = await probe_task_group()
    rows["an eager waiter"] = await probe(use_plain_await, eager="waiter")
    rows["an eager target"] = await probe(use_plain_await, eager="target")
    rows["an eager waiter, `gather`"] = await probe(use_gather, eager="waiter")
    return rows


async def probe_edges() -> dict[str, dict[str, str]]:
    """Looks for upward edges where nobody waits: not yet, or no longer."""
    loop = asyncio.get_running_loop()
    rows = {}

    async def case(title: str, way: Way, *, leave: bool) -> None:
        target = loop.create_task(blocked())
        waiter = loop.create_task(way(target))
        await settle()
        if leave:
            waiter.cancel()
            await settle()
        rows[title] = {
            "waiter": "left" if leave else "waits for something else",
            "target": "ended" if target.done() else "runs on",
            "up": look_up(target, waiter),
        }
        await stop(waiter, target)

    async def gather_but_wait_elsewhere(target: asyncio.Future[Any]) -> None:
        kept = asyncio.gather(target)
        kept.add_done_callback(lambda done: done.cancelled() or done.exception())
        await blocked()

    async def shield_but_wait_elsewhere(target: asyncio.Future[Any]) -> None:
        kept = asyncio.shield(target)
        kept.add_done_callback(lambda done: done.cancelled() or done.exception())
        await blocked()

    async def wait_then_wait_elsewhere(target: asyncio.Future[Any]) -> None:
        await asyncio.wait([target], timeout=0)
        await blocked()

    await case("`gather` made, not awaited", gather_but_wait_elsewhere, leave=False)
    await case("`shield` made, not awaited", shield_but_wait_elsewhere, leave=False)
    await case("`wait` timed out", wait_then_wait_elsewhere, leave=False)
    await case("`shield`, the waiter cancelled", use_shield, leave=True)
    await case("`wait`, the waiter cancelled", use_wait, leave=True)
    await case("`as_completed`, the waiter cancelled", use_as_completed, leave=True)
    rows["in the body of a `TaskGroup`"] = await probe_task_group_body()
    return rows


async def probe_task_group_body() -> dict[str, str]:
    """The parent waits for something else while its child runs."""
    made: list[asyncio.Task[Any]] = []

    async def body() -> None:
        async with asyncio.TaskGroup() as group:
            made.append(group.create_task(blocked()))
            await blocked()

    parent = asyncio.get_running_loop().create_task(body())
    await settle()
    up = look_up(made[0], parent)
    await stop(parent, made[0])
    return {"waiter": "waits for something else", "target": "runs on", "up": up}


def table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def compare(results: list[dict[str, Any]]) -> str:
    """Returns markdown: a row for each construct and each distinct answer, with its versions."""
    parts = []
    for part, header in (
        ("waiting", ["waiting with", "`_fut_waiter`", "done callbacks", "`_asyncio_awaited_by`"]),
        ("edges", ["no one waits", "the waiter", "the target", "`_asyncio_awaited_by`"]),
        ("steps", ["callback", "type", "`__name__`", "`__self__`"]),
    ):
        rows = []
        for title in dict.fromkeys(title for result in results for title in result[part]):
            answers: dict[tuple[str, ...], list[str]] = {}  # the versions that agree
            for result in results:
                if title in result[part]:
                    answer = tuple(result[part][title].values())
                    answers.setdefault(answer, []).append(result["python"])
            rows += [[title, ", ".join(who), *answer] for answer, who in answers.items()]
        parts.append(table([header[0], "Python", *header[1:]], rows))
    return "\n\n".join(parts)


def main(arguments: list[str]) -> None:
    if arguments[:1] == ["--compare"]:
        print(compare([json.loads(Path(name).read_text()) for name in arguments[1:]]))
        return
    result = {
        "python": f"{sys.version_info[0]}.{sys.version_info[1]}",
        "waiting": asyncio.run(probe_waiting()),
        "edges": asyncio.run(probe_edges()),
        "steps": probe_steps(),
    }
    print(json.dumps(result, indent=1) if arguments == ["--json"] else compare([result]))


if __name__ == "__main__":
    main(sys.argv[1:])
