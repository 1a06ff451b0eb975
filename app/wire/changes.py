"""The shapes of changes: another time, another size, wishes, two parties, and what is before it."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from app.wire import Answer, BookingAnswer, Edition, Instant, NightDate, Request, TableNumber, Uuid
from app.wire import PartySize as Party
from app.wire.forms import NUMBERS_FORM, WISH_FORM

Tables = Annotated[list[TableNumber], Meta(min_length=1, max_length=4)]
# What a guest wrote is shown as text alone; a line's end would forge a line of a list or a log.
Wish = Annotated[str, Meta(max_length=500, pattern=WISH_FORM)]
Occasion = Literal["none", "birthday", "anniversary", "engagement", "hen", "stag", "work", "other"]


class ChangeBooking(Request, frozen=True):
    """`PATCH /v1/bookings/{id}`: only what is named changes; an empty text takes a wish away.

    `notes` are the staff's. `edition` as in If-Match.
    """

    party: Party | None = None
    requests: Wish | None = None
    occasion: Occasion | None = None
    notes: Wish | None = None
    edition: Edition | None = None


class Reschedule(Request, frozen=True):
    """`POST /v1/bookings/{id}/reschedule`: another night, another slot, or both.

    Without `tables` it wants the same ones; on another night the slot is one seating unless given.
    """

    night: NightDate | None = None
    tables: Tables | None = None
    slot_from: Instant | None = msgspec.field(default=None, name="from")
    slot_until: Instant | None = msgspec.field(default=None, name="until")
    edition: Edition | None = None


class Swap(Request, frozen=True):
    """`POST /v1/bookings/{id}/swap`: the two parties change places."""

    other_id: Uuid
    edition: Edition | None = None
    other_edition: Edition | None = None


class Split(Request, frozen=True):
    """`POST /v1/bookings/{id}/split`: `party` people become a booking of their own at `tables`.

    The others keep what remains of the tables. `people` of those who go were in already; unless
    given, as few as possible of a party that waits, as many as possible of one that sits.
    """

    party: Party
    tables: Tables
    people: Annotated[int, Meta(ge=0, le=60)] | None = None
    edition: Edition | None = None


class Merge(Request, frozen=True):
    """`POST /v1/bookings/{id}/merge`: the other party joins this one, at all their tables."""

    other_id: Uuid
    tables: Tables | None = None
    edition: Edition | None = None
    other_edition: Edition | None = None


class Reinstate(Request, frozen=True):
    """`POST /v1/bookings/{id}/reinstate`: the party came after all; at its tables unless given."""

    tables: Tables | None = None
    edition: Edition | None = None


class TwoBookings(Answer, frozen=True, omit_defaults=True):
    """Both bookings that a swap, a split or a merge leaves; `code` is the new one's of a split."""

    booking: BookingAnswer
    other: BookingAnswer
    version: int
    code: str | None = None


# Numbers with a comma between them, as a query has them.
TableList = Annotated[str, Meta(pattern=NUMBERS_FORM)]


def numbers_in(tables: str) -> list[int]:
    """The numbers of a TableList, each once, ascending."""
    return sorted({int(number) for number in tables.split(",")})


class MoveQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Where to."""

    tables: TableList


class Break(Struct, frozen=True, omit_defaults=True):
    """One thing that a move breaks; `forbids`: with it the move is refused."""

    kind: str
    text: str
    forbids: bool
    table: int | None = None
    booking_id: str | None = None
    begins: str | None = msgspec.field(default=None, name="from")
    ends: str | None = msgspec.field(default=None, name="until")


class MovePreview(Answer, frozen=True):
    """What a move would break, before it is made: of the floor at `version`."""

    booking_id: str
    night: str
    tables_before: list[int]
    tables: list[int]
    possible: bool
    breaks: list[Break]
    deposit_difference_pence: int
    minimum_spend_difference_pence: int
    edition: int
    version: int


class HistoryLine(Struct, frozen=True):
    """One event of a booking's life; `actor` is who did it, for staff: `staff:<id>`."""

    night: str
    version: int
    at: str
    type: str
    actor: str
    text: str | None
    details: dict[str, Any]


class History(Answer, frozen=True):
    """`GET /v1/bookings/{id}/history`: all that happened to it, on all its nights, in order."""

    booking_id: str
    events: list[HistoryLine]
