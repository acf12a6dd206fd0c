"""Where Python interpreters lie on a machine, and which of them to build with.

uv knows the usual places, with one gap: pyenv puts *shims* on the PATH, scripts that exist
for every version and fail for all but the active one, and uv stops at the first that fails.
So the PATH that uv searches has the shims taken out and pyenv's real interpreters put in.
"""

import glob
import os
import re
import shutil
import subprocess

from say import BootstrapError, step

PREFERRED = "3.13"
OLDEST = (3, 12)


def search_path():
    """Gives the folders to look for interpreters in.

    Returns:
        str: a PATH without pyenv's shims and with its interpreters, newest first.
    """
    folders = [f for f in os.environ.get("PATH", os.defpath).split(os.pathsep) if f]
    folders = [f for f in folders if os.path.basename(f.rstrip("/")) != "shims"]
    pyenv = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    folders += sorted(
        glob.glob(os.path.join(pyenv, "versions", "*", "bin")), key=_version_of, reverse=True
    )
    return os.pathsep.join(folders)


def _version_of(folder):
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", os.path.basename(os.path.dirname(folder)))
    return tuple(int(part or 0) for part in found.groups()) if found else (0, 0, 0)


def recent_on_this_machine():
    """Lists interpreters that are new enough for us, without asking uv.

    Returns:
        list of str: paths, the preferred version first; empty when there is none.
    """
    versions = [PREFERRED] + ["3.{}".format(minor) for minor in range(16, OLDEST[1] - 1, -1)]
    found = [shutil.which("python" + version, path=search_path()) for version in versions]
    return [path for path in dict.fromkeys(found) if path]


def choose(uv, env):
    """Picks the interpreter to build with: what PYTHON names, else 3.13, else any newer than 3.12.

    Args:
        uv (str): the path of uv.
        env (dict of str to str): the environment for uv.

    Returns:
        str: the path of an interpreter.

    Raises:
        BootstrapError: there is none and none could be downloaded.
    """
    wanted = os.environ.get("PYTHON", "").strip()
    env = dict(env, PATH=search_path())
    for request in [wanted] if wanted else [PREFERRED, ">=3.12"]:
        path = _find(uv, request, env)
        if path:
            return path
    request = wanted or PREFERRED
    step("no Python {} here; asking uv to download one".format(request))
    download = subprocess.run(
        [uv, "python", "install", "--no-bin", request],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=env,
    )
    path = _find(uv, request, env) if download.returncode == 0 else None
    if path:
        return path
    raise BootstrapError(
        "No Python {} was found, and uv could not download one.\n"
        "Install CPython {} with its headers (Debian or Ubuntu: `apt install python{}-dev "
        "python{}-venv`; anywhere: `pyenv install {}`), or name another that you have, 3.12 or "
        "newer: `PYTHON=3.12 make ...`.".format(request, *[request] * 4)
    )


def _find(uv, request, env):
    # --system: never the virtual environment that happens to be active.
    found = subprocess.run(
        [uv, "python", "find", "--system", "--no-python-downloads", request],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        universal_newlines=True,
        env=env,
    )
    return found.stdout.strip() if found.returncode == 0 else None


def describe(python):
    """Asks an interpreter what a build needs to know about it.

    Args:
        python (str): the path of an interpreter.

    Returns:
        dict of str to str: `version` (as 3.13), `suffix` (of its compiled modules), `cc` (its
        C compiler) and `header` (where its Python.h must lie).

    Raises:
        BootstrapError: it does not run, or is too old.
    """
    question = (
        "import sys, sysconfig as s; print('%d.%d' % sys.version_info[:2]);"
        "print(s.get_config_var('EXT_SUFFIX')); print((s.get_config_var('CC') or 'cc').split()[0]);"
        "print(s.get_path('include') + '/Python.h')"
    )
    asked = subprocess.run(
        [python, "-I", "-c", question],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
    )
    lines = asked.stdout.splitlines()
    if asked.returncode != 0 or len(lines) != 4:
        raise BootstrapError(
            "{}\n{} does not run; choose another with PYTHON=...".format(asked.stdout, python)
        )
    answer = dict(zip(["version", "suffix", "cc", "header"], lines))
    if tuple(int(part) for part in answer["version"].split(".")) < OLDEST:
        raise BootstrapError(
            "{} is Python {}; Mainspring needs 3.12 or newer: `PYTHON=3.13 make ...`.".format(
                python, answer["version"]
            )
        )
    return answer
