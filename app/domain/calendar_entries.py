"""What a booking says in a calendar: to its guest, and to the staff who expect the party."""

from typing import Final

from msgspec import Struct

from app.domain import letters
from app.domain.calendar import Entry
from app.domain.names import plain
from app.domain.references import show_reference
from floorplan.nights import parse_instant
from floorplan.venue import Venue

STANDS: Final = frozenset({"confirmed", "seated", "completed"})


class Booked(Struct, frozen=True):
    """A booking that was confirmed; instants are texts of the one form."""

    id: str
    reference: str
    status: str
    party: int
    tables: list[int]
    slot_from: str
    slot_until: str
    last_entry_at: str
    created_at: str


def sequence_of(edition: int, status: str) -> int:
    """The number of a booking's entry in feeds: up with each change of it, and with its end.

    Each change raises the edition, coming back after an end too, so two for each leave room for
    the end in between. It is never below the number in a message, of which a change sends one.
    """
    return 2 * edition + (status not in STANDS)


def guest_entry(venue: Venue, booked: Booked, sequence: int) -> Entry:
    """The entry in the calendar of whoever booked."""
    tables = ", ".join(table_names(venue, booked.tables))
    last_entry = letters.clock(parse_instant(booked.last_entry_at), venue.zone)
    return _entry(
        venue, booked, sequence, f"{venue.name}: table for {booked.party}",
        f"Reference {show_reference(booked.reference)}\nTable {tables}\nLast entry {last_entry}",
    )  # fmt: skip


def staff_entry(venue: Venue, booked: Booked, sequence: int, name: str) -> Entry:
    """The entry in a night's calendar; `name` is as the door sees it, "" where there is none."""
    tables = " + ".join(str(number) for number in booked.tables)
    words = [plain(name)[: letters.NAME_AT_MOST] or "No name", letters.people(booked.party)]
    if tables:
        words.append(f"table {tables}")
    return _entry(
        venue, booked, sequence, ", ".join(words), booked.status.replace("_", " ").capitalize()
    )


def table_names(venue: Venue, numbers: list[int]) -> list[str]:
    """Each table by its number and name."""
    names: dict[int, str] = {table.number: table.name for table in venue.tables}
    return [f"{number} {names.get(number, '')}".strip() for number in numbers]


def _entry(venue: Venue, booked: Booked, sequence: int, summary: str, description: str) -> Entry:
    return Entry(
        booking_id=booked.id,
        summary=summary,
        description=description,
        location=venue.name,
        begins_at=parse_instant(booked.slot_from),
        ends_at=parse_instant(booked.slot_until),
        sequence=sequence,
        cancelled=booked.status not in STANDS,
        made_at=parse_instant(booked.created_at),
    )
