"""Fixtures of the tests of patching: modules to patch that nobody else uses."""

import sys
import types
from collections.abc import Callable, Iterator

import pytest

STDLIB = """
def sleep():
    return "slept"

def nap():
    return sleep()

LIMIT = 1
"""
GREEN = """
from plain_module import LIMIT

def sleep():
    return "green"

def limit():
    return LIMIT
"""
Make = Callable[[str, str], types.ModuleType]


@pytest.fixture
def make_module() -> Iterator[Make]:
    """Makes a module of a text, which can be imported until the test has ended."""
    made = []

    def make(name: str, text: str) -> types.ModuleType:
        module = sys.modules[name] = types.ModuleType(name)
        made.append(name)
        exec(text, vars(module))
        return module

    yield make
    for name in made:
        del sys.modules[name]


@pytest.fixture
def plain(make_module: Make) -> types.ModuleType:
    """A module that stands for one of the stdlib."""
    return make_module("plain_module", STDLIB)


@pytest.fixture
def green_module(make_module: Make, plain: types.ModuleType) -> types.ModuleType:
    """The green module for it."""
    return make_module("green_module", GREEN)
