"""One id means one decision, and what the code and the docs point to is there."""

import re
from collections import Counter
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
DECISIONS: Final = (ROOT / "docs" / "decisions.md").read_text("utf-8")
POINTER: Final = re.compile(
    r"(?:\(decision |\[decision |decisions(?:\.md|\]\(decisions\.md\)), )([A-Z]\d+)"
)
PLACES: Final = ("app", "docs", "floorplan", "load", "scanners", "static/js", "tests")
SUFFIXES: Final = {".py", ".sql", ".md", ".js", ".lua"}


def test_an_id_is_of_one_decision_and_each_that_is_named_is_there() -> None:
    made = Counter(re.findall(r"^\*\*([A-Z]\d+)\.", DECISIONS, re.MULTILINE))
    assert [name for name, times in made.items() if times > 1] == []
    named = {
        name
        for place in PLACES
        for file in (ROOT / place).rglob("*")
        if file.suffix in SUFFIXES
        for name in POINTER.findall(file.read_text("utf-8"))
    }
    assert "L10" in named
    assert named <= made.keys()
