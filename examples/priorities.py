"""Every way to say how urgent something is, and the order that comes of it.

    python examples/priorities.py

All of it is queued at once, least urgent first. It runs in the order of its priorities, and in the
order of arrival within one.
"""

import asyncio

import mainspring
from mainspring import Priority, priority


async def report(name: str) -> None:
    """Prints a name.

    Args:
        name: What to print.
    """
    print(name)


async def main() -> None:
    """Queues something in every way, and waits until all of it has run."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, mainspring.Loop)
    finished = loop.create_future()

    # Idle: when there is nothing else, not even I/O that is ready.
    loop.call_idle(print, "6. idle callback")
    loop.call_idle(finished.set_result, None)

    # By a keyword, for one callback or one task.
    tasks = [loop.create_task(report("5. task at LOW"), priority=Priority.LOW)]
    loop.call_soon(print, "4. callback at DEFAULT")
    loop.call_soon(print, "2. callback at HIGH", priority=Priority.HIGH)

    # By a block, for whatever is started inside, by a library too.
    with priority(Priority.HIGH):
        tasks.append(asyncio.create_task(report("3. task at HIGH, after what came before")))

    loop.call_soon(print, "1. callback at URGENT", priority=Priority.URGENT)
    await finished
    await asyncio.gather(*tasks)


if __name__ == "__main__":
    mainspring.run(main())
