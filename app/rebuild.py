"""`backroom verify --rebuild`: the projections, made again from the events, are the rows.

Meaning has one place, the fold. This adds what the fold forgets because the floor has no use for
it: how bookings ended, and what happened to them afterwards.
"""

import asyncio
from typing import Any, Final

import asyncpg
import msgspec
from msgspec import Struct
from msgspec.structs import replace

from app.db.book import is_nights, list_events, list_heads
from app.db.projections import (
    LOCK_PROJECTIONS,
    PROJECTIONS,
    SOURCES,
    read_projections,
    write_projections,
)
from app.settings import Settings
from app.verify import differences
from floorplan.events import Event
from floorplan.fold import apply
from floorplan.state import BookingState, NightState, WaitingState, empty_state

# What a booking is after the event that took it off the floor.
ENDS: Final = {
    "HOLD_RELEASED": "released",
    "HOLD_EXPIRED": "expired",
    "BOOKING_CANCELLED": "cancelled",
    "NO_SHOW_MARKED": "no_show",
    "BOOKING_COMPLETED": "completed",
    "NIGHT_SEALED": "completed",
    "BOOKINGS_MERGED": "merged",
}
VOIDS: Final = ("cancelled", "no_show", "merged")  # the ends after which a code opens no door
AFTERWARDS: Final = ("admitted", "left", "paid_pence")  # what may change when a booking is over


# Why a party waits no more, where the event that ended it is not its own.
WAITS_NO_MORE: Final = {"NIGHT_SEALED": "night_over", "BOOKING_CONFIRMED": "accepted"}


class Beside(Struct):
    """What the rows have of a booking and the floor's state does not."""

    extended: bool = False
    generation: int = 1
    scans_of: list[str] = []  # the bookings whose scans its ticket counts


class Place(Struct):
    """A party's place on the waitlist, also when it is over."""

    entry: WaitingState
    own: int  # the priority it joined with
    ended_why: str | None = None


class Replay:
    """One night's projections, as its events make them."""

    def __init__(self, night: str) -> None:
        self.state: NightState = empty_state(night)
        self.ended: dict[str, BookingState] = {}
        self.beside: dict[str, Beside] = {}
        self.places: dict[str, Place] = {}
        self.strange: list[str] = []

    def step(self, event: Event) -> None:
        """The next line of the book."""
        before = self.state
        self.state = apply(before, event).state
        told = msgspec.json.decode(event.payload)
        if self.state.waitlist is not before.waitlist:
            self._wait(before.waitlist, event, told)
        for booking_id in before.bookings.keys() - self.state.bookings.keys():
            self._end(before.bookings[booking_id], event)
        for booking_id in self.state.bookings.keys() - before.bookings.keys():
            self.ended.pop(booking_id, None)
            self.beside.setdefault(booking_id, Beside(scans_of=[booking_id]))
        if self.state.bookings is before.bookings and not self.ended:
            return
        self._note(event.type, told)

    def _wait(self, before: dict[str, WaitingState], event: Event, told: dict[str, Any]) -> None:
        for entry_id, entry in self.state.waitlist.items():
            self.places.setdefault(entry_id, Place(entry, entry.priority)).entry = entry
        for entry_id in before.keys() - self.state.waitlist.keys():
            place = self.places[entry_id]
            if event.type == "WAITLIST_LEFT":
                place.ended_why = told["why"]
            else:
                place.ended_why = WAITS_NO_MORE.get(event.type, "unanswered")
            if place.ended_why == "unanswered":
                place.entry = replace(place.entry, booking_id=None, offers_left=0)

    def _end(self, booking: BookingState, event: Event) -> None:
        status = ENDS.get(event.type)
        if event.type == "BOOKING_RESCHEDULED":
            return  # it is of another night now, whose book has it
        if status is None:
            self.strange.append(f"line {event.version} ({event.type}) ends a booking")
            return
        ended = replace(booking, status=status, hold_expires_at=None)
        if status == "merged":
            ended = replace(ended, admitted=0, left=0, edition=booking.edition + 1)
        self.ended[booking.id] = ended

    def _note(self, kind: str, told: dict[str, Any]) -> None:
        booking_id = told.get("booking_id")
        over = self.ended.get(booking_id or "")
        if over is not None and kind not in ENDS:
            later = {name: told[name] for name in AFTERWARDS if name in told}
            self.ended[over.id] = replace(over, **later)
        carried = told.get("booking") or {}
        beside = self.beside.get(booking_id or "")
        if beside is None:
            return
        if kind == "HOLD_EXTENDED":
            beside.extended = True
        elif kind == "BOOKING_SPLIT":
            self.beside[told["other_id"]].generation = told["generation"]
        elif kind == "BOOKINGS_MERGED":
            other = self.beside[told["other_id"]]
            beside.scans_of, other.scans_of = [*beside.scans_of, *other.scans_of], []
        elif kind == "BOOKING_CONFIRMED":
            beside.generation = told.get("generation", 1)
        elif carried:
            beside.extended = carried.get("extended", False)
            beside.generation = carried.get("generation", 1)
        elif "generation" in told:
            beside.generation = told["generation"]

    def rows(self) -> dict[str, Any]:
        """The document of `read_projections`."""
        bookings = {**self.ended, **self.state.bookings}
        return {
            "bookings": {i: self._row(booking) for i, booking in bookings.items()},
            "inside": dict(self.state.inside),
            "waitlist": {i: self._place(place) for i, place in self.places.items()},
        }

    def _place(self, place: Place) -> dict[str, Any]:
        entry = place.entry
        if place.ended_why is not None:
            status = "accepted" if place.ended_why == "accepted" else "left"
        else:
            status = "waitlisted" if entry.booking_id is None else "offered"
        return {
            "status": status,
            "party": entry.party,
            "slot_from": entry.slot_from,
            "slot_until": entry.slot_until,
            "priority": place.own,
            "ranked": entry.priority,
            "offers_left": entry.offers_left,
            "booking_id": entry.booking_id,
            "ended_why": place.ended_why,
        }

    def _row(self, b: BookingState) -> dict[str, Any]:
        live = b.id in self.state.bookings
        beside = self.beside.get(b.id, Beside())
        ticket = None
        if b.ticket_id is not None:
            ticket = {
                "id": b.ticket_id,
                "generation": beside.generation,
                "status": "revoked" if b.status in VOIDS else "valid",
                "party": b.party,
                "admitted": b.admitted,
                "gone": b.left,
            }
        return {
            "status": b.status,
            "party": b.party,
            "slot_from": b.slot_from,
            "slot_until": b.slot_until,
            "source": b.source,
            "deposit_pence": b.deposit_pence,
            "paid_pence": b.paid_pence,
            "hold_expires_at": b.hold_expires_at,
            "extended": beside.extended,
            "edition": b.edition,
            "overdue": b.overdue,
            "claims": {str(number): [live, b.slot_from, b.slot_until] for number in b.tables},
            "ticket": ticket,
        }


async def replay(conn: asyncpg.Connection, night: str) -> Replay:
    """The night's projections from its whole book."""
    made = Replay(night)
    while events := await list_events(conn, night, made.state.version):
        for event in events:
            made.step(event)
    return made


async def rebuild(conn: asyncpg.Connection, night: str, *, write: bool = False) -> list[str]:
    """Where the rows are not what the events make; with `write` they are from now on.

    Without it nothing is locked and nothing written, so a running service is not disturbed.
    """
    if not write:
        async with conn.transaction(isolation="repeatable_read", readonly=True):
            made, rows = await replay(conn, night), await read_projections(conn, night)
    else:
        async with conn.transaction():
            await conn.execute(LOCK_PROJECTIONS)
            made, rows = await replay(conn, night), await read_projections(conn, night)
            scans_of = {i: beside.scans_of for i, beside in made.beside.items()}
            await write_projections(conn, night, made.rows(), scans_of)
    return made.strange + list(differences(rows, made.rows()))


def main(settings: Settings, nights: list[str], *, write: bool) -> int:
    """Print what each night's replay gives; 0 when all rows are what the events make."""
    return asyncio.run(_main(settings, nights, write=write))


async def _main(settings: Settings, nights: list[str], *, write: bool) -> int:
    print(f"rebuilt from the events: {', '.join(PROJECTIONS)}; untouched: {', '.join(SOURCES)}")
    conn = await asyncpg.connect(settings.owner_database_url)
    wrong = 0
    try:
        for night in nights or sorted(filter(is_nights, await list_heads(conn))):
            found = await rebuild(conn, night, write=write)
            for place in found:
                print(f"{night}: rows and events differ{', mended' if write else ''}: {place}")
            if not found:
                print(f"{night}: the events give the same rows")
            wrong += len(found)
    finally:
        await conn.close()
    return 1 if wrong and not write else 0
