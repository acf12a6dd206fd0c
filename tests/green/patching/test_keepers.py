"""Who keeps the originals: modules that are loaded, and those that are imported later."""

import sys

import pytest

from mainspring.green.patching.keepers import Keepers
from mainspring.green.patching.replaced import ReplacedNames


@pytest.fixture
def keepers(plain, green_module):
    replaced = ReplacedNames(plain, green_module, ["sleep"])
    made = Keepers(frozenset({"family"}))
    yield made, lambda: (made.begin([plain]), replaced.install())
    made.end()
    replaced.remove()


def test_a_keeper_goes_on_with_the_original(keepers, make_module):
    _, patch = keepers
    member = make_module("family.member", "import plain_module")
    other = make_module("others", "import plain_module")
    patch()
    assert member.plain_module.sleep() == "slept"
    assert other.plain_module.sleep() == "green"


def test_a_patched_module_goes_on_with_the_originals_of_others(plain, green_module, make_module):
    above = make_module("above", "import plain_module\ndef f(): return plain_module.sleep()")
    keepers = Keepers(frozenset())
    replaced = ReplacedNames(plain, green_module, ["sleep"])
    keepers.begin([plain, above])
    replaced.install()
    assert above.f() == "slept"
    keepers.end()
    assert above.f() == "green"
    replaced.remove()
    assert above.f() == "slept"


@pytest.fixture
def later(tmp_path, monkeypatch):
    folder = tmp_path / "family"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "later.py").write_text(
        "import plain_module\n"
        "from plain_module import sleep\n"
        "def late():\n"
        "    import plain_module\n"
        "    return plain_module.sleep()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in ("family", "family.later"):
        sys.modules.pop(name, None)


def test_a_keeper_that_is_imported_later_sees_the_originals_only(keepers, later):
    _, patch = keepers
    patch()
    import family.later

    assert family.later.plain_module.sleep() == "slept"
    assert family.later.sleep() == "slept"
    assert family.later.late() == "slept"


def test_in_the_end_keepers_have_the_modules_themselves_again(keepers, make_module, plain):
    made, patch = keepers
    member = make_module("family.member", "import plain_module")
    patch()
    made.end()
    assert member.plain_module is plain
    assert not any(type(finder).__module__ == Keepers.__module__ for finder in sys.meta_path)
