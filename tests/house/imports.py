"""Reads what a Python or Cython file imports, without running it.

Every form counts: `import`, `from`, relative ones, those inside a function, and the `cimport`s of
a `.pxd` or of `cython.cimports`. A name may be that of a module or of a thing in it: to tell
which would take an import, and no rule here needs to know.
"""

import ast
import re
from collections.abc import Iterator

PXD_IMPORT = re.compile(
    r"^\s*(?:from\s+(?P<origin>[\w.]+)\s+c?import\s+(?P<names>.+)|c?import\s+(?P<modules>.+))$",
    re.MULTILINE,
)
CIMPORTS = "cython.cimports."


def imports_of_python(text: str, package: str) -> Iterator[str]:
    """Yields the full names that a `.py` or `.pyi` file imports.

    Args:
        text: The text of the file.
        package: The package that the file is in, for relative imports.

    Yields:
        Names of modules, or of things in modules.
    """
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name.removeprefix(CIMPORTS) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = absolute("." * node.level + (node.module or ""), package)
            yield from (f"{origin}.{alias.name}".removeprefix(CIMPORTS) for alias in node.names)


def imports_of_pxd(text: str, package: str) -> Iterator[str]:
    """Yields the full names that a `.pxd` file imports.

    Args:
        text: The text of the file.
        package: The package that the file is in, for relative imports.

    Yields:
        Names of modules, or of things in modules.
    """
    code = re.sub(r"#.*", "", text)
    code = re.sub(r"\(([^()]*)\)", lambda found: found[1].replace("\n", " "), code)
    for found in PXD_IMPORT.finditer(code):
        names = [
            part.split()[0]
            for part in (found["names"] or found["modules"]).split(",")
            if part.strip()
        ]
        if found["origin"]:
            origin = absolute(found["origin"], package)
            yield from (f"{origin}.{name}" for name in names)
        else:
            yield from names


def absolute(name: str, package: str) -> str:
    """Turns a relative name of a module into the full one.

    Args:
        name: The name, with leading dots if it is relative.
        package: The package that it is relative to.

    Returns:
        The full name.
    """
    rest = name.lstrip(".")
    dots = len(name) - len(rest)
    if not dots:
        return name
    parts = package.split(".")
    return ".".join([*parts[: len(parts) - dots + 1], *([rest] if rest else [])])
