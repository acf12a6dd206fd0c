"""The rules that hold for every file: its length, its types, and no path of anybody's machine."""

import ast
import re

from tests.house.house import (
    PACKAGE,
    ROOT,
    SOURCE,
    compiled_modules,
    source_files,
    tracked_files,
)
from tests.house.imports import imports_of_python

LONGEST = 400
# Files that are longer, and why that is better than to split them. Empty is the aim.
LONGER: dict[str, str] = {}

# In pieces, so that this file does not find itself.
PERSONAL_PATH = re.compile(
    r"(?<![\w.>-])/(?:" + "|".join(["work", "root", "home", "Users"]) + r")/\w"
)
SCRATCH_PATH = re.compile(r"(?<![\w.>-])/" + "tmp" + r"/\w")
TEXT = {".py", ".pyi", ".pxd", ".h", ".c", ".md", ".toml", ".yml", ".yaml", ".json", ".sh", ""}


def test_no_source_file_is_longer_than_400_lines():
    long = {
        str(path.relative_to(PACKAGE)): count
        for path in source_files(".py", ".pyi", ".pxd", ".h")
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST
    }
    assert {name: count for name, count in long.items() if name not in LONGER} == {}
    assert set(LONGER) - set(long) == set(), "no longer too long: take it off the list"


def test_every_compiled_module_that_python_imports_has_type_information():
    """Those that only other compiled modules use are checked by Cython itself."""
    imported = names_that_python_imports()
    lacking = {}
    for module in compiled_modules():
        name = ".".join(module.relative_to(SOURCE).with_suffix("").parts)
        is_imported = any((other + ".").startswith(name + ".") for other in imported)
        if is_imported and not module.with_suffix(".pyi").exists():
            bare = unannotated(ast.parse(module.read_text(encoding="utf-8")))
            if bare:
                lacking[str(module.relative_to(PACKAGE))] = bare
    assert lacking == {}, "annotate these functions, or put a .pyi beside the module"


def names_that_python_imports() -> set[str]:
    """Returns the full names that the package's plain Python modules import."""
    plain = set(source_files(".py")) - set(compiled_modules())
    return {
        name
        for path in plain
        for name in imports_of_python(
            path.read_text(encoding="utf-8"), ".".join(path.parent.relative_to(SOURCE).parts)
        )
    }


def unannotated(tree: ast.AST) -> list[str]:
    """Lists the public functions whose parameters or result have no type.

    Args:
        tree: A parsed module.

    Returns:
        Their names; `__init__` and other special methods are left to the class.
    """
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.name[0] == "_":
            continue
        given = node.args
        parameters = [*given.posonlyargs, *given.args, *given.kwonlyargs]
        parameters += [extra for extra in (given.vararg, given.kwarg) if extra is not None]
        bare = [p.arg for p in parameters if p.annotation is None and p.arg not in ("self", "cls")]
        if bare or node.returns is None:
            found.append(node.name)
    return found


def test_no_tracked_file_names_a_path_of_somebodys_machine():
    found = []
    for path in tracked_files():
        if path.suffix not in TEXT or not path.is_file():
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if PERSONAL_PATH.search(line) or SCRATCH_PATH.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
    assert found == []


def test_the_package_is_marked_as_typed():
    assert (PACKAGE / "py.typed").exists()


def test_every_module_says_in_its_first_lines_what_it_is():
    silent = [
        str(path.relative_to(PACKAGE))
        for path in source_files(".py")
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert silent == []
