"""`TwistedSuite`: Twisted's own tests, from its wheel, on its asyncio reactor and on ours.

Those of the reactors, of what runs on a reactor, and of Deferreds. Each file is a process of its
own, because a process has one reactor.
"""

from pathlib import Path

from .files_suite import FilesSuite

# What has to do with a reactor.
FILES = {
    "internet/test": ["*"],
    "protocols/test": ["tls"],
    "test": [
        *["adbapi", "amp", "application", "cooperator", "defer", "factories", "failure", "ftp"],
        *["ident", "internet", "iutils", "loopback", "memcache", "policies", "process"],
        *["protocols", "sni", "socks", "ssl", "sslverify", "stdio", "task", "tcp", "tcp_internals"],
        *["threadpool", "threads", "twistd", "udp", "unix"],
    ],
    "web/test": [
        *["agent", "client", "distrib", "http", "http2", "newclient", "proxy", "web", "webclient"],
        *["websocket", "wsgi", "xmlrpc"],
    ],
}
# Of those, what is about other reactors, or other systems.
LEFT_OUT = {
    f"twisted.internet.test.test_{name}"
    for name in (
        "cfreactor",
        "gireactor",
        "glibbase",
        "iocp",
        "kqueuereactor",
        "win32events",
        "win32serialport",
    )
}
EXPECTED: dict[str, str] = {}


class TwistedSuite(FilesSuite):
    """Twisted's tests."""

    program = Path(__file__).parent / "twisted_tests.py"
    variable = "REACTOR"

    def files(self) -> list[str]:
        """Lists Twisted's files of tests."""
        patterns = [
            f"twisted/{folder}/test_{name}.py" for folder, names in FILES.items() for name in names
        ]
        return [name for name in self.find(*patterns) if name not in LEFT_OUT]
