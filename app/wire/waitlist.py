"""The shapes of the waitlist."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from app.wire import Answer, Contact, Instant, NightDate, PartySize, Request

Word = Annotated[str, Meta(min_length=1, max_length=40)]
WaitStatus = Literal["waitlisted", "offered", "accepted", "left"]


class JoinWaitlist(Request, frozen=True):
    """`POST /v1/waitlist`: wait for tables on a night on which nothing that fits is free.

    Without `from` and `until` the slot is one seating, doors to close. `prefers` are words as for
    the availability.
    """

    night: NightDate
    party: PartySize
    contact: Contact
    slot_from: Instant | None = msgspec.field(default=None, name="from")
    slot_until: Instant | None = msgspec.field(default=None, name="until")
    prefers: Annotated[tuple[Word, ...], Meta(max_length=8)] = ()
    special_occasion: bool = False


class RankWaiting(Request, frozen=True):
    """`PATCH /v1/waitlist/{id}`: another priority by hand; null: its own again."""

    priority: Annotated[int, Meta(ge=0, le=1000)] | None


class PriorityParts(Struct, frozen=True):
    """Where a priority comes from. `by_hand`: a manager set it, and the sum does not count."""

    visits: int
    visit_points: int
    timing: int
    occasion: int
    total: int
    by_hand: int | None = None


class WaitlistOffer(Struct, frozen=True):
    """Tables that are held for the party until `hold_expires_at`."""

    booking_id: str
    tables: list[int]
    deposit_pence: int
    hold_expires_at: str


class WaitlistAnswer(Answer, frozen=True, omit_defaults=True):
    """A place on the waitlist, as its owner and the staff see it.

    `position`: how many come first, this one included. `beyond_every_set`: no set of tables takes
    the party; staff arrange it. `token`, in the answer to joining, makes the bearer its owner, and
    of what it is offered too.
    """

    waitlist_id: str
    night: str
    status: WaitStatus
    party: int
    slot_from: str = msgspec.field(name="from")
    slot_until: str = msgspec.field(name="until")
    special_occasion: bool
    priority: int
    parts: PriorityParts
    position: int | None
    offers_left: int
    joined_at: str
    version: int
    offer: WaitlistOffer | None = None
    ended_why: str | None = None
    beyond_every_set: bool = False
    token: str | None = None


class ListedWaiting(Struct, frozen=True, kw_only=True):
    """A waiting party in the night's list, the next one first; the contact for managers only."""

    waitlist_id: str
    status: WaitStatus
    party: int
    slot_from: str = msgspec.field(name="from")
    slot_until: str = msgspec.field(name="until")
    prefers: list[str]
    special_occasion: bool
    priority: int
    parts: PriorityParts
    offers_left: int
    joined_at: str
    offer: WaitlistOffer | None
    beyond_every_set: bool
    name: str | None
    phone: str | None
    email: str | None


class Waitlist(Answer, frozen=True):
    night: str
    waiting: list[ListedWaiting]
