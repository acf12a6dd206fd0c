"""The steps of the port, each as a process."""

import http.client
import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.examples.backend import PATIENCE
from tests.house.house import ROOT

PORTING = ROOT / "examples" / "porting"
OUR_HUB = {"EVENTLET_HUB": "mainspring.compat.eventlet:Hub"}
OUR_LOOP = {"GEVENT_LOOP": "mainspring.compat.gevent.Loop"}
# What isn't closed is to show; what eventlet and gevent warn of besides is theirs.
LENIENT = ("-W", "ignore", "-W", "always::ResourceWarning")
STRICT = ("-X", "dev", "-W", "error")
ON_ASYNCIO = """
import asyncio, sys
import step5_asyncio
asyncio.run(step5_asyncio.main(int(sys.argv[1]), int(sys.argv[2])))
"""


@dataclass
class Step:
    """A program of the examples, and how it is started."""

    file: str
    needs: str
    options: tuple[str, ...] = STRICT
    environment: dict[str, str] = field(default_factory=dict)
    program: str | None = None

    def skip_if_missing(self) -> None:
        """Leaves the test out where the library that the step needs isn't installed."""
        if importlib.util.find_spec(self.needs) is None:
            pytest.skip(f"{self.file} needs {self.needs}, which isn't installed")

    def start(self, *arguments: str, program: str | None = None) -> subprocess.Popen[str]:
        """Starts the step, or a program that may import it."""
        program = program or self.program
        path = PORTING / self.file
        command = [str(path)] if program is None else ["-c", program]
        return subprocess.Popen(
            [sys.executable, *self.options, *command, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join([str(path.parent), *sys.path]),
                **self.environment,
            },
        )


STEPS = {
    "eventlet-0": Step("eventlet/step0_before.py", "eventlet", LENIENT),
    "eventlet-1": Step("eventlet/step0_before.py", "eventlet", LENIENT, OUR_HUB),
    "eventlet-2": Step("eventlet/step2_coroutine.py", "eventlet", LENIENT),
    "gevent-0": Step("gevent/step0_before.py", "gevent", LENIENT),
    "gevent-1": Step("gevent/step0_before.py", "gevent", LENIENT, OUR_LOOP),
    "gevent-2": Step("gevent/step2_coroutine.py", "gevent", LENIENT),
    "3": Step("step3_green_threads.py", "httptools"),
    "4": Step("step4_coroutines.py", "httptools"),
    "5": Step("step5_asyncio.py", "aiohttp"),
    "5-asyncio": Step("step5_asyncio.py", "aiohttp", program=ON_ASYNCIO),
}


class Service:
    """A step that runs, and its clients."""

    def __init__(self, step: Step, backend_port: int) -> None:
        self.process = step.start("0", str(backend_port))
        line = self.process.stdout.readline()
        if not line.startswith("listening on "):
            self.process.kill()
            raise AssertionError(self.process.communicate()[1])
        self.port = int(line.removeprefix("listening on "))

    def get(self, path: str) -> tuple[int, Any]:
        """Returns the status and the answer of a request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request("GET", path, headers={"Connection": "close"})
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def end(self, signum: int) -> tuple[int, str, str]:
        """Sends a signal; returns the exit code, and what was printed."""
        self.process.send_signal(signum)
        return self.finish()

    def finish(self) -> tuple[int, str, str]:
        """Waits for the end; returns the exit code, and what was printed."""
        try:
            output, errors = self.process.communicate(timeout=PATIENCE)
        finally:
            self.process.kill()
        return self.process.returncode, output, errors
