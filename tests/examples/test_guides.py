"""The porting guides show what the examples are."""

import pytest

from tests.examples.guides import BLOCK, GUIDES, PORTING, remade


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.stem)
def test_a_guide_shows_the_diffs_of_the_examples(guide):
    text = guide.read_text(encoding="utf-8")
    assert text == remade(text), "`python -m tests.examples.guides` writes the diffs anew"


def test_the_guides_show_every_step():
    shown = {name for guide in GUIDES for pair in BLOCK.findall(guide.read_text()) for name in pair}
    steps = {str(path.relative_to(PORTING)) for path in PORTING.rglob("step*.py")}
    assert shown == steps
