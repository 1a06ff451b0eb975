"""The shapes of people and their rights: looked up, shown, exported, erased; and of bans."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from app.wire import Answer, Instant, Request, Text, Uuid
from app.wire.forms import EMAIL_FORM, PHONE_FORM, TEXT_FORM

Phone = Annotated[str, Meta(max_length=30, pattern=PHONE_FORM)]
Email = Annotated[str, Meta(max_length=254, pattern=EMAIL_FORM)]
BanReason = Literal[
    "violence", "harassment", "theft", "damage", "drugs", "weapon", "underage", "fraud", "other"
]
ExportFormat = Literal["json", "html"]
# What stays after an erasure: what was paid, without a name; and that somebody is not welcome.
Retained = Literal["financial_records", "ban"]


class FindPeople(Request, frozen=True):
    """`POST /v1/people/find`: by the whole telephone number, or the whole e-mail address.

    In the body and not in the address, where proxies and browsers keep what was asked.
    """

    phone: Phone | None = None
    email: Email | None = None


class PersonsBookingAnswer(Answer, frozen=True):
    """A booking of a person."""

    booking_id: str
    reference: str
    night: str
    status: str
    party: int
    tables: list[int]


class PersonAnswer(Answer, frozen=True):
    """A person, masked. Without a name they cannot be shown: erased, or their key is away."""

    person_id: str
    name: str | None
    phone: str | None
    email: str | None
    created_at: str
    bookings: list[PersonsBookingAnswer]


class People(Answer, frozen=True):
    people: list[PersonAnswer]


class RevealedPerson(Answer, frozen=True):
    """A person as they gave themselves; that it was asked for is in the audit."""

    person_id: str
    name: str
    phone: str | None
    email: str | None


class ExportQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """`format`: `json` to take elsewhere, `html` to read."""

    format: ExportFormat = "json"


class ExportedBooking(Answer, frozen=True):
    """A booking, when its party came, and what was wished and noted of it.

    Instants in UTC, money in pence.
    """

    reference: str
    night: str
    status: str
    party: int
    tables: list[int]
    slot_from: str = msgspec.field(name="from")
    slot_until: str = msgspec.field(name="until")
    booked_by: str
    booked_at: str
    deposit_pence: int
    paid_pence: int
    people_admitted: int
    last_seen_at: str | None
    requests: str | None
    occasion: str | None
    notes: str | None
    guests: list[str]  # what those who have a code of their own were called


class ExportedPayment(Answer, frozen=True):
    reference: str
    amount_pence: int
    currency: str
    method: str
    at: str


class ExportedBan(Answer, frozen=True):
    reason: str
    note: str | None
    added_at: str
    until: str | None
    lifted_at: str | None


class ExportedPlace(Answer, frozen=True):
    """A place on the waitlist: what was waited and wished for, in which order, and how it ended."""

    night: str
    status: str
    party: int
    slot_from: str = msgspec.field(name="from")
    slot_until: str = msgspec.field(name="until")
    wishes: list[str]
    special_occasion: bool
    priority: int
    earlier_visits: int
    joined_at: str
    ended_why: str | None


class Export(Answer, frozen=True):
    """Everything that is kept about a person (UK GDPR, articles 15 and 20)."""

    venue: str
    made_at: str
    person_id: str
    known_since: str
    name: str | None
    phone: str | None
    email: str | None
    bookings: list[ExportedBooking]
    waitlist: list[ExportedPlace]
    payments: list[ExportedPayment]
    bans: list[ExportedBan]
    purposes: list[str]


class ErasedAnswer(Answer, frozen=True):
    """Whose data is destroyed, and what is kept without it.

    `financial_records`: what was paid, without a name, for seven years. `ban`: that somebody with
    this name, telephone or address is not welcome, as digests alone, until the ban ends.
    """

    person_id: str
    erased_at: str
    retained: list[Retained]
    version: int


class AddBan(Request, frozen=True):
    """`POST /v1/bans`: the booking's person, or somebody by name and, if known, telephone.

    Without `until` the ban lasts until it is lifted. `note` is sealed with the person's data.
    """

    reason: BanReason
    booking_id: Uuid | None = None
    name: Text | None = None
    phone: Phone | None = None
    email: Email | None = None
    until: Instant | None = None
    note: Annotated[str, Meta(min_length=1, max_length=500, pattern=TEXT_FORM)] | None = None


class LiftBan(Request, frozen=True):
    """`POST /v1/bans/{ban_id}/lift`: the person is welcome again."""

    edition: Annotated[int, Meta(ge=0, le=2**31 - 1)] | None = None


class BanAnswer(Answer, frozen=True, omit_defaults=True):
    """A ban; `edition` changes when it does.

    `may_still_admit`: doors whose tablet holds a ticket of the person and could not be asked.
    """

    ban_id: str
    person_id: str
    booking_id: str | None
    reason: str
    until: str | None
    added_by: str
    added_at: str
    lifted_by: str | None
    lifted_at: str | None
    edition: int
    version: int
    may_still_admit: tuple[str, ...] = ()


class ListedBan(Answer, frozen=True):
    """A ban as managers read it: the telephone and the address masked."""

    ban_id: str
    person_id: str
    booking_id: str | None
    name: str | None
    phone: str | None
    email: str | None
    reason: str
    note: str | None
    until: str | None
    in_force: bool
    added_by: str
    added_at: str
    lifted_by: str | None
    lifted_at: str | None
    edition: int


class Bans(Answer, frozen=True):
    bans: list[ListedBan]
