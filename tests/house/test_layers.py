"""A layer imports only from those below it, and never from the package's public names.

Imports are read, not run: an arrow in the wrong direction may work for years, until somebody
needs the lower layer alone.
"""

from pathlib import Path

import pytest

from tests.house.house import PACKAGE, SOURCE, source_files
from tests.house.imports import imports_of_pxd, imports_of_python

# From the bottom to the top. Those of one line may import one another.
LAYERS = [
    {"core"},
    {"net", "process"},
    {"loop"},
    {"sync"},
    {"green"},
    {"messaging"},
    {"compat"},
    {"cli"},
]
HEIGHT = {name: height for height, layer in enumerate(LAYERS) for name in layer}
TOP = len(LAYERS) - 1


def wrong_arrows(path: Path) -> list[str]:
    """Lists what a file of a layer imports from above it.

    Args:
        path: A file of the package.

    Returns:
        The imported names that it must not import.
    """
    package = ".".join(path.parent.relative_to(SOURCE).parts)
    layer = path.relative_to(PACKAGE).parts[0]
    read = imports_of_pxd if path.suffix == ".pxd" else imports_of_python
    wrong = []
    for name in read(path.read_text(encoding="utf-8"), package):
        parts = name.split(".")
        if parts[0] != "mainspring":
            continue
        # What isn't a layer is the top: the package's public names come from everywhere.
        target = HEIGHT.get(parts[1], TOP) if len(parts) > 1 else TOP
        if target > HEIGHT[layer]:
            wrong.append(name)
    return wrong


def test_every_folder_of_the_package_is_a_layer():
    folders = {path.relative_to(PACKAGE).parts[0] for path in source_files(".py", ".pxd")}
    assert {name for name in folders if not name.endswith(".py")} <= set(HEIGHT)


def test_a_layer_imports_only_from_those_below():
    wrong = {
        str(path.relative_to(PACKAGE)): found
        for path in source_files(".py", ".pyi", ".pxd")
        if path.parent != PACKAGE and (found := wrong_arrows(path))
    }
    assert wrong == {}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("import a.b as c, d", ["a.b", "d"]),
        ("from a.b import c", ["a.b.c"]),
        ("from . import c", ["mainspring.net.c"]),
        ("from ..core import c", ["mainspring.core.c"]),
        ("from cython.cimports.mainspring.core.timers import T", ["mainspring.core.timers.T"]),
        ("def f():\n    import late", ["late"]),
    ],
)
def test_every_form_of_import_is_seen_in_python(text, names):
    assert list(imports_of_python(text, "mainspring.net")) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("cimport a.b as c, d", ["a.b", "d"]),
        ("from a.b cimport c, d  # why", ["a.b.c", "a.b.d"]),
        ("from .timers cimport T", ["mainspring.net.timers.T"]),
        ("from ..core cimport (\n    a,\n    b,\n)", ["mainspring.core.a", "mainspring.core.b"]),
        ('cdef extern from "x.h":\n    int f()', []),
        ("cdef class A:\n    cdef int b", []),
    ],
)
def test_every_form_of_import_is_seen_in_a_pxd(text, names):
    assert list(imports_of_pxd(text, "mainspring.net")) == names
