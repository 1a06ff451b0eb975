"""The catalogue of the venue's book: what it reads, what it refuses, and that all of it is used."""

import ast
from pathlib import Path
from typing import Any

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


def written_by(source: str) -> set[str]:
    """The names of the catalogue's payloads that a module makes, by whatever name it has them."""
    tree = ast.parse(source)
    names: dict[str, str] = {}
    modules: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "floorplan.administration":
            names |= {each.asname or each.name: each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "floorplan":
            modules |= {e.asname or e.name for e in node.names if e.name == "administration"}
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    plain = {names[f.id] for f in calls if isinstance(f, ast.Name) and f.id in names}
    dotted = {
        f.attr
        for f in calls
        if isinstance(f, ast.Attribute) and isinstance(f.value, ast.Name) and f.value.id in modules
    }
    return plain | dotted


def test_a_writer_is_told_from_a_namesake() -> None:
    assert written_by(
        "from floorplan import administration as book\n"
        "from floorplan.administration import PinSet as Pin, SignedOut\n"
        "from app.actions.sign_in import SignedIn\n"
        "book.LinkMade(1)\nPin()\nSignedIn()\nSignedOut\nother.PinSet()\n"
    ) == {"LinkMade", "PinSet"}


def test_every_type_has_a_page_and_an_emitter() -> None:
    page = (ROOT / "docs" / "events.md").read_text("utf-8")
    assert administration_table() in page, (
        "docs/events.md: paste floorplan.administration.administration_table()"
    )
    sources = [
        path.read_text("utf-8")
        for folder in ("app/actions", "app")
        for path in sorted((ROOT / folder).glob("*.py"))
    ]
    written = set().union(*(written_by(source) for source in sources))
    unwritten = {n for n, shape in ADMINISTRATION.items() if shape.__name__ not in written}
    assert unwritten == set(), "no emitter"
