"""The real oslo.messaging: a virtual environment for each release, and a process that obeys.

The environments lie in `.tools/`, made by uv at first use. A release stands for its time: the
current one, and the one that was current two years before.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.interop.debian import ROOT

PEER = Path(__file__).with_name("oslo_peer.py")
# 14.9.0 is of August 2024; its setuptools must still have pkg_resources.
RELEASES = {
    "current": ["oslo.messaging>=18.2"],
    "2024": ["oslo.messaging==14.9.0", "setuptools<80"],
}
PATIENCE = 300


class OsloError(Exception):
    """What the real library raised in its process.

    Args:
        about: the type's name, module, text and arguments.
    """

    def __init__(self, about: dict[str, Any]) -> None:
        super().__init__(f"{about['type']}: {about['text']}")
        self.type: str = about["type"]
        self.module: str = about["module"]
        self.text: str = about["text"]
        self.exc_type: str | None = about["exc_type"]


def python_of(release: str) -> Path:
    """Returns the interpreter that has a release, after it was installed if need be."""
    folder = ROOT / ".tools" / f"oslo-{release}"
    python = folder / "bin" / "python"
    done = folder / ".made"
    if not done.exists():
        uv = str(ROOT / ".tools" / "uv" / "bin" / "uv")
        print(f"installing oslo.messaging ({release}) into {folder.relative_to(ROOT)}")
        _run(uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder))
        _run(uv, "pip", "install", "--quiet", "--python", str(python), *RELEASES[release])
        done.touch()
    return python


def _run(*command: str) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=PATIENCE, check=False, cwd=ROOT
    )
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}{done.stderr}"


class Oslo:
    """A process with the real oslo.messaging.

    Args:
        release: a key of `RELEASES`.
        url: the transport URL.
        log: where its warnings go.
        options: what `Peer.open` takes besides.
    """

    def __init__(self, release: str, url: str, log: Path, **options: Any) -> None:
        with log.open("a") as errors:
            self.process = subprocess.Popen(
                [str(python_of(release)), "-u", str(PEER)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**os.environ, "PYTHONPATH": "", "PYTHONWARNINGS": "ignore"},
                start_new_session=True,
            )
        self.order("open", url=url, **options)

    @classmethod
    @contextmanager
    def running(cls, release: str, url: str, log: Path, **options: Any) -> Iterator["Oslo"]:
        """Starts one; it has closed its transports and ended when the block has."""
        peer = cls(release, url, log, **options)
        try:
            yield peer
            peer.order("close")
        finally:
            peer.kill()

    def order(self, what: str, **arguments: Any) -> Any:
        """Has something done, and returns what came of it.

        Raises:
            OsloError: the library raised.
        """
        self.send(what, **arguments)
        return self.answer()

    def send(self, what: str, **arguments: Any) -> None:
        """Gives an order without waiting for its answer."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": what, **arguments}) + "\n")
        self.process.stdin.flush()

    def answer(self) -> Any:
        """Waits for the answer of the oldest order that has none."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the process with oslo.messaging has ended"
        answer = json.loads(line)
        if "error" in answer:
            raise OsloError(answer["error"])
        return answer["result"]

    def kill(self) -> None:
        """Ends the process, whatever state it is in."""
        self.process.kill()
        self.process.communicate()
