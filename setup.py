"""Builds the compiled modules.

A module is compiled when a `.pxd` of the same name lies beside it: the `.py` is Cython in
pure Python mode, the `.pxd` its C layout. There is no list to keep in step.
"""

import os
from pathlib import Path

import greenlet
from Cython.Build import cythonize
from setuptools import Extension, setup

SOURCE = Path("src")
HEADERS = [str(SOURCE / "mainspring" / layer) for layer in ("core", "net", "loop", "green")]
# Holds greenlet/greenlet.h.
GREENLET_HEADERS = str(Path(greenlet.__file__).parents[1])

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "initializedcheck": False,
    "cdivision": True,
    "embedsignature": True,
}


def compiled_modules() -> list[Extension]:
    """Returns one extension for each `.py` that has a `.pxd` of its name beside it."""
    extra = os.environ.get("MAINSPRING_CFLAGS", "").split()
    return [
        Extension(
            ".".join(pxd.relative_to(SOURCE).with_suffix("").parts),
            [str(pxd.with_suffix(".py"))],
            # All headers of its layer: one may include another, which Cython doesn't see. They come
            # into source distributions by this, and a change of one builds again.
            depends=[str(header) for header in sorted(pxd.parent.glob("*.h"))],
            include_dirs=[*HEADERS, GREENLET_HEADERS],
            extra_compile_args=["-O3", "-Wall", "-Wextra", "-Wno-unused-parameter", *extra],
            extra_link_args=extra,
        )
        for pxd in sorted(SOURCE.rglob("*.pxd"))
        if pxd.with_suffix(".py").exists()
    ]


if __name__ == "__main__":
    # Guarded, because where processes are not forked cythonize's workers import this file again.
    setup(
        ext_modules=cythonize(
            compiled_modules(),
            include_path=[str(SOURCE)],
            compiler_directives=DIRECTIVES,
            nthreads=int(os.environ.get("MAINSPRING_BUILD_JOBS", os.cpu_count() or 1)),
        )
    )
