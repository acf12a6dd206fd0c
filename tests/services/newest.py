"""RabbitMQ as Debian's newest suite has it: a release behind which this machine may be years.

Its package and all that it needs, the C library too, are unpacked into `.tools/debian-newest`, and
the node runs with that folder as its root. That takes the rights of root, and none of the
packages' own scripts is ever run.
"""

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.interop.debian import HOME, PATIENCE, Installed, quietly

from .rabbitmq import RabbitMQ

ROOT = HOME.with_name("debian-newest")
PACKAGES = ["base-files", "dash", "coreutils", "bash", "rabbitmq-server"]
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
MIRROR = "http://deb.debian.org/debian"


def fetch() -> Path:
    """Returns the folder with the newest RabbitMQ, after it was fetched if need be.

    The test is skipped, and says why, where this can't be done.
    """
    if os.geteuid() != 0 or not shutil.which("apt-get") or not shutil.which("unshare"):
        pytest.skip("another root folder takes root's rights, apt-get and unshare")
    root = ROOT / "root"
    if root.exists():
        return root
    work = ROOT / "unfinished"
    shutil.rmtree(work, ignore_errors=True)
    for name in ("lists/partial", "archives/partial", "root"):
        (work / name).mkdir(parents=True)
    (work / "sources.list").write_text(f"deb [signed-by={KEYRING}] {MIRROR} sid main\n")
    settings = {
        "Debug::NoLocking": "1",
        "Dir::Etc::sourcelist": work / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State::lists": work / "lists",
        # Nothing is installed there yet, not even a C library.
        "Dir::State::status": "/dev/null",
        "Dir::Cache::archives": work / "archives",
        "Dir::Cache::pkgcache": "",
        "Dir::Cache::srcpkgcache": "",
        "APT::Sandbox::User": "",
        "APT::Install-Recommends": "0",
    }
    apt = ["apt-get", "--yes", "--quiet"]
    for name, value in settings.items():
        apt += ["-o", f"{name}={value}"]
    print(f"fetching the newest RabbitMQ into {ROOT.relative_to(HOME.parents[1])}")
    for arguments in (["update"], ["--download-only", "install", *PACKAGES]):
        done = quietly([*apt, *arguments])
        if done.returncode != 0:
            pytest.skip(f"Debian's newest suite can't be had: {done.stderr}")
    archives = sorted((work / "archives").glob("*.deb"))
    # Where the links are that others go through.
    archives.sort(key=lambda path: not path.name.startswith("base-files"))
    for archive in archives:
        subprocess.run(["dpkg", "-x", archive, work / "root"], check=True, timeout=PATIENCE)
    # No package has these: installing would have made them.
    (work / "root/etc/hosts").write_text("127.0.0.1 localhost\n")
    (work / "root/etc/nsswitch.conf").write_text("hosts: files\n")
    (work / "root").rename(root)
    shutil.rmtree(work)
    return root


class NewestRabbitMQ(RabbitMQ):
    """A node of the newest RabbitMQ, in a root folder of its own."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.user = None
        self.root = fetch()

    def close(self) -> None:
        """Stops the node, and removes what its folder was mounted on."""
        super().close()
        (self.root / str(self.folder)[1:]).rmdir()

    def _erlang(self, program: str) -> Installed:
        """Finds a program inside the other root."""
        found = max(self.root.glob(f"usr/lib/erlang/erts-*/bin/{program}"))
        variables = self._variables(found.parent, self.root / "usr")
        inside = {
            name: str(value).removeprefix(str(self.root)) for name, value in variables.items()
        }
        path = "/" + str(found.relative_to(self.root))
        return Installed(path, {"PATH": "/usr/bin:/usr/sbin", **inside})

    def spawn(self, program: Installed, arguments: list[str]) -> "subprocess.Popen[str]":
        """Starts a program in the other root, in a mount namespace that ends with it."""
        command = ["--mount", "--propagation", "private", "sh", "-c", self._enter(program)]
        return super().spawn(
            Installed(str(shutil.which("unshare")), {**os.environ, **program.environment}),
            [*command, *arguments],
        )

    def _enter(self, program: Installed) -> str:
        folder, root = shlex.quote(str(self.folder)), shlex.quote(str(self.root))
        return "\n".join(
            [
                "set -e",
                f"mount -t proc proc {root}/proc",
                f"mount --rbind /dev {root}/dev",
                f"mkdir -p {root}{folder}",
                f"mount --bind {folder} {root}{folder}",
                f'exec chroot {root} {shlex.quote(program.path)} "$0" "$@"',
            ]
        )
