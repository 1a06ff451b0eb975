"""What an action knows when it judges: the rows that it holds locked, as Postgres returned them.

Instants are texts of the one form and compare as text.
"""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from app.domain.leases import Candidate, Share, holder_of, owed_by
from floorplan.refunds import Refunds


class NightFact(Struct, frozen=True):
    date: str
    name: str
    status: str
    doors_at: str
    last_entry_at: str
    closes_at: str
    ends_at: str
    house_limit: int
    edition: int


class ClaimFact(Struct, frozen=True):
    """A live claim on a table."""

    booking_id: str
    status: str
    party: int
    slot_from: str
    slot_until: str
    hold_expires_at: str | None


class BlockFact(Struct, frozen=True):
    id: str
    blocked_from: str
    blocked_until: str
    reason: str
    in_force: bool


class TableFact(Struct, frozen=True):
    number: int
    floor: str
    capacity_min: int
    capacity_max: int
    capacity_optimal: int
    deposit_pence: int
    minimum_spend_pence: int
    resetting: bool
    claims: tuple[ClaimFact, ...]
    blocks: tuple[BlockFact, ...]


class GuestFact(Struct, frozen=True):
    """The ticket of one guest of the party; `admitted` and `gone` are 0 or 1."""

    id: str
    number: int
    generation: int
    status: str
    admitted: int
    gone: int
    last_scan_at: str | None = None
    last_scan_door: str | None = None


class TicketFact(Struct, frozen=True):
    """`admitted` people of the party ever came in; `gone` of these are out again.

    `extra` are people beyond the party whom a supervisor let in. `last_scan_by` is the actor.
    `shares` are what devices hold of it, or let in and have yet to tell one by one.
    """

    id: str
    generation: int
    status: str
    party: int
    admitted: int
    gone: int
    last_scan_at: str | None
    last_scan_door: str | None
    last_scan_by: str | None = None
    extra: int = 0
    shares: tuple[Share, ...] = ()

    @property
    def lease(self) -> Share | None:
        """The lease by which one device alone may admit it; None: the server may."""
        return holder_of(self.shares)

    @property
    def owed(self) -> int:
        """People whom a device let in and whose scans are still to come."""
        return owed_by(self.shares)

    @property
    def candidate(self) -> Candidate:
        """The ticket as the rules of leases know it."""
        return Candidate(self.id, self.party + self.extra, self.admitted, self.gone, self.shares)


class OfferFact(Struct, frozen=True):
    """The place on the waitlist that a hold was offered to."""

    entry_id: str
    person_id: str


class BookingFact(Struct, frozen=True):
    """A booking; whether its person is banned, and its guests' tickets, the door alone is told.

    `offer` is there while the hold is an offer of the waitlist that was not accepted.
    """

    id: str
    reference: str
    night: str
    status: str
    party: int
    slot_from: str
    slot_until: str
    source: str
    deposit_pence: int
    paid_pence: int
    hold_expires_at: str | None
    extended: bool
    tables: tuple[int, ...]
    ticket: TicketFact | None
    ban: Literal["banned", "banned_name"] | None = None
    offer: OfferFact | None = None
    guests: tuple[GuestFact, ...] = ()
    edition: int = 0
    refund_policy: Refunds | None = None  # in force when it was made
    disputed: bool = False

    def find_guest(self, ticket_id: str | None) -> GuestFact | None:
        """The guest's ticket of that id."""
        return next((g for g in self.guests if g.id == ticket_id), None)


class HeadcountFact(Struct, frozen=True):
    """People inside; `reserved` more may come in by leases, or have and are still to be told."""

    floor: str
    people: int
    people_limit: int
    reserved: int = 0


class AnsweredFact(Struct, frozen=True):
    """The answer that the idempotency key has already; `answer` is its bytes in Base64."""

    same: bool
    status: int | None
    answer: str | None


class Facts(Struct, frozen=True):
    """Everything locked, at the venue's `now`; `others` is what is locked on further nights."""

    now: str = ""
    night: NightFact | None = None
    tables: tuple[TableFact, ...] = ()
    bookings: tuple[BookingFact, ...] = ()
    headcount: tuple[HeadcountFact, ...] = ()
    answered: AnsweredFact | None = None
    others: tuple["Facts", ...] = ()

    def find_booking(self, booking_id: str) -> BookingFact | None:
        """The locked booking of that id."""
        return next((b for b in self.bookings if b.id == booking_id), None)

    @property
    def inside(self) -> dict[str, int]:
        """People inside by floor; empty unless the headcount was asked for."""
        return {h.floor: h.people for h in self.headcount}

    def counted(self, inside: Mapping[str, int]) -> "Facts":
        """The same facts with so many people inside, by floor."""
        headcount = tuple(
            h if h.people == inside[h.floor] else replace(h, people=inside[h.floor])
            for h in self.headcount
        )
        return replace(self, headcount=headcount)


class HeldFact(Struct, frozen=True):
    """Whose booking it is, sealed; the bytes in hexadecimal digits."""

    person_id: str
    sealed: str
    wrapped: str


class Entry(Struct, frozen=True):
    """What a scan led to: its booking, the night of that and tonight's, and whose it is, sealed.

    `stored`: the scan has its answer already, and nothing else is told.
    """

    stored: bool = False
    booking_id: str | None = None
    night: str | None = None
    tonight: str | None = None
    held: HeldFact | None = None
