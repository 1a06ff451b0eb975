"""The door's verdict: one pure function, with one published order of precedence.

`RULES` stand in the order in which they are looked at; the first that applies is the answer. What
is certain whatever the counts say comes first, so that "used" never hides "cancelled"; what another
door may know better (`held_by_other_door`) comes before the first rule that reads the counts. The
table in docs/door.md is made from this list.
"""

from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from msgspec import Struct

from app.domain.bookings import room_left
from app.domain.facts import BookingFact, Facts, GuestFact, NightFact, TicketFact
from app.domain.sayings import GUEST_IN, SAYINGS, Saying

Way = Literal["any", "in", "out", "stairs"]


class Request(Struct, frozen=True):
    """What the judge must know of the scan beside the facts.

    `refused` is the reason for which the code itself does not stand. `floor` is where the door
    leads, `leaves` the floor that it leaves when it is inside the house; `own_floor_only`: it is
    for parties of its floor. `guest` is the guest's ticket whose code was read. `id_checked`: the
    door has looked at the ID, and the guest is not the banned person of that name. `to_bar`: they
    wait at the bar for their table. `broken` are the reasons that a supervisor overrides: their
    rules are not asked.
    """

    direction: Literal["in", "out"]
    people: int | None
    floor: str
    leaves: str | None = None
    refused: str | None = None
    generation: int | None = None
    id_checked: bool = False
    to_bar: bool = False
    own_floor_only: bool = False
    guest: str | None = None
    broken: frozenset[str] = frozenset()

    @property
    def way(self) -> Way:
        return "stairs" if self.leaves is not None else self.direction


class Judgement(Struct, frozen=True):
    """The verdict's reason, how many people it counts, and the numbers that staff are told."""

    reason: str
    people: int = 0
    left_to_enter: int | None = None
    admitted: int | None = None
    gone: int | None = None
    extra: int = 0  # of them, beyond the party: by a supervisor alone
    of_guest: bool = False  # `already_in` is said of the one guest whose code it is

    @property
    def saying(self) -> Saying:
        return GUEST_IN if self.of_guest else SAYINGS[self.reason]


class Look(Struct, frozen=True):
    """One scan as the rules see it; what a rule reads has been made sure of by those above it."""

    request: Request
    found: BookingFact | None
    facts: Facts
    tonight: str | None

    @property
    def booking(self) -> BookingFact:
        assert self.found is not None, "unknown_code comes first"
        return self.found

    @property
    def guest(self) -> GuestFact | None:
        """The guest's own ticket, when its code was read."""
        return self.booking.find_guest(self.request.guest)

    @property
    def ticket(self) -> TicketFact:
        assert self.booking.ticket is not None, "unpaid comes first"
        return self.booking.ticket

    @property
    def night(self) -> NightFact:
        assert self.facts.night is not None, "wrong_night comes first"
        return self.facts.night

    @property
    def newcomers(self) -> int:
        """Places of people who never came; after the last entry, and once the party gave up its
        tables, there are none."""
        broken, ticket = self.request.broken, self.ticket
        closed = self.facts.now > self.night.last_entry_at and "too_late" not in broken
        closed = closed or (self.booking.status == "completed" and "finished" not in broken)
        return 0 if closed else max(0, self.booking.party + ticket.extra - ticket.admitted)

    @property
    def places(self) -> int:
        """How many may come in on this code: newcomers, and those who went out, without those
        whom a device let in and whose scans are still to come."""
        ticket = self.ticket
        guest, party = self.guest, max(0, self.newcomers + ticket.gone - ticket.owed)
        if self.request.guest is None or guest is None:
            return party
        return min(party, 1 - self.inside)

    @property
    def inside(self) -> int:
        """How many of this code are in."""
        guest, party = self.guest, self.ticket.admitted - self.ticket.gone
        return party if guest is None else min(party, guest.admitted - guest.gone)

    @property
    def most(self) -> int:
        """How many a scan of this way can count."""
        return self.places if self.request.way == "in" else self.inside

    @property
    def people(self) -> int:
        return self.request.people or 1

    @property
    def stairs(self) -> tuple[str, str]:
        """From which floor to which, at a door inside the house."""
        there, here = self.request.leaves or "", self.request.floor
        return (there, here) if self.request.direction == "in" else (here, there)

    @property
    def room(self) -> int:
        """How many more the law allows where they go; the lower limit counts."""
        if self.request.way == "stairs":
            target = next(h for h in self.facts.headcount if h.floor == self.stairs[1])
            return max(0, target.people_limit - target.people - target.reserved)
        return room_left(self.facts, self.night, self.request.floor)

    @property
    def held_elsewhere(self) -> bool:
        """A device alone may admit on this ticket, and gave the right back to nobody.

        That device too: it judges by its lease and tells of it later (`observed`). If it asks
        instead, it has lost its lease, and nobody knows whom it let in.
        """
        return self.ticket.lease is not None

    @property
    def own_floors(self) -> set[str]:
        """The floors of the booking's tables."""
        return {t.floor for t in self.facts.tables if t.number in self.booking.tables}

    @property
    def waits_for_table(self) -> bool:
        """A party that has not sat down yet, one of whose tables cannot be sat at."""
        booking = self.booking
        return booking.status == "confirmed" and any(
            table.resetting
            or any(block.in_force for block in table.blocks)
            or any(c.status == "seated" and c.booking_id != booking.id for c in table.claims)
            for table in self.facts.tables
            if table.number in booking.tables
        )


class Rule(NamedTuple):
    """The reason that answers where `applies`; `way`: at which doors it is asked at all."""

    reason: str
    way: Way
    when: str
    applies: Callable[[Look], bool]


def _refused(reason: str, when: str) -> Rule:
    return Rule(reason, "any", when, lambda look: look.request.refused == reason)


RULES: Final[tuple[Rule, ...]] = (
    _refused("not_our_code", "the text is no code of this service"),
    _refused("wrong_venue", "a code of this service, of another venue"),
    _refused("unknown_key", "signed with a key that is not in force"),
    _refused("bad_signature", "the signature does not fit: changed or forged"),
    Rule(
        "unknown_code", "any", "no booking, or no ticket, has this code or reference",
        lambda look: (
            look.request.refused is not None
            or look.found is None
            or (look.request.guest is not None and look.guest is None)
        ),
    ),
    Rule(
        "cancelled", "any", "the booking was cancelled, whatever was scanned before",
        lambda look: look.booking.status == "cancelled",
    ),
    Rule(
        "released", "any", "the party was marked as not come",
        lambda look: look.booking.status == "no_show",
    ),
    Rule(
        "joined", "any", "the party was joined with another, whose code it is now",
        lambda look: look.booking.status == "merged",
    ),
    Rule(
        "hold_expired", "any", "the hold ran out, or was let go, unpaid",
        lambda look: look.booking.status in ("expired", "released"),
    ),
    Rule(
        "revoked", "any", "the ticket, or the guest's own, was withdrawn",
        lambda look: (
            (look.booking.ticket is not None and look.ticket.status != "valid")
            or (look.guest is not None and look.guest.status != "valid")
        ),
    ),
    Rule(
        "replaced", "any", "the code is of another generation than the ticket",
        lambda look: (
            look.booking.ticket is not None
            and look.request.generation not in (None, (look.guest or look.ticket).generation)
        ),
    ),
    Rule(
        "wrong_night", "any", "the booking is not of tonight, or the night is sealed",
        lambda look: (
            look.booking.night != look.tonight
            or look.facts.night is None
            or look.facts.night.status != "open"
        ),
    ),
    Rule(
        "unpaid", "any", "the booking is held and not confirmed",
        lambda look: look.booking.status == "pending" or look.booking.ticket is None,
    ),
    Rule("nobody_inside", "out", "nobody of this code is in", lambda look: look.inside == 0),
    Rule(
        "not_in_yet", "stairs", "nobody of this code came in by a street door",
        lambda look: look.inside == 0,
    ),
    Rule(
        "banned", "in", "the person's number or address is banned",
        lambda look: look.booking.ban == "banned",
    ),
    Rule(
        "banned_name", "in", "a person of this name is banned, and no ID was seen",
        lambda look: look.booking.ban == "banned_name" and not look.request.id_checked,
    ),
    Rule(
        "too_early", "in", "before the doors open",
        lambda look: look.facts.now < look.night.doors_at,
    ),
    Rule(
        "closed", "in", "at or after the close",
        lambda look: look.facts.now >= look.night.closes_at,
    ),
    Rule(
        "wrong_floor", "in", "the door is for its own floor, and no table of the party is there",
        lambda look: (
            look.request.own_floor_only
            and bool(look.own_floors)
            and look.request.floor not in look.own_floors
        ),
    ),
    Rule(
        "balance_due", "in", "less than the deposit is paid",
        lambda look: look.booking.paid_pence < look.booking.deposit_pence,
    ),
    Rule(
        "held_by_other_door", "in", "another device has a lease of the ticket",
        lambda look: look.held_elsewhere,
    ),
    Rule(
        "too_late", "in", "after the last entry, and nobody of this code is out",
        lambda look: look.facts.now > look.night.last_entry_at and not look.places,
    ),
    Rule(
        "finished", "in", "the party gave up its tables, and nobody of this code is out",
        lambda look: look.booking.status == "completed" and not look.places,
    ),
    Rule(
        "party_full", "in", "the guest has not come, and others of the party took every place",
        lambda look: look.guest is not None and not look.inside and not look.places,
    ),
    Rule("already_in", "in", "everybody of this code is in", lambda look: look.places == 0),
    Rule(
        "capacity_full", "in", "nobody more may be on the floor or in the house",
        lambda look: look.room == 0,
    ),
    Rule(
        "table_not_ready", "in", "a table of the party is occupied, not laid or out of service",
        lambda look: look.waits_for_table and not look.request.to_bar,
    ),
    Rule(
        "how_many", "any", "no number was given, and the code counts more than one",
        lambda look: look.request.people is None and look.most > 1,
    ),
    Rule(
        "party_full", "any", "more people than the code counts, or than the floor they leave has",
        lambda look: (
            look.people > look.most
            or (
                look.request.way == "stairs"
                and look.people > look.facts.inside.get(look.stairs[0], 0)
            )
        ),
    ),
    Rule(
        "capacity_full", "in", "more people than the floor's or the house's limit allows",
        lambda look: look.people > look.room,
    ),
    Rule(
        "capacity_full", "stairs", "more people than the limit of the floor they go to allows",
        lambda look: look.people > look.room,
    ),
)  # fmt: skip
# What is left when no rule applies.
ENDINGS: Final = {"in": "admitted", "out": "out", "stairs": "moved"}


def judge_scan(
    request: Request, booking: BookingFact | None, facts: Facts, tonight: str | None
) -> Judgement:
    """The verdict on one read, from locked facts. Counts are those after an admission."""
    look, way = Look(request, booking, facts, tonight), request.way
    for rule in RULES:
        if rule.reason in request.broken or rule.way not in ("any", way):
            continue
        if rule.applies(look):
            of_guest = rule.reason == "already_in" and look.guest is not None
            return Judgement(rule.reason, left_to_enter=_left(look, rule.reason), of_guest=of_guest)
    return _counted(look, ENDINGS[way])


def _left(look: Look, reason: str) -> int | None:
    """How many may still pass, where the reason leaves that open."""
    if reason in ("banned_name", "too_early", "already_in", "how_many", "table_not_ready"):
        return look.most
    if reason == "party_full":
        here = look.facts.inside.get(look.stairs[0], 0)
        return min(look.most, here) if look.request.way == "stairs" else look.most
    return min(look.room, look.most) if reason == "capacity_full" else None


def _counted(look: Look, reason: str) -> Judgement:
    people, ticket = look.people, look.ticket
    if reason == "moved":
        return Judgement(reason, people)
    if reason == "out":
        return Judgement(reason, people, None, ticket.admitted, ticket.gone + people)
    guest = look.guest
    new = min(people, look.newcomers if guest is None else min(look.newcomers, 1 - guest.admitted))
    back = min(people - new, ticket.gone)
    extra = people - new - back
    return Judgement(
        reason,
        people,
        max(0, look.places - people),
        ticket.admitted + new + extra,
        ticket.gone - back,
        extra,
    )


def precedence_table() -> str:
    """The order of precedence as a Markdown table, for `docs/door.md`."""
    rows = [
        "| | reason | verdict | door | applies when | the guest is told | staff may |",
        "|--:|---|---|---|---|---|---|",
    ]
    rows += [_row(str(n), rule.reason, rule.way, rule.when) for n, rule in enumerate(RULES, 1)]
    rows += [_row("-", reason, way, "no rule above applies") for way, reason in ENDINGS.items()]
    rows.append(_row("-", "overridden", "in", "a supervisor broke a rule above"))
    rows.append(_row("-", "observed", "any", "told later: what a device showed, other than admit"))
    rows.append(_row("-", "conflict", "in", "told later: let in, and it could not be counted"))
    return "\n".join(rows) + "\n"


def _row(number: str, reason: str, way: str, when: str) -> str:
    saying = SAYINGS[reason]
    steps = ", ".join(f"`{step}`" for step in saying.steps)
    return (
        f"| {number} | `{reason}` | {saying.verdict} | {way} | {when} | {saying.tell} | {steps} |"
    )
