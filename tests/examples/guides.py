"""The diffs in the porting guides are those of the examples.

    python -m tests.examples.guides

writes them anew. In a page `<!-- diff: OLD NEW -->` stands before each; the files are named from
`examples/porting`. The modules' docstrings, which say which step they are, are left out.
"""

import ast
import difflib
import re
from pathlib import Path

from tests.house.house import ROOT

PORTING = ROOT / "examples" / "porting"
GUIDES = [ROOT / "docs" / "how-to" / f"move-off-{name}.md" for name in ("eventlet", "gevent")]
BLOCK = re.compile(r"<!-- diff: (\S+) (\S+) -->\n\n```diff\n.*?^```\n", re.MULTILINE | re.DOTALL)


def body(path: Path) -> list[str]:
    """Returns the lines of a module after its docstring."""
    text = path.read_text(encoding="utf-8")
    return text.splitlines()[ast.parse(text).body[0].end_lineno or 0 :]


def diff(old: str, new: str) -> str:
    """Returns what changes from one step to another, a line of context around it."""
    lines = difflib.unified_diff(body(PORTING / old), body(PORTING / new), n=1, lineterm="")
    return "\n".join("@@" if line.startswith("@@") else line for line in list(lines)[2:])


def remade(text: str) -> str:
    """Returns a page with its diffs made anew."""

    def make(block: re.Match[str]) -> str:
        old, new = block.groups()
        return f"<!-- diff: {old} {new} -->\n\n```diff\n{diff(old, new)}\n```\n"

    return BLOCK.sub(make, text)


if __name__ == "__main__":
    for guide in GUIDES:
        guide.write_text(remade(guide.read_text(encoding="utf-8")), encoding="utf-8")
