"""Who comes to which table: the parties of a night, and what each of them means to do.

Every table has a part to play before midnight, dealt out anew each night: bookings of last week, of
tonight and at the desk, holds that nobody pays, late parties, parties that never come, a spill. At
midnight everybody sits; after it tables are left, laid and taken again until the lights go on.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Final

from app.demo.guests import address, names, phone
from app.demo.intentions import (
    Arrive,
    Block,
    Cancel,
    ComeBack,
    Extend,
    Floor,
    GoOut,
    Hold,
    Intention,
    Leave,
    Move,
    NoShow,
    Party,
    Pay,
    Release,
    Reset,
    Seat,
    Source,
    TryCode,
    Unblock,
    WalkIn,
)
from floorplan.nights import NightInstants
from floorplan.venue import Venue

DOORS: Final[dict[Floor, str]] = {"upstairs": "main", "downstairs": "basement"}

# Left after midnight, laid, and (all but three) taken again.
TABLES_LEFT_EARLY: Final = 9
TABLES_TAKEN_AGAIN: Final = 6


class Seating:
    """One night's parties under construction; `parties` and `intentions` when it is done."""

    def __init__(self, seed: int, venue: Venue, night: str, hours: NightInstants) -> None:
        self._random = Random(f"{seed}/{night}/seating")
        self._venue = venue
        self._night = night
        self._hours = hours
        self._names: Iterator[str] = names(self._random)
        self._seated: dict[int, str] = {}  # who sits where at midnight, by first table
        self.parties: dict[str, Party] = {}
        self.advance: list[str] = []  # booked a week before
        self.intentions: list[Intention] = []
        self._plan()

    def doors(self, minutes: float) -> datetime:
        """So many minutes after the doors open."""
        return self._hours.doors_at + timedelta(minutes=minutes)

    def closes(self, minutes: float) -> datetime:
        """So many minutes after the close."""
        return self._hours.closes_at + timedelta(minutes=minutes)

    def _plan(self) -> None:
        joined = self._venue.combinations[0].tables
        tables = [t.number for t in self._venue.tables if t.number not in joined]
        self._random.shuffle(tables)
        one, two, three, early, late, longer, gone, away, empty, slow, free, wet, first, next_ = (
            tables
        )
        self._last_week((one,), (two,), (three,), tuple(sorted(joined)))
        self._booked_early(early)
        self._late(late, due=60)
        self._needs_longer(longer)
        self._never_comes(gone, due=30, shows_up=140)
        self._never_comes(away, due=45)
        self._cancels(empty)
        self._unpaid_then_late(slow)
        self._spill(wet, free)
        self._first_in(first, next_)
        self._after_midnight()

    # -- the parts ------------------------------------------------------------------------------

    def _last_week(self, *sets: tuple[int, ...]) -> None:
        for index, tables in enumerate(sets):
            party = self._party(tables, due=15 * self._random.randint(1, 4))
            self.advance.append(party.id)
            self._book(party, self.doors(-29.5 + index), pays_after=2)
            self._come(party)
            if index == 1:
                self._smoke(party)
                at = self.doors(156)  # whoever stepped outside is back by now
                self._do(TryCode(at, party.door, "own", "already_in", party.id))
            if index == 2:
                early = self.doors(-6)
                self._do(TryCode(early, party.door, "own", "too_early", party.id))

    def _booked_early(self, table: int) -> None:
        other = self._party((table,), due=0)
        self._do(Hold(self.doors(-27), other.id), Release(self.doors(-24), other.id))
        party = self._party((table,), due=15)
        self._book(party, self.doors(-20), pays_after=5)
        self._come(party, typed=True)
        self._smoke(party)

    def _late(self, table: int, due: int) -> None:
        party = self._party((table,), due=due)
        self._book(party, self.doors(-16), pays_after=4)
        self._come(party, minutes_late=self._random.randint(37, 44))

    def _needs_longer(self, table: int) -> None:
        party = self._party((table,), due=45)
        self._do(Hold(self.doors(-18), party.id), Extend(self.doors(-10.5), party.id))
        self._do(Pay(self.doors(-3), party.id))
        self._come(party)
        forged = self.doors(self._random.randint(75, 85))
        self._do(TryCode(forged, party.door, "forged", "bad_signature", party.id))

    def _never_comes(self, table: int, due: int, shows_up: int | None = None) -> None:
        party = self._party((table,), due=due)
        self._book(party, self.doors(-13), pays_after=6)
        given_up = due + self._venue.rules.grace_minutes + self._random.randint(5, 9)
        self._do(NoShow(self.doors(given_up), party.id))
        self._walk_in(table, self.doors(given_up + self._random.randint(8, 15)))
        if shows_up is not None:
            at = self.doors(shows_up)
            self._do(TryCode(at, party.door, "own", "released", party.id))

    def _cancels(self, table: int) -> None:
        party = self._party((table,), due=60)
        self._book(party, self.doors(-21), pays_after=3)
        self._do(Cancel(self.doors(14), party.id))
        again = self._party((table,), due=60, source="desk")
        self._book(again, self.doors(22), pays_after=1)
        self._come(again)
        late = self.doors(88)
        self._do(TryCode(late, party.door, "own", "cancelled", party.id))

    def _unpaid_then_late(self, table: int) -> None:
        nobody = self._party((table,), due=30)
        self._do(Hold(self.doors(-25), nobody.id))
        party = self._party((table,), due=45)
        self._book(party, self.doors(4), pays_after=5)
        self._come(party, minutes_late=self._random.randint(38, 48))

    def _spill(self, wet: int, free: int) -> None:
        """Nobody pays for `free`, so the party of the `wet` table goes there."""
        nobody = self._party((free,), due=60)
        self._do(Hold(self.doors(9), nobody.id))
        booked = self._party((wet,), due=60, most=self._venue.get_table(free).capacity.max)
        self._book(booked, self.doors(-9), pays_after=7)
        self._do(Block(self.doors(32), wet), Move(self.doors(35), booked.id, (free,)))
        self._come(booked)
        self._seated[free] = booked.id
        self._do(Unblock(self.doors(62), wet))
        self._walk_in(wet, self.doors(self._random.randint(72, 84)))

    def _first_in(self, first: int, after: int) -> None:
        """The first guests sit down without a booking, and soon ask for a better table."""
        party = self._walk_in(
            first,
            self.doors(self._random.randint(7, 11)),
            most=self._venue.get_table(after).capacity.max,
            counted=False,
        )
        self._do(Move(self.doors(50), party.id, (after,)), Reset(self.doors(57), first))
        self._seated[after] = self._seated.pop(first)
        self._walk_in(first, self.doors(self._random.randint(86, 98)))

    def _after_midnight(self) -> None:
        """Parties leave one by one; some tables are taken again, until the lights go on."""
        order = sorted(self._seated)
        self._random.shuffle(order)
        latest = (self._hours.last_entry_at - self._hours.doors_at).total_seconds() / 60
        for index, table in enumerate(order):
            party = self.parties[self._seated[table]]
            if index >= TABLES_LEFT_EARLY:
                # The others one by one, from before the last entry until the close.
                begin, end = self.doors(latest - 45), self.closes(-10)
                share = (index - TABLES_LEFT_EARLY + self._random.random()) / (
                    len(order) - TABLES_LEFT_EARLY
                )
                self._leave(party, party.tables, begin + (end - begin) * share)
                continue
            # Spread over the time from a quarter to one until an hour before the last entry.
            step = (latest - 60 - 165) / TABLES_LEFT_EARLY
            left = 165 + index * step + self._random.randint(0, 4)
            laid = self._leave(party, party.tables, self.doors(left))
            if index < TABLES_TAKEN_AGAIN:
                taken = laid + timedelta(minutes=self._random.randint(6, 20))
                again = self._walk_in(table, taken)
                self._leave(again, again.tables, self.closes(-self._random.randint(9, 80)))

    # -- what parties do ------------------------------------------------------------------------

    def _party(
        self,
        tables: tuple[int, ...],
        *,
        due: float | None,
        source: Source = "public",
        most: int | None = None,
        counted: bool = False,
    ) -> Party:
        """A party that its tables take; `due` in minutes after the doors."""
        first = self._venue.get_table(tables[0])
        if len(tables) > 1:
            joined = next(c for c in self._venue.combinations if set(c.tables) == set(tables))
            size = self._random.randint(
                max(joined.party_min, joined.party_max - 3), joined.party_max
            )
        else:
            capacity = first.capacity
            size = self._random.choice(
                (capacity.optimal, capacity.max, self._random.randint(capacity.min, capacity.max))
            )
        party = Party(
            id=f"{self._night}/{len(self.parties) + 1:02d}",
            name=next(self._names),
            size=size if most is None else min(size, most),
            tables=tables,
            door=DOORS[first.floor],
            floor=first.floor,
            source=source,
            night=self._night,
            due_at=None if due is None else self.doors(due),
            counted=counted,
            phone=phone(self._random),
            address=address(self._random),
        )
        self.parties[party.id] = party
        return party

    def _book(self, party: Party, at: datetime, *, pays_after: float) -> None:
        self._do(Hold(at, party.id), Pay(at + timedelta(minutes=pays_after), party.id))

    def _come(self, party: Party, *, minutes_late: int | None = None, typed: bool = False) -> None:
        """The party arrives in portions and is seated soon after the first of them."""
        assert party.due_at is not None
        late = self._random.randint(-4, 14) if minutes_late is None else minutes_late
        at = max(party.due_at + timedelta(minutes=late), self.doors(1))
        for index, people in enumerate(self._portions(party.size)):
            self._do(Arrive(at, party.id, people, typed))
            if index == 0:
                seat = at + timedelta(minutes=self._random.randint(2, 4))
                self._do(Seat(seat, party.id))
            at += timedelta(minutes=self._random.randint(3, 8))
        self._seated[party.tables[0]] = party.id

    def _portions(self, size: int) -> list[int]:
        """In how many at a time a party comes: small ones together, large ones in two or three."""
        if size < 4:
            return [size]
        parts = 2 if size < 6 else 3
        first = self._random.randint(1, size - 2 * (parts - 1))
        rest = size - first
        if parts == 2:
            return [first, rest]
        second = self._random.randint(1, rest - 1)
        return [first, second, rest - second]

    def _smoke(self, party: Party) -> None:
        people = max(1, min(2, party.size - 1))
        at = self.doors(self._random.randint(100, 140))
        back = at + timedelta(minutes=self._random.randint(7, 12))
        self._do(GoOut(at, party.id, people), ComeBack(back, party.id, people))

    def _walk_in(
        self, table: int, at: datetime, *, most: int | None = None, counted: bool = True
    ) -> Party:
        party = self._party((table,), due=None, source="walk_in", most=most, counted=counted)
        self._do(WalkIn(at, party.id))
        self._seated[table] = party.id
        return party

    def _leave(self, party: Party, tables: tuple[int, ...], at: datetime) -> datetime:
        """The party goes; returns when the last of its tables is laid again."""
        self._do(Leave(at, party.id))
        # Where it sits in the end may be another table than where it was booked.
        sits = next((t for t, who in self._seated.items() if who == party.id), tables[0])
        for table in tables if len(tables) > 1 else (sits,):
            at += timedelta(minutes=self._random.randint(4, 7))
            self._do(Reset(at, table))
        return at

    def _do(self, *intentions: Intention) -> None:
        self.intentions.extend(intentions)


def advance_of(seating: Seating, at: datetime) -> tuple[list[Party], list[Intention]]:
    """The parties of a coming night that book now, from `at` on, a minute apart."""
    parties = [seating.parties[party_id] for party_id in seating.advance]
    intentions: list[Intention] = []
    for index, party in enumerate(parties):
        begin = at + timedelta(minutes=index)
        intentions += [
            Hold(begin, party.id),
            Pay(begin + timedelta(minutes=2), party.id),
        ]
    return parties, intentions
