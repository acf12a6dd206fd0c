"""An extension that isn't ours, compiled when a test first asks for it."""

import importlib.machinery
import importlib.util
import subprocess
import sysconfig
from pathlib import Path
from types import ModuleType

import pytest

from tests.compiler import find_compiler

SOURCE = Path(__file__).with_name("foreign.c")


def compile_module(folder: Path) -> Path:
    """Compiles the extension into a folder; skips the test where there is no compiler."""
    compiler = find_compiler()
    if compiler is None:
        pytest.skip("there is no C compiler here")
    target = folder / f"foreign{sysconfig.get_config_var('EXT_SUFFIX')}"
    include = f"-I{sysconfig.get_path('include')}"
    command = [*compiler, "-shared", "-fPIC", "-pthread", include, str(SOURCE), "-o", str(target)]
    subprocess.run(command, check=True)
    return target


def load(path: Path | str) -> ModuleType:
    """Imports the compiled extension."""
    loader = importlib.machinery.ExtensionFileLoader("foreign", str(path))
    spec = importlib.util.spec_from_loader("foreign", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module
