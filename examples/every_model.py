"""The same wait in every model, side by side on one loop: who waits for whom doesn't matter.

    python examples/every_model.py

A coroutine, a green thread, a generator, a callback and an OS thread each wait for an answer that
another model gives.
"""

import asyncio

import mainspring
from mainspring.green import await_, green, spawn


async def in_a_coroutine(question):
    """Answers after a moment."""
    await asyncio.sleep(0.01)
    return f"{question}, a coroutine answered"


def in_a_green_thread(question):
    """A plain function: it waits for the coroutine, and only it waits."""
    return await_(in_a_coroutine(question)) + ", a green thread passed it on"


def in_a_generator(question):
    """Yields what it waits for."""
    answer = yield spawn(in_a_green_thread, question)
    return f"{answer}, a generator passed it on"


def in_an_os_thread(question):
    """Blocks its own OS thread, and nothing else."""
    return await_(in_a_coroutine(question)) + ", an OS thread passed it on"


def in_a_callback(question, tell):
    """Is called when the answer is there."""
    spawn(in_a_generator, question).add_done_callback(
        lambda task: tell(f"{task.result()}, a callback passed it on")
    )


async def main():
    """Asks everybody."""
    told = asyncio.get_running_loop().create_future()
    in_a_callback("1", told.set_result)
    print(await told)
    print(await asyncio.to_thread(in_an_os_thread, "2"))
    print(await green(in_a_green_thread, "3"))


if __name__ == "__main__":
    mainspring.run(main)
