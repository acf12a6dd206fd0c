"""The captures of `capture.py`, as the tests read them."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CAPTURES = Path(__file__).with_name("captures")
RELEASES = sorted(folder.name for folder in CAPTURES.iterdir())
SCENARIOS = sorted({path.stem for path in CAPTURES.glob("*/*.json")})

Event = dict[str, Any]


def said(release: str, scenario: str, side: str, direction: str = "sent") -> list[list[Event]]:
    """Returns what one side has sent or received: a list for each of its connections."""
    text = (CAPTURES / release / f"{scenario}.json").read_text(encoding="utf-8")
    return [connection[direction] for connection in json.loads(text)[side]]


def published(release: str, scenario: str, side: str) -> Iterator[Event]:
    """Yields each message that one side has published; `body` is bytes."""
    for connection in said(release, scenario, side):
        for event in connection:
            if event["method"] == "Basic.Publish":
                text, data = event.get("body"), event.get("base64")
                body = base64.b64decode(data) if data is not None else text.encode()
                yield {**event, "body": body}
