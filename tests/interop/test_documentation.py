"""Each line of "Run other libraries on Mainspring" does what the page says.

What a line needs around it (imports, `main`, `app`) stands here; each names the running loop.
"""

import re
from pathlib import Path
from typing import Any

import pytest

from .programs import ROOT

PAGE = ROOT / "docs" / "how-to" / "run-other-libraries.md"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks() -> dict[str, str]:
    """Returns the block of Python under each heading; what stands before the first is asyncio's."""
    sections = PAGE.read_text(encoding="utf-8").split("\n## ")
    names = ["asyncio", *[section.split()[0] for section in sections[1:]]]
    return {
        name: found[1]
        for name, section in zip(names, sections, strict=True)
        if (found := BLOCK.search(section))
    }


BLOCKS = blocks()
HEAD = """
import asyncio
import mainspring

def tell():
    print("runs on", type(asyncio.get_running_loop()).__module__, flush=True)

async def main():
    tell()

"""
AROUND = {
    "asyncio": ("", ""),
    "anyio": ("import anyio", ""),
    "Tornado": ("import tornado.ioloop", "tornado.ioloop.IOLoop.current().close()"),
    "Trio": ("import trio", ""),
    "aiohttp": (
        """
import aiohttp.web

async def started(app):
    tell()
    raise aiohttp.web.GracefulExit

app = aiohttp.web.Application()
app.on_startup.append(started)
""",
        "",
    ),
    "hypercorn": (
        """
import hypercorn.asyncio, hypercorn.config

async def app(scope, receive, send):
    await receive()
    tell()
    raise SystemExit

config = hypercorn.config.Config()
config.bind = ["127.0.0.1:0"]
""",
        "",
    ),
    "Twisted": (
        "import twisted.internet.asyncioreactor",
        """
from twisted.internet import reactor

reactor.callLater(0, tell)
reactor.callLater(0, reactor.stop)
reactor.run()
""",
    ),
}


@pytest.fixture(autouse=True)
def loop_spec() -> str:
    """The page is about one loop only."""
    return "mainspring:new_event_loop"


@pytest.mark.parametrize("name", AROUND)
def test_the_line_for_a_library_puts_it_on_the_loop(start: Any, tmp_path: Path, name: str) -> None:
    before, after = AROUND[name]
    path = tmp_path / "program.py"
    path.write_text("\n".join([HEAD, before, BLOCKS[name], after]))
    start(path).until("^runs on mainspring")


def test_the_line_for_pytest_asyncio_puts_tests_on_the_loop(start: Any, tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("import mainspring\n\n" + BLOCKS["pytest-asyncio"])
    test = "import asyncio\n\nasync def test_it():\n    print(type(asyncio.get_running_loop()))\n"
    (tmp_path / "test_it.py").write_text(test)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    program = start("-m", "pytest", "-p", "no:anyio", "--asyncio-mode=auto", "-s", tmp_path)
    program.until("<class 'mainspring")


def test_hypercorns_command_runs_on_the_loop(start: Any) -> None:
    command = ["-m", "mainspring", "run", "-m", "hypercorn", "--workers", "0"]
    command += ["--bind", "127.0.0.1:0"]
    start(*command, "tests.interop.asgi_app:loop_teller").until("runs on mainspring")


def test_every_line_of_the_page_is_tested() -> None:
    assert set(BLOCKS) == {*AROUND, "pytest-asyncio"}
