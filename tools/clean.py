"""Removes what the other targets made, and never a file that somebody wrote.

Generated C has the same suffix as the C that benchmarks and tests bring along, so a `.c` file goes
only when the module it came from lies beside it.
"""

import glob
import os
import shutil
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDERS = ["build", "dist", "site", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"]
MADE_ONCE = [".venv-*", ".tools"]


def main(arguments):
    """Removes the files and folders.

    Args:
        arguments (list of str): `--all` to remove the environments and tools as well.
    """
    for pattern in FOLDERS + ["src/*.egg-info"] + (MADE_ONCE if "--all" in arguments else []):
        for path in glob.glob(os.path.join(ROOT, pattern)):
            shutil.rmtree(path, ignore_errors=True)
    # Environments that stay must notice that their build is gone: native.is_current looks for
    # each compiled module, so there is no stamp to remove.
    for folder, folders, files in os.walk(os.path.join(ROOT, "src")):
        if "__pycache__" in folders:
            shutil.rmtree(os.path.join(folder, "__pycache__"))
            folders.remove("__pycache__")
        for name in files:
            stem, suffix = os.path.splitext(name)
            generated = suffix in (".c", ".html") and stem + ".pxd" in files
            if suffix == ".so" or generated:
                os.remove(os.path.join(folder, name))


if __name__ == "__main__":
    main(sys.argv[1:])
