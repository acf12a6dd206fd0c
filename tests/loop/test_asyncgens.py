"""Asynchronous generators that nobody finished: the loop closes them."""

import asyncio
import gc

import pytest


async def ticker(ended):
    try:
        while True:
            yield 1
    finally:
        await asyncio.sleep(0)
        ended.append("closed")


async def begin(generator):
    """Takes one value, so that the loop knows of the generator."""
    return await anext(generator)


def test_the_shutdown_closes_generators_that_are_still_open(loop):
    ended = []
    generators = [ticker(ended) for _ in range(3)]
    for generator in generators:
        loop.run_until_complete(begin(generator))
    loop.run_until_complete(loop.shutdown_asyncgens())
    assert ended == ["closed"] * 3


def test_the_shutdown_leaves_a_finished_generator_alone(loop):
    async def main():
        async for _ in generator:
            break
        await generator.aclose()

    ended = []
    generator = ticker(ended)
    loop.run_until_complete(main())
    loop.run_until_complete(loop.shutdown_asyncgens())
    assert ended == ["closed"]


def test_a_generator_that_is_dropped_is_closed_by_the_loop(loop):
    async def main():
        generator = ticker(ended)
        await anext(generator)
        del generator
        gc.collect()
        while not ended:
            await asyncio.sleep(0)

    ended = []
    loop.run_until_complete(main())
    assert ended == ["closed"]


def test_an_error_while_closing_is_reported(loop):
    async def fails():
        try:
            yield 1
        finally:
            raise LookupError("lost")

    contexts = []
    loop.set_exception_handler(lambda _, context: contexts.append(context))
    generator = fails()
    loop.run_until_complete(begin(generator))
    loop.run_until_complete(loop.shutdown_asyncgens())
    (context,) = contexts
    assert context["asyncgen"] is generator
    assert isinstance(context["exception"], LookupError)
    assert "an error occurred during closing of asynchronous generator" in context["message"]


def test_a_generator_that_begins_after_the_shutdown_is_warned_about(loop):
    loop.run_until_complete(loop.shutdown_asyncgens())
    generator = ticker([])
    with pytest.warns(ResourceWarning, match=r"after loop.shutdown_asyncgens\(\) call"):
        loop.run_until_complete(begin(generator))
    loop.run_until_complete(generator.aclose())


def test_the_shutdown_of_nothing_ends_at_once(loop):
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.run_until_complete(loop.shutdown_asyncgens())
