"""Builds the compiled modules in place, and only when something changed.

A module is compiled when a `.pxd` lies beside its `.py` (setup.py has the rule). Cython and
setuptools know by themselves what to rebuild, but it takes them seconds to find out that the
answer is nothing; comparing a few dozen file times first takes a millisecond.
"""

import glob
import os
import shutil
import subprocess
import sys

from say import BootstrapError, step


def sources(root):
    """Lists what the compiled modules are built from.

    Args:
        root (str): the folder of the project.

    Returns:
        list of str: the build rule, and every `.pxd`, header, and `.py` with a `.pxd` beside it.
    """
    package = os.path.join(root, "src", "mainspring")
    pxds = glob.glob(os.path.join(package, "**", "*.pxd"), recursive=True)
    headers = glob.glob(os.path.join(package, "**", "*.h"), recursive=True)
    modules = [pxd[:-4] + ".py" for pxd in pxds if os.path.exists(pxd[:-4] + ".py")]
    return [os.path.join(root, "setup.py")] + pxds + headers + modules


def is_current(root, suffix, stamp):
    """Tells whether the compiled modules are there and newer than their sources.

    Args:
        root (str): the folder of the project.
        suffix (str): what the file names of compiled modules end with on this interpreter.
        stamp (str): the file that the last build touched as it began.

    Returns:
        bool: True if there is nothing to do.
    """
    if not os.path.exists(stamp):
        return False
    built = os.path.getmtime(stamp)
    for path in sources(root):
        if os.path.getmtime(path) > built:
            return False
        is_module = path.endswith(".pxd") and os.path.exists(path[:-4] + ".py")
        if is_module and not os.path.exists(path[:-4] + suffix):
            return False
    return True


def build(root, python, about, stamp):
    """Compiles what changed, in place.

    Args:
        root (str): the folder of the project.
        python (str): the interpreter of the virtual environment.
        about (dict of str to str): what `interpreters.describe` said of it.
        stamp (str): the file to touch, so that the next call finds nothing to do.

    Raises:
        BootstrapError: there is no compiler, no Python.h, or the code does not compile.
    """
    if is_current(root, about["suffix"], stamp):
        return
    require_compiler(about)
    remove_orphans(root)
    step("compiling for Python {}".format(about["version"]))
    # The time of the build's beginning: a file saved while it runs is then built next time.
    began = stamp + ".began"
    open(began, "w").close()
    jobs = str(os.cpu_count() or 1)
    code = subprocess.call(
        [python, "setup.py", "--quiet", "build_ext", "--inplace", "-j" + jobs],
        cwd=root,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
    )
    if code != 0:
        raise BootstrapError("The compiled modules did not build; the first error above says why.")
    os.replace(began, stamp)


def require_compiler(about):
    """Checks for what a C build needs, before Cython's own messages bury it.

    Args:
        about (dict of str to str): what `interpreters.describe` said of the interpreter.

    Raises:
        BootstrapError: the compiler or Python's headers are missing.
    """
    compiler = os.environ.get("CC", about["cc"]).split()[0]
    if not shutil.which(compiler):
        raise BootstrapError(
            "There is no C compiler ({}): install gcc or clang (Debian or Ubuntu: `apt install gcc "
            "libc6-dev`), or name yours with CC=...".format(compiler)
        )
    if not os.path.exists(about["header"]):
        raise BootstrapError(
            "Python's headers are missing ({0}): install them (Debian or Ubuntu: `apt install "
            "python{1}-dev`; Fedora: `dnf install python{1}-devel`), or choose an interpreter that "
            "has them with PYTHON=...".format(about["header"], about["version"])
        )


def remove_orphans(root):
    """Deletes compiled modules whose `.pxd` is gone: they would shadow the plain `.py`.

    Args:
        root (str): the folder of the project.
    """
    for path in glob.glob(os.path.join(root, "src", "mainspring", "**", "*.so"), recursive=True):
        folder, name = os.path.split(path)
        if not os.path.exists(os.path.join(folder, name.split(".")[0] + ".pxd")):
            os.remove(path)
