"""Gets uv from the package index into the project's own folder, `.tools/`.

Nothing outside the project is changed. The index is the one that pip is configured for:
pip fetches uv, and since uv does not read pip's settings, `settings()` hands the two that
matter (the index and the certificates) on to it. Debian splits `venv` and `pip` into packages
of their own, so each is tried, and a uv that is already installed is the last resort.
"""

import os
import shutil
import subprocess
import sys

import interpreters
from say import BootstrapError, run, step

SYSTEM_CERTIFICATES = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
]


def uv_in(root):
    """Returns the path of a working uv, fetching it first if need be.

    Args:
        root (str): the folder of the project.

    Returns:
        str: the path of uv.

    Raises:
        BootstrapError: no way of getting it worked.
    """
    home = os.path.join(root, ".tools", "uv")
    uv = os.path.join(home, "bin", "uv")
    if _works(uv):
        return uv
    step("fetching uv into .tools/")
    # An old python3 has an old pip, which can't read today's wheels: newer ones go first.
    failures = []
    for python in interpreters.recent_on_this_machine() + [sys.executable]:
        for way in (_by_venv, _by_target):
            shutil.rmtree(home, ignore_errors=True)
            try:
                way(python, home)
            except BootstrapError as exc:
                failures.append(str(exc))
            else:
                if _works(uv):
                    return uv
    installed = shutil.which("uv")
    if installed and _works(installed):
        return installed
    raise BootstrapError(
        "{}\nuv could not be fetched. If the package index can't be reached, check pip's settings "
        "(`pip config list`); if {} has neither venv nor pip, install them (Debian or Ubuntu: `apt "
        "install python3-venv`), or install uv yourself and have it on the PATH.".format(
            failures[-1] if failures else "", sys.executable
        )
    )


def _by_venv(python, home):
    run([python, "-m", "venv", home], "venv does not work.")
    inside = os.path.join(home, "bin", "python")
    pip = [inside, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    options = []
    if _minor(inside) < 8:
        # uv's wheel is one program that needs no Python, though its metadata asks for 3.8; and
        # the pip that came with 3.6 doesn't know the wheel's platform tag, as its last, 21.3, does.
        run(pip + ["--upgrade", "pip<22"], "pip could not be updated.")
        options = ["--ignore-requires-python"]
    run(pip + options + ["uv"], "pip could not install uv.")


def _by_target(python, home):
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run(pip + ["--target", home, "uv"], "pip could not install uv.")


def _minor(python):
    return int(run([python, "-c", "import sys; print(sys.version_info[1])"], "It doesn't run."))


def _works(uv):
    try:
        quiet = subprocess.DEVNULL
        return subprocess.call([uv, "--version"], stdout=quiet, stderr=quiet) == 0
    except OSError:
        return False


def settings(root):
    """Gives the environment for uv, with pip's index and certificates where uv has none.

    Args:
        root (str): the folder of the project.

    Returns:
        dict of str to str: a copy of this process's environment and what was added.
    """
    env = dict(os.environ)
    # An environment that happens to be active is not the one that is built here.
    env.pop("VIRTUAL_ENV", None)
    pip = _pip_settings(root)
    configured = any(name in env for name in ("UV_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX"))
    if not configured and pip.get("index-url"):
        env["UV_DEFAULT_INDEX"] = pip["index-url"]
    if "SSL_CERT_FILE" not in env:
        if os.path.exists(pip.get("cert", "")):
            env["SSL_CERT_FILE"] = pip["cert"]
        elif any(os.path.exists(bundle) for bundle in SYSTEM_CERTIFICATES):
            # uv trusts its own list only; a company's proxy is on the machine's.
            env.setdefault("UV_SYSTEM_CERTS", "true")
    return env


def _pip_settings(root):
    python = os.path.join(root, ".tools", "uv", "bin", "python")
    if not os.path.exists(python):
        python = sys.executable
    try:
        listed = subprocess.run(
            [python, "-m", "pip", "config", "list"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            universal_newlines=True,
        ).stdout
    except OSError:
        return {}
    found = {}
    for line in listed.splitlines():
        # Each line is section.name='value'; `install.` is what `pip install` reads last.
        name, separator, value = line.partition("=")
        if separator and name.split(".")[0] in ("global", "install", ":env:"):
            found[name.split(".", 1)[-1]] = value.strip("'\"")
    return found
