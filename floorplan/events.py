"""The catalogue of the night's book: every event type with its payload, in one place.

An event is one committed step of a book. Its payload carries ids, numbers and instants, never
personal data. Instants are texts of one form, `YYYY-MM-DDTHH:MM:SS.mmmZ` (UTC), so that they sort
as text and mean the same bytes in Postgres, Python and the browser. Money is integer pence.

Unknown fields are refused: a payload that this catalogue cannot read is not an event of ours. It
keeps its version in the book, changes nothing on the floor, and `backroom verify` names it.
"""

from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Struct

from floorplan.entries import (
    CheckInUndone,
    CodeReissued,
    EntryOverridden,
    EntryRefused,
    GuestCheckedIn,
    GuestCheckedOut,
    GuestCodeIssued,
    GuestCodeRevoked,
    HeadcountChanged,
    IncidentRecorded,
)
from floorplan.leases import (
    LeasedTicket,
    LeaseGranted,
    LeaseRecalled,
    LeaseReturned,
    LeaseVoided,
    ReturnedTicket,
)
from floorplan.money import (
    HoldExtended,
    HoldRestored,
    PaymentDiffered,
    PaymentDisputed,
    PaymentFailed,
    PaymentProcessed,
    PaymentRefunded,
    RefundReversed,
)
from floorplan.payload import FloorName, Instant, Payload
from floorplan.places import WaitlistJoined, WaitlistLeft, WaitlistOffered, WaitlistRanked

# The payloads of the door, of money and of the waitlist stand in modules of their own, and are
# read here with the others.
__all__ = [
    "CheckInUndone",
    "CodeReissued",
    "EntryOverridden",
    "EntryRefused",
    "FloorName",
    "GuestCheckedIn",
    "GuestCheckedOut",
    "GuestCodeIssued",
    "GuestCodeRevoked",
    "HeadcountChanged",
    "HoldExtended",
    "HoldRestored",
    "IncidentRecorded",
    "Instant",
    "LeaseGranted",
    "LeaseRecalled",
    "LeaseReturned",
    "LeaseVoided",
    "LeasedTicket",
    "Payload",
    "PaymentDiffered",
    "PaymentDisputed",
    "PaymentFailed",
    "PaymentProcessed",
    "PaymentRefunded",
    "RefundReversed",
    "ReturnedTicket",
    "WaitlistJoined",
    "WaitlistLeft",
    "WaitlistOffered",
    "WaitlistRanked",
]


class EventUnreadable(Exception):
    """The type is not in the catalogue, or the payload does not have its type's shape."""


class NightTable(Struct, frozen=True, forbid_unknown_fields=True):
    """A table as one night offers it; prices may differ from night to night."""

    number: int
    floor: FloorName
    capacity_min: int
    capacity_max: int
    capacity_optimal: int
    deposit_pence: int
    minimum_spend_pence: int


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """The most people that the licence and the fire certificate allow inside."""

    floors: dict[FloorName, int]
    house: int


class NightOpened(Payload, frozen=True):
    """A manager opened the night: it can be booked."""

    name: str
    doors_at: Instant
    last_entry_at: Instant
    closes_at: Instant
    limits: Limits
    tables: list[NightTable]


class NightChanged(Payload, frozen=True):
    """A manager edited the night; only the fields that changed are present."""

    name: str | None = None
    doors_at: Instant | None = None
    last_entry_at: Instant | None = None
    closes_at: Instant | None = None
    limits: Limits | None = None
    tables: list[NightTable] | None = None


class Figures(Struct, frozen=True, forbid_unknown_fields=True):
    """The running totals of a night; sealed, they are its figures for ever."""

    bookings_confirmed: int = 0
    bookings_cancelled: int = 0
    bookings_completed: int = 0
    holds_expired: int = 0
    holds_released: int = 0
    no_shows: int = 0
    walk_ins: int = 0
    parties_seated: int = 0
    people_admitted: int = 0
    people_left: int = 0
    people_peak: int = 0
    entries_refused: int = 0
    entries_overridden: int = 0
    check_ins_undone: int = 0
    incidents: int = 0
    deposits_pence: int = 0
    refunds_pence: int = 0


class NightSealed(Payload, frozen=True):
    """The night is over: its figures stand, and parties still seated are completed."""

    figures: Figures
    completed: list[str]


class BookingInitiated(Payload, frozen=True, omit_defaults=True):
    """A party asked for tables; the claim follows in TABLES_SELECTED."""

    booking_id: str
    party: int
    slot_from: Instant
    slot_until: Instant
    source: str  # "public" | "desk" | "walk_in"
    series_id: str | None = None  # of a booking that recurs


class TablesSelected(Payload, frozen=True):
    """The booking claims these tables; unpaid, until `hold_expires_at`."""

    booking_id: str
    tables: list[int]
    deposit_pence: int
    hold_expires_at: Instant | None


class BookingConfirmed(Payload, frozen=True, omit_defaults=True):
    """The claim no longer expires; the party has its ticket."""

    booking_id: str
    ticket_id: str
    generation: int = 1  # of the ticket's code


class BookingCancelled(Payload, frozen=True):
    """The booking ended before the party came; its tables are free."""

    booking_id: str
    by: str  # "guest" | "staff"


class HoldReleased(Payload, frozen=True):
    """The one who held the tables let them go."""

    booking_id: str


class HoldExpired(Payload, frozen=True):
    """Nobody paid in time; the tables are free."""

    booking_id: str


class TablesMoved(Payload, frozen=True, omit_defaults=True):
    """The party's claim, or the seated party itself, went from one set to another."""

    booking_id: str
    tables_before: list[int]
    tables: list[int]
    edition: int | None = None  # the booking's, after it


class TablesSwapped(Payload, frozen=True):
    """Two parties changed places: each has the tables that the other had."""

    booking_id: str
    tables_before: list[int]
    tables: list[int]
    edition: int
    other_id: str
    other_edition: int


class BookingChanged(Payload, frozen=True, omit_defaults=True):
    """The booking was edited: `changed` names what, and the numbers of it are here.

    What the guest wishes is personal data and stands in no event.
    """

    booking_id: str
    edition: int
    changed: list[str]  # "party" | "deposit" | "requests" | "occasion" | "notes"
    party: int | None = None
    deposit_pence: int | None = None


class Carried(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A booking as it comes into a book that does not know it, or knows it no more."""

    status: str
    party: int
    source: str
    deposit_pence: int
    paid_pence: int
    hold_expires_at: Instant | None = None
    extended: bool = False
    ticket_id: str | None = None
    generation: int = 1
    disputed: bool = False


class BookingRescheduled(Payload, frozen=True, omit_defaults=True):
    """The booking is for another time; when that is another night, both books have the line.

    The book of `night_before` says where it went; that of `night` has the booking with it. Lines of
    earlier releases do not say the time before.
    """

    booking_id: str
    edition: int
    night_before: str
    night: str
    slot_from: Instant
    slot_until: Instant
    tables_before: list[int]
    tables: list[int]
    deposit_pence: int
    booking: Carried | None = None
    slot_from_before: Instant | None = None
    slot_until_before: Instant | None = None


class BookingSplit(Payload, frozen=True):
    """A part of the party is a booking of its own, `other_id`, at its own tables.

    `people` of it were in already and are counted with it from now on.
    """

    booking_id: str
    edition: int
    party: int
    tables: list[int]
    other_id: str
    other_party: int
    other_tables: list[int]
    other_status: str
    people: int
    ticket_id: str
    generation: int


class BookingsMerged(Payload, frozen=True):
    """Two parties are one: `other_id` ended, and its people are of `booking_id`.

    What was paid for `other_id` stays in its account.
    """

    booking_id: str
    edition: int
    party: int
    tables: list[int]
    other_id: str
    people: int
    admitted: int
    left: int


class BookingOverdue(Payload, frozen=True):
    """The grace is over and nobody of the party came: somebody should decide."""

    booking_id: str


class BookingReinstated(Payload, frozen=True, omit_defaults=True):
    """The party came after it was marked a no-show, and its booking stands again."""

    booking_id: str
    edition: int
    slot_from: Instant
    slot_until: Instant
    tables: list[int]
    booking: Carried


class PartySeated(Payload, frozen=True):
    """The party sits at its tables."""

    booking_id: str
    tables: list[int]


class TableVacated(Payload, frozen=True):
    """The party left its tables; they wait to be reset."""

    booking_id: str
    tables: list[int]


class BookingCompleted(Payload, frozen=True):
    """The party is done; its booking is over."""

    booking_id: str


class TableReset(Payload, frozen=True):
    """The table is laid again."""

    table: int


class TableBlocked(Payload, frozen=True):
    """The table is out of service for a window.

    `in_force` says whether the window had begun at the event; one that had not is blocked a second
    time, by the same `block_id`, when it begins: the state never looks at a clock.
    """

    block_id: str
    table: int
    blocked_from: Instant
    blocked_until: Instant
    reason: str
    in_force: bool


class TableUnblocked(Payload, frozen=True):
    """The table is in service again: lifted by hand, or its window ended."""

    block_id: str
    table: int
    why: str  # "lifted" | "ended"


class NoShowMarked(Payload, frozen=True):
    """The party never came; its tables are free."""

    booking_id: str


CATALOGUE: Final[dict[str, type[Payload]]] = {
    "NIGHT_OPENED": NightOpened,
    "NIGHT_CHANGED": NightChanged,
    "NIGHT_SEALED": NightSealed,
    "BOOKING_INITIATED": BookingInitiated,
    "TABLES_SELECTED": TablesSelected,
    "HOLD_EXTENDED": HoldExtended,
    "HOLD_RELEASED": HoldReleased,
    "HOLD_EXPIRED": HoldExpired,
    "HOLD_RESTORED": HoldRestored,
    "PAYMENT_PROCESSED": PaymentProcessed,
    "PAYMENT_FAILED": PaymentFailed,
    "PAYMENT_REFUNDED": PaymentRefunded,
    "REFUND_REVERSED": RefundReversed,
    "PAYMENT_DISPUTED": PaymentDisputed,
    "PAYMENT_DIFFERED": PaymentDiffered,
    "BOOKING_CONFIRMED": BookingConfirmed,
    "BOOKING_CANCELLED": BookingCancelled,
    "TABLES_MOVED": TablesMoved,
    "TABLES_SWAPPED": TablesSwapped,
    "BOOKING_CHANGED": BookingChanged,
    "BOOKING_RESCHEDULED": BookingRescheduled,
    "BOOKING_SPLIT": BookingSplit,
    "BOOKINGS_MERGED": BookingsMerged,
    "BOOKING_OVERDUE": BookingOverdue,
    "GUEST_CHECKED_IN": GuestCheckedIn,
    "GUEST_CHECKED_OUT": GuestCheckedOut,
    "HEADCOUNT_CHANGED": HeadcountChanged,
    "ENTRY_REFUSED": EntryRefused,
    "LEASE_GRANTED": LeaseGranted,
    "LEASE_RECALLED": LeaseRecalled,
    "LEASE_RETURNED": LeaseReturned,
    "LEASE_VOIDED": LeaseVoided,
    "ENTRY_OVERRIDDEN": EntryOverridden,
    "CHECK_IN_UNDONE": CheckInUndone,
    "INCIDENT_RECORDED": IncidentRecorded,
    "CODE_REISSUED": CodeReissued,
    "GUEST_CODE_ISSUED": GuestCodeIssued,
    "GUEST_CODE_REVOKED": GuestCodeRevoked,
    "PARTY_SEATED": PartySeated,
    "TABLE_VACATED": TableVacated,
    "BOOKING_COMPLETED": BookingCompleted,
    "TABLE_RESET": TableReset,
    "TABLE_BLOCKED": TableBlocked,
    "TABLE_UNBLOCKED": TableUnblocked,
    "NO_SHOW_MARKED": NoShowMarked,
    "BOOKING_REINSTATED": BookingReinstated,
    "WAITLIST_JOINED": WaitlistJoined,
    "WAITLIST_RANKED": WaitlistRanked,
    "WAITLIST_OFFERED": WaitlistOffered,
    "WAITLIST_LEFT": WaitlistLeft,
}
TYPE_OF: Final[dict[type[Payload], str]] = {shape: name for name, shape in CATALOGUE.items()}


def decoders_of(
    catalogue: Mapping[str, type[Payload]],
) -> dict[str, msgspec.json.Decoder[Payload]]:
    """What reads the payload of each type of a book's catalogue."""
    return {name: msgspec.json.Decoder(shape) for name, shape in catalogue.items()}


_DECODERS: Final = decoders_of(CATALOGUE)


class Event(Struct, frozen=True):
    """One line of a book as Postgres returned it.

    `payload` holds the JSON text of the payload; `payload_of` gives it its shape. `at` is the
    commit order's instant: never before the line above.
    """

    book: str
    version: int
    type: str
    subject: str
    at: Instant
    actor: str
    correlation_id: str
    payload: bytes


def payload_of(event: Event) -> Payload:
    """The payload in the shape of its type.

    Raises EventUnreadable: the type is unknown, or the payload is not of its shape.
    """
    return read_payload(event, _DECODERS)


def catalogue_table() -> str:
    """The catalogue as a Markdown table, for `docs/events.md`."""
    return table_of(CATALOGUE)


def read_payload(event: Event, decoders: Mapping[str, msgspec.json.Decoder[Payload]]) -> Payload:
    """The payload by its book's catalogue. Raises EventUnreadable."""
    decoder = decoders.get(event.type)
    if decoder is None:
        raise EventUnreadable(f"{event.book}:{event.version}: no event type {event.type!r}")
    try:
        return decoder.decode(event.payload)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise EventUnreadable(f"{event.book}:{event.version}: {event.type}: {error}") from error


def table_of(catalogue: Mapping[str, type[Payload]]) -> str:
    """A book's catalogue as a Markdown table."""
    rows = ["| event | what became true | payload |", "|---|---|---|"]
    for name, shape in catalogue.items():
        meaning = " ".join((shape.__doc__ or "").split("\n\n")[0].split())
        fields = ", ".join(f"`{field.encode_name}`" for field in msgspec.structs.fields(shape))
        rows.append(f"| `{name}` | {meaning} | {fields} |")
    return "\n".join(rows) + "\n"
