"""The project's virtual environment: one for each Python version, `.venv-3.13` and so on.

It holds the build tools, the dependency groups that a make target asks for, and Mainspring
itself as an editable install. A stamp file per group, newer than pyproject.toml, means that
there is nothing to do, so a second run costs no more than a few file times.
"""

import fcntl
import os

import get_uv
import interpreters
import native
from say import run, step

NETWORK = (
    "If the package index could not be reached, check uv's settings (UV_DEFAULT_INDEX, proxies)."
)


def prepare(root, wishes):
    """Makes or updates the environment.

    Args:
        root (str): the folder of the project.
        wishes (list of str): names of dependency groups, and of extras as `extra:NAME`.

    Returns:
        str: the folder of the environment.

    Raises:
        BootstrapError: something that the reader has to put right.
    """
    os.makedirs(os.path.join(root, ".tools"), exist_ok=True)
    with open(os.path.join(root, ".tools", "lock"), "w") as lock:
        # Two targets at once (an editor's and a terminal's) must not install into each other.
        fcntl.flock(lock, fcntl.LOCK_EX)
        venv = _known(root)
        if venv is None:
            venv = _create(root)
        python = os.path.join(venv, "bin", "python")
        about = interpreters.describe(python)
        _install(root, venv, ["build"])
        native.build(root, python, about, os.path.join(venv, ".built"))
        _install(root, venv, wishes, itself=True)
        return venv


def _known(root):
    """Returns the environment that was made before for this PYTHON, or None."""
    wanted = os.environ.get("PYTHON", "").strip() or interpreters.PREFERRED
    # PYTHON may be a path too; then only the interpreter itself can tell its version.
    venv = os.path.join(root, ".venv-" + wanted.replace(os.sep, "-"))
    return venv if _is_usable(venv) else None


def _create(root):
    uv = get_uv.uv_in(root)
    env = get_uv.settings(root)
    python = interpreters.choose(uv, env)
    about = interpreters.describe(python)
    venv = os.path.join(root, ".venv-" + about["version"])
    if _is_usable(venv):
        return venv
    native.require_compiler(about)
    step("making {} with {}".format(os.path.basename(venv), python))
    run([uv, "venv", "--quiet", "--clear", "--python", python, venv], "uv made none.", env=env)
    open(os.path.join(venv, ".made"), "w").close()
    return venv


def _is_usable(venv):
    # The second is a link: it dangles when the interpreter was uninstalled.
    return all(os.path.exists(os.path.join(venv, name)) for name in (".made", "bin/python"))


def _install(root, venv, wishes, itself=False):
    """Installs groups and extras (and Mainspring itself) unless their stamps are newer."""
    project = os.path.getmtime(os.path.join(root, "pyproject.toml"))
    missing = []
    for wish in wishes + (["itself"] if itself else []):
        stamp = os.path.join(venv, ".has-" + wish.replace(":", "-"))
        if not os.path.exists(stamp) or os.path.getmtime(stamp) < project:
            missing.append((wish, stamp))
    if not missing:
        return
    step("installing " + ", ".join(wish for wish, _ in missing))
    uv = get_uv.uv_in(root)
    command = [uv, "pip", "install", "--quiet", "--python", os.path.join(venv, "bin", "python")]
    extras = [wish.split(":")[1] for wish, _ in missing if wish.startswith("extra:")]
    for wish, _ in missing:
        if wish != "itself" and not wish.startswith("extra:"):
            command += ["--group", wish]
    if extras or any(wish == "itself" for wish, _ in missing):
        target = "." + ("[" + ",".join(extras) + "]" if extras else "")
        # No isolation: Cython and setuptools are here already, and the build is incremental.
        command += ["--no-build-isolation", "--editable", target]
    run(command, NETWORK, env=get_uv.settings(root), cwd=root)
    for _, stamp in missing:
        open(stamp, "w").close()
