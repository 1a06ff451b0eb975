"""What an action knows when it judges: the rows that it holds locked, as Postgres returned them.

Instants are texts of the one form and compare as text.
"""

from typing import Literal

from msgspec import Struct


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


class TicketFact(Struct, frozen=True):
    """`admitted` people of the party ever came in; `gone` of these are out again."""

    id: str
    generation: int
    status: str
    party: int
    admitted: int
    gone: int
    last_scan_at: str | None
    last_scan_door: str | None


class BookingFact(Struct, frozen=True):
    """A booking; whether its person is banned is known to a scan alone."""

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


class HeadcountFact(Struct, frozen=True):
    floor: str
    people: int
    people_limit: int


class AnsweredFact(Struct, frozen=True):
    """The answer that the idempotency key has already; `answer` is its bytes in Base64."""

    same: bool
    status: int | None
    answer: str | None


class Facts(Struct, frozen=True):
    """Everything locked, at the venue's `now`."""

    now: str = ""
    night: NightFact | None = None
    tables: tuple[TableFact, ...] = ()
    bookings: tuple[BookingFact, ...] = ()
    headcount: tuple[HeadcountFact, ...] = ()
    answered: AnsweredFact | None = None

    def find_booking(self, booking_id: str) -> BookingFact | None:
        """The locked booking of that id."""
        return next((b for b in self.bookings if b.id == booking_id), None)

    @property
    def inside(self) -> dict[str, int]:
        """People inside by floor; empty unless the headcount was asked for."""
        return {h.floor: h.people for h in self.headcount}
