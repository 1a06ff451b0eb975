"""`docs/protocol.md` lists every field that an audience sees, and no field that it does not."""

import re
from pathlib import Path

import pytest

from floorplan.state import AUDIENCES
from tests.cases.make_cases import Story
from tests.cases.play import Play

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "protocol.md").read_text("utf-8")
SECTION_OF = {"`night`": "night", "`tables`": "tables", "`bookings`": "bookings"}


def documented(audience: str) -> set[tuple[str, str]]:
    """(section, field) of the table's rows that say yes for the audience."""
    found: set[tuple[str, str]] = set()
    section = ""
    table = PAGE[PAGE.index("| section, key |") :].split("\n\n")[0]
    for row in table.splitlines()[2:]:
        key, fields, *seen = [cell.strip() for cell in row.strip("|").split("|")]
        section = key.split(",")[0].strip("`") if key else section
        if seen[AUDIENCES.index(audience)] == "yes":
            plain = re.sub(r"\([^)]*\)|\{[^}]*\}|: `\[.*?\]`", "", fields)
            found |= {(section, name) for name in re.findall(r"`(\w+)`", plain)}
    return found


def seen(audience: str) -> set[tuple[str, str]]:
    """(section, field) of every document of a busy night."""
    play = Play(5)
    play.run(150)
    story = Story(play)
    found: set[tuple[str, str]] = set()
    for version in range(0, 150, 10):
        document = story.room(version).document(audience)
        for section, entries in document.items():
            rows = entries.values() if section in ("tables", "bookings", "waitlist") else [entries]
            found |= {(section, field) for row in rows for field in row}
    return found


@pytest.mark.parametrize("audience", AUDIENCES)
def test_the_page_lists_what_the_audience_sees(audience: str) -> None:
    assert documented(audience) == seen(audience)


def test_the_public_sees_nobody() -> None:
    assert not {
        field for section, field in seen("public") if section in ("bookings", "counts", "waitlist")
    }
