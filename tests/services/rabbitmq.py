"""RabbitMQ for the tests: one node, no plugins, from this machine or from Debian's archive.

The node is started without the package's shell scripts, because those know one place only. It has
an `epmd` of its own (Erlang's name server, without which no node starts), so nothing outlives it
and several of them run side by side.
"""

import os
import subprocess
from pathlib import Path

from tests.interop.debian import HOME, Installed, find, quietly
from tests.interop.servers import free_port

from .process import PATIENCE, Service

ERLANG = "usr/lib/erlang/erts-*/bin"
PACKAGE = "rabbitmq-server"


def is_here() -> bool:
    """Whether RabbitMQ is installed, or was fetched before."""
    return any(
        next(root.glob("usr/lib/rabbitmq/lib/rabbitmq_server-*"), None) is not None
        for root in (Path("/"), HOME / PACKAGE)
    )


class RabbitMQ(Service):
    """A RabbitMQ node; its user is `guest` with the password `guest`."""

    ready = "completed with"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.settings: dict[str, str] = {}
        self.tls_port: int | None = None
        self._epmd_port = free_port()
        self._distribution_port = free_port()
        self._epmd: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        """An AMQP URL of the node's default virtual host, in oslo.messaging's form."""
        return f"rabbit://guest:guest@127.0.0.1:{self.port}/"

    def configure(self, **settings: str) -> None:
        """Changes settings of rabbitmq.conf (with `__` for each dot) as of the next start."""
        self.settings.update((name.replace("__", "."), value) for name, value in settings.items())

    def command(self) -> tuple[Installed, list[str]]:
        """Returns the Erlang machine and what makes it a node; writes its settings."""
        (self.folder / "plugins").write_text("[].\n")
        settings = {"listeners.tcp.default": f"127.0.0.1:{self.port}", **self.settings}
        lines = [f"{name} = {value}\n" for name, value in settings.items()]
        (self.folder / "rabbitmq.conf").write_text("".join(lines))
        arguments = ["-noinput", "-s", "rabbit", "boot", "-boot", "start_sasl"]
        # Without busy waiting: the tests share their cores with it.
        arguments += ["+W", "w", "+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none"]
        arguments += ["-syslog", "logger", "[]", "-syslog", "syslog_error_logger", "false"]
        arguments += ["-kernel", "prevent_overlapping_partitions", "false"]
        arguments += ["-kernel", "inet_dist_use_interface", "{127,0,0,1}"]
        return self._erlang("erlexec"), arguments

    def start(self) -> None:
        """Starts the node's own epmd if it isn't there, then the node."""
        if self._epmd is None:
            arguments = ["-port", str(self._epmd_port), "-address", "127.0.0.1"]
            self._epmd = self.spawn(self._erlang("epmd"), arguments)
        super().start()

    def close(self) -> None:
        """Stops the node, then its epmd."""
        try:
            super().close()
        finally:
            if self._epmd is not None:
                self._epmd.terminate()
                self._epmd.communicate(timeout=PATIENCE)
                self._epmd = None

    def control(self, *arguments: str) -> str:
        """Runs rabbitmqctl with some arguments and returns what it says; takes a second or two."""
        program = self._erlang("erlexec")
        escript = Path(program.environment["RABBITMQ_HOME"]) / "escript" / "rabbitmqctl"
        command = [program.path, "+B", "-boot", "start_clean", "-noinput", "-noshell", "-hidden"]
        command += ["-run", "escript", "start", "-escript", "main", "rabbitmqctl_escript"]
        done = quietly(
            [*command, "-extra", str(escript), "--quiet", *arguments],
            PATIENCE,
            user=self.user,
            env=program.environment,
            cwd=self.folder,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _erlang(self, program: str) -> Installed:
        """Finds a program of the Erlang machine that RabbitMQ came with, and its environment."""
        found = find(program, PACKAGE, ERLANG)
        binaries = Path(found.path).parent
        variables = self._variables(binaries, binaries.parents[3])
        texts = {name: str(value) for name, value in variables.items()}
        return Installed(found.path, {**os.environ, **found.environment, **texts})

    def _variables(self, binaries: Path, usr: Path) -> dict[str, object]:
        """Returns the environment of Erlang's programs and of the node.

        Args:
            binaries: the folder of the Erlang machine's programs.
            usr: the folder that Erlang and RabbitMQ lie in.
        """
        home = max(usr.glob("lib/rabbitmq/lib/rabbitmq_server-*"))
        folder = self.folder
        return {
            "HOME": folder,
            "ROOTDIR": usr / "lib" / "erlang",
            "BINDIR": binaries,
            "EMU": "beam",
            "PROGNAME": "erl",
            "LANG": "C.UTF-8",
            "ERL_LIBS": home / "plugins",
            "ERL_EPMD_PORT": self._epmd_port,
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_MAX_ETS_TABLES": 50000,
            # Memory is taken for each port that there may be.
            "ERL_MAX_PORTS": 4096,
            "SYS_PREFIX": "",
            "RABBITMQ_HOME": home,
            "RABBITMQ_NODENAME": "rabbit@localhost",
            "RABBITMQ_DIST_PORT": self._distribution_port,
            "RABBITMQ_BASE": folder,
            "RABBITMQ_MNESIA_BASE": folder / "mnesia",
            "RABBITMQ_LOG_BASE": folder / "log",
            "RABBITMQ_LOGS": folder / "rabbitmq.log",
            "RABBITMQ_ENABLED_PLUGINS_FILE": folder / "plugins",
            "RABBITMQ_PLUGINS_DIR": home / "plugins",
            "RABBITMQ_CONFIG_FILE": folder / "rabbitmq",
        }
