"""The catalogue of the venue's book: what it reads, what it refuses, and that all of it is used."""

import re
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from floorplan import administration
from floorplan.administration import (
    ADMINISTRATION,
    BOOK,
    WORD_OF,
    administration_of,
    administration_table,
)
from floorplan.events import CATALOGUE, Event, EventUnreadable

ROOT = Path(__file__).resolve().parents[3]
# Types that stand in the catalogue and are not written yet. It may only get shorter.
UNWRITTEN: Final[frozenset[str]] = frozenset(ADMINISTRATION)


def line(type_: str, payload: Any) -> Event:
    text = payload if isinstance(payload, bytes) else msgspec.json.encode(payload)
    return Event(BOOK, 7, type_, "staff:1", "2026-11-21T23:00:00.000Z", "staff:2", "r", text)


def test_a_line_is_read_in_the_shape_of_its_type() -> None:
    changed = administration.StaffChanged(
        administration.Standing("DOOR_STAFF", door="main"), administration.Standing("MANAGER")
    )
    assert administration_of(line("STAFF_CHANGED", changed)) == changed


@pytest.mark.parametrize(
    ("type_", "payload"),
    [
        ("STAFF_PROMOTED", b"{}"),
        ("BOOKING_INITIATED", b"{}"),
        ("PIN_SET", b'{"pin": "1234"}'),
        ("PIN_SET", b"no json"),
        ("SIGNED_OUT", b"{}"),
    ],
)
def test_what_the_catalogue_does_not_know_is_not_read(type_: str, payload: bytes) -> None:
    with pytest.raises(EventUnreadable, match="venue:7"):
        administration_of(line(type_, payload))


def test_no_type_belongs_to_both_books() -> None:
    assert not ADMINISTRATION.keys() & CATALOGUE.keys()
    assert len(WORD_OF) == len(ADMINISTRATION)


def test_no_field_of_a_payload_is_made_for_a_persons_own_data() -> None:
    private = {"name", "phone", "email", "address", "username", "code", "token", "pin", "password"}
    for name, shape in ADMINISTRATION.items():
        fields = {field.encode_name for field in msgspec.structs.fields(shape)}
        assert not fields & private, name


def emitters() -> str:
    """The text of everything that may write a line of the venue's book."""
    return "".join(
        path.read_text("utf-8")
        for folder in ("app/actions", "app/db/migrations", "app")
        for path in sorted((ROOT / folder).glob("*"))
        if path.suffix in (".py", ".sql")
    )


def test_every_type_has_a_page_and_an_emitter() -> None:
    page = (ROOT / "docs" / "events.md").read_text("utf-8")
    assert administration_table() in page, (
        "docs/events.md: paste floorplan.administration.administration_table()"
    )
    sources = emitters()
    written = {
        name
        for name, shape in ADMINISTRATION.items()
        if re.search(rf"\b{shape.__name__}\(|'{name}'", sources)
    }
    assert ADMINISTRATION.keys() - written <= UNWRITTEN, "no emitter"
