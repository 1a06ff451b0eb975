"""A night played at random, as events: what the fold, the frames and the reducers are tested with.

`Play` knows the rules only as far as needed to make sense; a share of its lines is nonsense on
purpose, because the book may hold such lines too.
"""

import random
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec

from floorplan import events as book
from floorplan.events import TYPE_OF, Event, Limits, NightTable, Payload
from floorplan.fold import apply
from floorplan.nights import instant_text
from floorplan.state import BookingState, NightState, WaitingState, empty_state

NIGHT = "2026-11-21"
DOORS = datetime(2026, 11, 21, 22, tzinfo=UTC)
CLOSES = DOORS + timedelta(hours=7)


def opened(name: str = "Gatsby Saturday", night: str = NIGHT) -> book.NightOpened:
    """The first line of a night with the sixteen tables."""
    doors = datetime.fromisoformat(night).replace(hour=22, tzinfo=UTC)
    return book.NightOpened(
        name=name,
        doors_at=instant_text(doors),
        last_entry_at=instant_text(doors + timedelta(hours=5)),
        closes_at=instant_text(doors + timedelta(hours=7)),
        limits=Limits(floors={"upstairs": 200, "downstairs": 150}, house=320),
        tables=[
            NightTable(
                number=number,
                floor="upstairs" if number <= 8 else "downstairs",
                capacity_min=2,
                capacity_max=6,
                capacity_optimal=4,
                deposit_pence=5000,
                minimum_spend_pence=20000,
            )
            for number in range(1, 17)
        ],
    )


class Play:
    """A book that grows: `step` appends one random line and folds it."""

    def __init__(self, seed: int, *, nonsense: float = 0.05, night: str = NIGHT) -> None:
        self.random = random.Random(seed)
        self.nonsense = nonsense
        self.state: NightState = empty_state(night)
        self.events: list[Event] = []
        self._now = datetime.fromisoformat(night).replace(hour=18, tzinfo=UTC)

    def add(self, payload: Payload, subject: str = "") -> Event:
        """Append the payload as the next line."""
        return self.add_raw(TYPE_OF[type(payload)], msgspec.json.encode(payload), subject)

    def add_raw(self, type_: str, payload: bytes, subject: str = "") -> Event:
        self._now += timedelta(seconds=self.random.randint(0, 240))
        event = Event(
            book=self.state.night,
            version=self.state.version + 1,
            type=type_,
            subject=subject,
            at=instant_text(self._now),
            actor="staff:test",
            correlation_id=self.id(),
            payload=payload,
        )
        self.events.append(event)
        self.state = apply(self.state, event).state
        return event

    def run(self, steps: int) -> list[Event]:
        """So many more lines; the night is opened first."""
        before = len(self.events)
        if self.state.info is None:
            self.add(opened(night=self.state.night))
        while len(self.events) - before < steps:
            self.step()
        return self.events[before:]

    def step(self) -> Event:
        if self.random.random() < self.nonsense:
            return self._nonsense()
        moves: list[Callable[[], Payload | None]] = [
            self._initiate, self._select, self._select, self._confirm, self._confirm, self._extend,
            self._end_hold, self._cancel, self._pay, self._arrive, self._arrive, self._leave,
            self._seat, self._seat, self._vacate, self._complete, self._reset, self._block,
            self._unblock, self._move, self._click, self._refuse, self._edit, self._no_show,
            self._override, self._undo,
            self._join, self._offer, self._offer, self._rank, self._give_up,
        ]  # fmt: skip
        while True:
            payload = self.random.choice(moves)()
            if payload is not None:
                return self.add(payload, getattr(payload, "booking_id", None) or "")

    def id(self) -> str:
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    # -- moves: None where the floor has nothing for them ------------------------------------------

    def _booking(self, *statuses: str, placed: bool = True) -> BookingState | None:
        found = [
            b
            for b in self.state.bookings.values()
            if b.status in statuses and bool(b.tables) is placed
        ]
        return self.random.choice(sorted(found, key=lambda b: b.id)) if found else None

    def _tables(self, count: int) -> list[int]:
        return sorted(self.random.sample(sorted(self.state.tables), count))

    def _inside(self, floor: str, change: int) -> dict[str, int]:
        inside = dict(self.state.inside)
        inside[floor] = max(0, inside[floor] + change)
        return inside

    def _initiate(self) -> Payload | None:
        if len(self.state.bookings) > 30:
            return None
        return book.BookingInitiated(
            booking_id=self.id(),
            party=self.random.randint(1, 12),
            slot_from=instant_text(DOORS + timedelta(minutes=self.random.choice((0, 0, 90)))),
            slot_until=instant_text(CLOSES),
            source=self.random.choice(("public", "desk", "walk_in")),
        )

    def _select(self) -> Payload | None:
        booking = self._booking("pending", placed=False)
        return (
            None
            if booking is None
            else book.TablesSelected(
                booking_id=booking.id,
                tables=self._tables(self.random.choice((1, 1, 2))),
                deposit_pence=5000,
                hold_expires_at=None
                if booking.source == "walk_in"
                else instant_text(self._now + timedelta(minutes=10)),
            )
        )

    def _confirm(self) -> Payload | None:
        booking = self._booking("pending")
        return (
            None
            if booking is None
            else book.BookingConfirmed(booking_id=booking.id, ticket_id=self.id())
        )

    def _extend(self) -> Payload | None:
        booking = self._booking("pending")
        expires = instant_text(self._now + timedelta(minutes=20))
        return (
            None
            if booking is None
            else book.HoldExtended(booking_id=booking.id, hold_expires_at=expires)
        )

    def _end_hold(self) -> Payload | None:
        booking = self._booking("pending")
        ended = self.random.choice((book.HoldReleased, book.HoldExpired))
        return None if booking is None else ended(booking_id=booking.id)

    def _cancel(self) -> Payload | None:
        booking = self._booking("confirmed")
        return None if booking is None else book.BookingCancelled(booking_id=booking.id, by="guest")

    def _no_show(self) -> Payload | None:
        booking = self._booking("confirmed")
        return None if booking is None else book.NoShowMarked(booking_id=booking.id)

    def _entry(self, *, offered: bool) -> WaitingState | None:
        found = [e for e in self.state.waitlist.values() if (e.booking_id is not None) is offered]
        return self.random.choice(sorted(found, key=lambda e: e.id)) if found else None

    def _join(self) -> Payload | None:
        return book.WaitlistJoined(
            entry_id=self.id(),
            party=self.random.randint(1, 14),
            slot_from=instant_text(DOORS),
            slot_until=instant_text(CLOSES),
            priority=self.random.randint(0, 1000),
            offers=2,
        )

    def _offer(self) -> Payload | None:
        entry, booking = self._entry(offered=False), self._booking("pending")
        taken = {e.booking_id for e in self.state.waitlist.values()}
        if entry is None or booking is None or booking.id in taken:
            return None
        return book.WaitlistOffered(entry_id=entry.id, booking_id=booking.id)

    def _rank(self) -> Payload | None:
        entry = self._entry(offered=False)
        return None if entry is None else book.WaitlistRanked(entry_id=entry.id, priority=500)

    def _give_up(self) -> Payload | None:
        entry = self._entry(offered=self.random.random() < 0.5)
        return None if entry is None else book.WaitlistLeft(entry_id=entry.id, why="guest")

    def _pay(self) -> Payload | None:
        booking = self._booking("pending", "confirmed")
        return (
            None
            if booking is None
            else book.PaymentProcessed(
                booking_id=booking.id,
                payment_id=self.id(),
                amount_pence=1999,
                method="card",
                paid_pence=booking.paid_pence + 1999,
            )
        )

    def _arrive(self) -> Payload | None:
        booking = self._booking("confirmed", "seated")
        if booking is None or booking.admitted >= booking.party:
            return None
        people = self.random.randint(1, booking.party - booking.admitted)
        floor = self.random.choice(("upstairs", "downstairs"))
        return book.GuestCheckedIn(
            booking_id=booking.id,
            ticket_id=booking.ticket_id or self.id(),
            people=people,
            admitted=booking.admitted + people,
            left=booking.left,
            floor=floor,
            door="front",
            inside=self._inside(floor, people),
        )

    def _leave(self) -> Payload | None:
        booking = self._booking("confirmed", "seated")
        if booking is None or booking.left >= booking.admitted:
            return None
        return book.GuestCheckedOut(
            booking_id=booking.id,
            ticket_id=booking.ticket_id or self.id(),
            people=1,
            left=booking.left + 1,
            floor="upstairs",
            door="front",
            inside=self._inside("upstairs", -1),
        )

    def _override(self) -> Payload | None:
        booking = self._booking("confirmed", "seated")
        return (
            None
            if booking is None
            else book.EntryOverridden(
                scan_id=self.id(),
                refused_scan_id=self.id(),
                rules=["party_full"],
                why="known_guest",
                booking_id=booking.id,
                ticket_id=booking.ticket_id or self.id(),
                people=1,
                over_party=1,
                admitted=booking.admitted + 1,
                left=booking.left,
                floor="upstairs",
                door="front",
                inside=self._inside("upstairs", 1),
            )
        )

    def _undo(self) -> Payload | None:
        booking = self._booking("confirmed", "seated")
        if booking is None or booking.left >= booking.admitted:
            return None
        return book.CheckInUndone(
            scan_id=self.id(),
            what="admitted",
            why="scanned_twice",
            booking_id=booking.id,
            ticket_id=booking.ticket_id or self.id(),
            people=1,
            admitted=booking.admitted - 1,
            left=booking.left,
            door="front",
            inside=self._inside("upstairs", -1),
        )

    def _seat(self) -> Payload | None:
        booking = self._booking("confirmed", "pending")
        return (
            None
            if booking is None
            else book.PartySeated(booking_id=booking.id, tables=list(booking.tables))
        )

    def _vacate(self) -> Payload | None:
        booking = self._booking("seated")
        return (
            None
            if booking is None
            else book.TableVacated(booking_id=booking.id, tables=list(booking.tables))
        )

    def _complete(self) -> Payload | None:
        booking = self._booking("seated")
        return None if booking is None else book.BookingCompleted(booking_id=booking.id)

    def _reset(self) -> Payload | None:
        waiting = [t.number for t in self.state.tables.values() if t.resetting_since]
        return book.TableReset(table=self.random.choice(waiting)) if waiting else None

    def _block(self) -> Payload | None:
        return book.TableBlocked(
            block_id=self.id(),
            table=self._tables(1)[0],
            blocked_from=instant_text(self._now),
            blocked_until=instant_text(self._now + timedelta(hours=1)),
            reason="spill",
            in_force=self.random.random() < 0.7,
        )

    def _unblock(self) -> Payload | None:
        blocked = [(t.number, b.id) for t in self.state.tables.values() for b in t.blocks]
        if not blocked:
            return None
        number, block_id = self.random.choice(blocked)
        return book.TableUnblocked(block_id=block_id, table=number, why="lifted")

    def _move(self) -> Payload | None:
        booking = self._booking("pending", "confirmed", "seated")
        return (
            None
            if booking is None
            else book.TablesMoved(
                booking_id=booking.id,
                tables_before=list(booking.tables),
                tables=self._tables(self.random.choice((1, 2))),
            )
        )

    def _click(self) -> Payload | None:
        floor, change = self.random.choice(("upstairs", "downstairs")), self.random.randint(-2, 4)
        return book.HeadcountChanged(
            floor=floor,
            door="front",
            change=change,
            inside=self._inside(floor, change),
            why=self.random.choice(("clicker", "walk_in", "head_count")),
        )

    def _refuse(self) -> Payload | None:
        return book.EntryRefused(scan_id=self.id(), reason="wrong_night", door="front")

    def _edit(self) -> Payload | None:
        if self.random.random() < 0.8:
            return None
        name = self.random.choice(("Café Society", "Über-Nacht", "Midnight \U0001f378"))
        return book.NightChanged(name=name)

    def _nonsense(self) -> Event:
        lines = (
            ("TABLE_FLEW_AWAY", b'{"table":7}'),
            ("TABLE_RESET", b'{"table":99}'),
            ("TABLE_RESET", b'{"tables":[1]}'),
            ("PARTY_SEATED", b'{"booking_id":"nobody","tables":[1]}'),
            ("NIGHT_CHANGED", b'{"edition":4}'),
        )
        return self.add_raw(*self.random.choice(lines))
