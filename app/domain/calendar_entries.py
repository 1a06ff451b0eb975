"""What a booking says in a calendar: to its guest, and to the staff who expect the party."""

from datetime import date
from typing import Final, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from app.domain import letters
from app.domain.calendar import Entry
from app.domain.names import plain
from app.domain.references import show_reference
from floorplan.events import BookingRescheduled
from floorplan.nights import parse_instant
from floorplan.venue import Venue

STANDS: Final = frozenset({"confirmed", "seated", "completed"})


class Booked(Struct, frozen=True):
    """A booking that was confirmed; instants are texts of the one form.

    In the calendar of a night that it left its status is `rescheduled`, and it is as it was there.
    """

    id: str
    reference: str
    status: str
    party: int
    tables: list[int]
    slot_from: str
    slot_until: str
    last_entry_at: str
    created_at: str
    went_to: str | None = None  # the other night


B = TypeVar("B", bound=Booked)


def sequence_of(edition: int, status: str) -> int:
    """The number of a booking's entry in calendars: up with each change of it, and with its end.

    Each change raises the edition, coming back after an end too, so two for each leave room for
    the end in between.
    """
    return 2 * edition + (status not in STANDS)


def as_it_left(booked: B, line: BookingRescheduled) -> B:
    """The booking as it was on the night that it left by this line of the night's book.

    What becomes of it elsewhere raises no number here; when it comes back, it does by a change.
    Raises ValueError: the line was made by hand, and names no day or no instant.
    """
    slot = (line.slot_from_before or booked.slot_from, line.slot_until_before or booked.slot_until)
    for instant in slot:
        parse_instant(instant)
    went_to = date.fromisoformat(line.night).isoformat()
    return replace(
        booked, status="rescheduled", edition=line.edition, tables=line.tables_before,
        slot_from=slot[0], slot_until=slot[1], went_to=went_to,
    )  # fmt: skip


def guest_entry(venue: Venue, booked: Booked, sequence: int) -> Entry:
    """The entry in the calendar of whoever booked."""
    tables = ", ".join(table_names(venue, booked.tables))
    last_entry = letters.clock(parse_instant(booked.last_entry_at), venue.zone)
    return _entry(
        venue, booked, sequence, f"{venue.name}: table for {booked.party}",
        f"Reference {show_reference(booked.reference)}\nTable {tables}\nLast entry {last_entry}",
        over="Cancelled",
    )  # fmt: skip


def staff_entry(venue: Venue, booked: Booked, sequence: int, name: str) -> Entry:
    """The entry in a night's calendar; `name` is as the door sees it, "" where there is none."""
    tables = " + ".join(str(number) for number in booked.tables)
    words = [plain(name)[: letters.NAME_AT_MOST] or "No name", letters.people(booked.party)]
    if tables:
        words.append(f"table {tables}")
    how = booked.status.replace("_", " ").capitalize()
    where_to = ""
    if booked.went_to is not None:
        day = date.fromisoformat(booked.went_to)
        where_to = f" to {day:%A} {day.day} {day:%B %Y}"
    return _entry(venue, booked, sequence, ", ".join(words), how + where_to, over=how)


def table_names(venue: Venue, numbers: list[int]) -> list[str]:
    """Each table by its number and name."""
    names: dict[int, str] = {table.number: table.name for table in venue.tables}
    return [f"{number} {names.get(number, '')}".strip() for number in numbers]


def _entry(
    venue: Venue, booked: Booked, sequence: int, summary: str, description: str, *, over: str
) -> Entry:
    return Entry(
        booking_id=booked.id,
        # In words too: there are calendars that show an entry as ever, whatever its STATUS says.
        summary=summary if booked.status in STANDS else f"{over}: {summary}",
        description=description,
        location=venue.name,
        begins_at=parse_instant(booked.slot_from),
        ends_at=parse_instant(booked.slot_until),
        sequence=sequence,
        cancelled=booked.status not in STANDS,
        made_at=parse_instant(booked.created_at),
    )
