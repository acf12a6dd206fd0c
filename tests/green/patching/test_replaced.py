"""A module whose attributes are replaced, and whose namespace isn't."""

import importlib
from unittest import mock

import pytest

from mainspring.green.patching.namespace import second_module
from mainspring.green.patching.replaced import ReplacedNames
from mainspring.green.patching.table import differing_names


@pytest.fixture
def replaced(plain, green_module):
    made = ReplacedNames(plain, green_module, ["sleep"])
    made.install()
    yield made
    made.remove()


def test_an_attribute_is_the_green_one(replaced, plain):
    assert plain.sleep() == "green"


def test_an_import_of_a_name_gives_the_green_one(replaced):
    namespace = {}
    exec("from plain_module import sleep", namespace)
    assert namespace["sleep"]() == "green"


def test_the_modules_own_functions_go_on_with_the_originals(replaced, plain):
    assert plain.nap() == "slept"


def test_a_second_module_object_shows_the_originals(replaced, plain):
    second = second_module(plain)
    assert (second.sleep(), second.nap()) == ("slept", "slept")


def test_what_is_set_in_a_module_is_set_in_its_second_object(replaced, plain):
    second = second_module(plain)
    plain.new = 1
    assert second.new == 1


def test_code_that_ran_before_sees_the_replacement(plain, green_module):
    def use(module):
        return module.sleep()

    for _ in range(1000):
        use(plain)
    replaced = ReplacedNames(plain, green_module, ["sleep"])
    replaced.install()
    assert {use(plain) for _ in range(1000)} == {"green"}
    assert {use(second_module(plain)) for _ in range(1000)} == {"slept"}
    assert {use(plain) for _ in range(1000)} == {"green"}
    replaced.remove()
    assert {use(plain) for _ in range(1000)} == {"slept"}


def test_what_a_module_computes_or_lacks_is_as_before(replaced, plain):
    vars(plain)["__getattr__"] = {"computed": 1}.__getitem__
    assert plain.computed == 1
    del vars(plain)["__getattr__"]
    with pytest.raises(AttributeError, match="module 'plain_module' has no attribute 'nosuch'"):
        _ = plain.nosuch


def test_removing_gives_the_originals_back(replaced, plain):
    replaced.remove()
    assert plain.sleep() == "slept"
    assert type(plain) is type(importlib)


def test_a_mock_replaces_the_green_function_and_puts_it_back(replaced, plain, green_module):
    with mock.patch("plain_module.sleep", return_value="mocked"):
        assert (plain.sleep(), green_module.sleep()) == ("mocked", "mocked")
    assert (plain.sleep(), green_module.sleep()) == ("green", "green")


def test_what_is_set_is_set_for_the_green_functions_too(replaced, plain, green_module):
    plain.LIMIT = 7
    assert (plain.LIMIT, green_module.limit()) == (7, 7)


def test_what_the_green_module_has_of_its_own_is_left_alone(replaced, plain, green_module):
    green_module.LIMIT = 3
    plain.LIMIT = 7
    assert green_module.limit() == 3


def test_a_deleted_name_is_missing(replaced, plain):
    del plain.sleep
    with pytest.raises(AttributeError, match="has no attribute 'sleep'"):
        _ = plain.sleep


def test_names_that_the_module_lacks_are_left_out(plain, green_module):
    assert list(ReplacedNames(plain, green_module, ["sleep", "nosuch"]).originals) == ["sleep"]


def test_without_a_list_what_differs_is_replaced(plain, green_module):
    assert differing_names(plain, green_module) == ["sleep"]


def test_a_list_of_names_is_taken_at_its_word(plain, green_module):
    green_module.__implements__ = ("LIMIT", "nosuch")
    assert differing_names(plain, green_module) == ["LIMIT"]
