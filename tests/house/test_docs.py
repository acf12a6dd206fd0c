"""The programs in the documentation are programs: each compiles, and whole ones run."""

import ast
import re
import subprocess
import sys

import pytest

from tests.house.house import ROOT

DOCS = ROOT / "docs"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
PATIENCE = 60


def blocks():
    """Returns each block of Python in the documentation, and where it stands."""
    pages = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
    return [
        pytest.param(text, id=f"{page.relative_to(ROOT)}-{number}")
        for page in pages
        for number, text in enumerate(BLOCK.findall(page.read_text(encoding="utf-8")), 1)
    ]


def first_block(page):
    return BLOCK.findall((DOCS / page).read_text(encoding="utf-8"))[0]


def run(program, folder):
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("text", blocks())
def test_every_block_of_python_compiles(text):
    # A block may be the inside of a coroutine.
    compile(text, "block", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)


def test_the_first_page_shows_the_order_that_it_promises(tmp_path):
    expected = "runs first\nruns when nothing else can\n"
    assert run(first_block("index.md"), tmp_path) == (0, expected, "")


def test_the_first_call_of_the_tutorial_returns_what_the_page_says(tmp_path):
    assert run(first_block("tutorial/messaging.md"), tmp_path) == (0, "3\n", "")


def test_the_idle_sum_of_the_tutorial_is_what_the_page_says(tmp_path):
    assert run(first_block("tutorial/idle-work.md"), tmp_path) == (0, "499999500000\n", "")
    assert "`499999500000`" in (DOCS / "tutorial" / "idle-work.md").read_text(encoding="utf-8")


def test_the_program_whose_modules_are_patched_has_an_answer(tmp_path):
    program = first_block("how-to/patch-a-programs-modules.md")
    assert run(program, tmp_path) == (0, "you said hello\n", "")


def test_the_function_that_cannot_be_preempted_is_named(tmp_path):
    page = "explanation/what-cannot-be-preempted.md"
    code, output, errors = run(first_block(page), tmp_path)
    assert (code, output.split()[:2], errors) == (0, ["rank", "at"], "")


def test_the_tests_that_the_documentation_recommends_pass(tmp_path):
    whole, stepwise = BLOCK.findall(
        (DOCS / "how-to" / "test-with-priorities.md").read_text(encoding="utf-8")
    )
    call = "test_a_health_check_overtakes_the_requests()\n"
    assert run(whole + call, tmp_path) == (0, "", "")
    head = "import mainspring\nfrom mainspring import Priority\nseen = []\n"
    assert run(head + stepwise, tmp_path) == (0, "", "")
