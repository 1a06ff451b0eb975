"""The shapes of every request and answer of the REST interface.

Unknown fields are refused. Instants are `YYYY-MM-DDTHH:MM:SS.mmmZ`, money is integer pence, ids are
UUIDs, a night is its business date `YYYY-MM-DD`.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from app.domain.incidents import IncidentKind, IncidentOutcome
from app.domain.overrides import OverrideWhy, UndoWhy
from app.domain.pins import PIN_FORM
from app.domain.sayings import Step
from app.wire.forms import (
    EMAIL_FORM,
    INSTANT_FORM,
    MOMENT_FORM,
    NIGHT_FORM,
    PHONE_FORM,
    SCANNER_FORM,
    TEXT_FORM,
    UUID_FORM,
)

NightDate = Annotated[str, Meta(pattern=NIGHT_FORM, examples=["2026-11-21"])]
TableNumber = Annotated[int, Meta(ge=1, le=16)]
PartySize = Annotated[int, Meta(ge=1, le=60)]
Instant = Annotated[
    str,
    Meta(
        pattern=INSTANT_FORM,
        examples=["2026-11-21T23:41:07.000Z"],
    ),
]
Moment = Annotated[str, Meta(pattern=MOMENT_FORM, examples=["23:42", "2026-11-21T23:42:00.000Z"])]
# No control characters: a NUL would be refused by Postgres, a newline could forge a log line.
Text = Annotated[str, Meta(min_length=1, max_length=120, pattern=TEXT_FORM)]
Uuid = Annotated[str, Meta(pattern=UUID_FORM)]
# How often a booking was changed, as the caller saw it: a change of another edition is refused.
Edition = Annotated[int, Meta(ge=0, le=1_000_000_000)]


class Request(Struct, frozen=True, forbid_unknown_fields=True):
    """A body that a client sends."""


class Answer(Struct, frozen=True, kw_only=True, omit_defaults=False):
    """A body that the service sends."""


# -- nights ---------------------------------------------------------------------------------------


class LimitsBody(Struct, frozen=True, forbid_unknown_fields=True):
    upstairs: Annotated[int, Meta(ge=1, le=5000)]
    downstairs: Annotated[int, Meta(ge=1, le=5000)]
    house: Annotated[int, Meta(ge=1, le=10000)]


class TablePrice(Struct, frozen=True, forbid_unknown_fields=True):
    """A table's prices for one night."""

    number: TableNumber
    deposit_pence: Annotated[int, Meta(ge=0, le=1_000_000)]
    minimum_spend_pence: Annotated[int, Meta(ge=0, le=10_000_000)]


class OpenNight(Request, frozen=True):
    """`POST /v1/nights`. Hours default to the venue's, as do limits and prices."""

    night: NightDate
    name: Text | None = None
    doors_at: Instant | None = None
    last_entry_at: Instant | None = None
    closes_at: Instant | None = None
    limits: LimitsBody | None = None
    prices: list[TablePrice] | None = None


class EditNight(Request, frozen=True):
    """`PATCH /v1/nights/{night}`. `status: "sealed"` closes the night for good."""

    name: Text | None = None
    doors_at: Instant | None = None
    last_entry_at: Instant | None = None
    closes_at: Instant | None = None
    limits: LimitsBody | None = None
    prices: list[TablePrice] | None = None
    status: Literal["sealed"] | None = None


class NightAnswer(Answer, frozen=True):
    night: str
    name: str
    status: str
    doors_at: str
    last_entry_at: str
    closes_at: str
    ends_at: str
    limits: LimitsBody
    tables: list[dict[str, Any]]  # number, floor, capacity, deposit_pence, minimum_spend_pence
    version: int


# -- holds and bookings ---------------------------------------------------------------------------


class Contact(Struct, frozen=True, forbid_unknown_fields=True):
    """Whose booking it is. Kept apart from everything else; never in an event."""

    name: Text
    phone: Annotated[str, Meta(max_length=30, pattern=PHONE_FORM)] | None = None
    email: Annotated[str, Meta(max_length=254, pattern=EMAIL_FORM)] | None = None


class HoldTables(Request, frozen=True):
    """`POST /v1/holds`: claim a set of tables until `hold_expires_at`.

    Without `from` and `until` the slot is one seating, doors to close.
    """

    night: NightDate
    tables: Annotated[list[TableNumber], Meta(min_length=1, max_length=4)]
    party: PartySize
    contact: Contact | None = None
    slot_from: Instant | None = msgspec.field(default=None, name="from")
    slot_until: Instant | None = msgspec.field(default=None, name="until")


class ConfirmHold(Request, frozen=True):
    """`POST /v1/holds/{id}/confirm`: the deposit was paid at the desk."""

    method: Literal["cash", "card"]
    amount_pence: Annotated[int, Meta(ge=0, le=10_000_000)]


class PayHold(Request, frozen=True):
    """`POST /v1/holds/{id}/confirm`: by its owner, without a body: the deposit is paid online.

    At the desk: what was taken, and how.
    """

    method: Literal["cash", "card"] | None = None
    amount_pence: Annotated[int, Meta(ge=0, le=10_000_000)] | None = None


class RefundBooking(Request, frozen=True):
    """`POST /v1/bookings/{id}/refund`; without an amount, all that is kept."""

    amount_pence: Annotated[int, Meta(ge=1, le=10_000_000)] | None = None


class MoveTables(Request, frozen=True):
    """`POST /v1/bookings/{id}/move`; `edition` as in If-Match."""

    tables: Annotated[list[TableNumber], Meta(min_length=1, max_length=4)]
    edition: Edition | None = None


class Nothing(Request, frozen=True):
    """An action whose address says everything: an empty object, or no body."""


class WalkIn(Request, frozen=True):
    """`POST /v1/walk-ins`: a party without a booking is let in and seated at once.

    `counted`: the clicker counted these people at the door already. `id_checked`: after
    `banned_name` the door looked at the ID, and it is somebody else.
    """

    night: NightDate
    tables: Annotated[list[TableNumber], Meta(min_length=1, max_length=4)]
    party: PartySize
    door: Annotated[str, Meta(max_length=40)]
    contact: Contact | None = None
    counted: bool = False
    id_checked: bool = False


class BookingAnswer(Answer, frozen=True, omit_defaults=True):
    """A booking as its owner and the staff see it.

    `edition` counts its changes. `due_pence` is what of the deposit is still to be paid. `requests`
    and `occasion` are the guest's, `notes` the staff's. `token`, which makes the bearer its owner,
    is in the answer to the hold; `code`, the text of the QR, is for the owner and for staff who may
    print it. `may_still_admit` is the door whose device holds the ticket and could not be asked:
    it may let the party in without knowing. `refund_pence`, what goes back of the deposit,
    is in the answer to a cancellation, `deposit` in that to an owner who pays. `series_id` is that
    of a booking that recurs.
    """

    booking_id: str
    reference: str
    night: str
    status: str
    party: int
    tables: list[int]
    slot_from: str = msgspec.field(name="from")
    slot_until: str = msgspec.field(name="until")
    source: str
    deposit_pence: int
    paid_pence: int
    hold_expires_at: str | None
    admitted: int
    left: int
    version: int
    edition: int = 0
    due_pence: int = 0
    overdue: bool = False
    requests: str | None = None
    occasion: str | None = None
    notes: str | None = None
    token: str | None = None
    code: str | None = None
    may_still_admit: str | None = None
    refund_pence: int | None = None
    series_id: str | None = None
    deposit: "DepositStep | None" = None


class DepositStep(Answer, frozen=True):
    """How the owner of a hold pays its deposit now.

    `how`: `stripe` (the card form takes `client_secret` and the public key) or `test`.
    `state`: `waiting` for a card, `failed` (the bank said no; another try may do), `action` (the
    bank asks its customer), `processing`.
    """

    how: Literal["stripe", "test"]
    state: Literal["waiting", "failed", "action", "processing"]
    amount_pence: int
    client_secret: str
    publishable_key: str | None
    why: str | None


# -- the floor ------------------------------------------------------------------------------------


class OfNight(Request, frozen=True):
    """Which night's table is meant (`vacate`, `reset`)."""

    night: NightDate


class BlockTable(Request, frozen=True):
    """`POST /v1/tables/{number}/block`. From now until the night's end unless given."""

    night: NightDate
    reason: Literal["maintenance", "spill", "broken", "safety", "club_use", "other"]
    blocked_from: Instant | None = msgspec.field(default=None, name="from")
    blocked_until: Instant | None = msgspec.field(default=None, name="until")
    even_if_booked: bool = False


class UnblockTable(Request, frozen=True):
    """`POST /v1/tables/{number}/unblock`: one block, or all of the table's."""

    night: NightDate
    block_id: Uuid | None = None


class TableAnswer(Answer, frozen=True):
    night: str
    table: int
    status: str
    version: int
    block_id: str | None = None
    booking_id: str | None = None


# -- the door -------------------------------------------------------------------------------------


class Observation(Struct, frozen=True, forbid_unknown_fields=True):
    """What a device showed while nobody could be asked; the service records it and never judges it
    again. `at` is the venue's time as the device knew it, `lease` the right that it had."""

    at: Instant
    verdict: Literal["admit", "wait", "refuse"]
    lease: Uuid | None = None


class ScanRequest(Request, frozen=True):
    """`POST /v1/scans`: one read of a code, or a typed reference.

    `id_checked`: after `banned_name` the door looked at the ID, and it is somebody else. `to_bar`:
    after `table_not_ready` they come in and wait at the bar.
    """

    scan_id: Uuid
    door: Annotated[str, Meta(min_length=1, max_length=40)]
    direction: Literal["in", "out"] = "in"
    code: Annotated[str, Meta(max_length=8192)] | None = None
    reference: Annotated[str, Meta(max_length=64)] | None = None
    people: Annotated[int, Meta(ge=1, le=60)] | None = None
    id_checked: bool = False
    to_bar: bool = False
    observed: Observation | None = None


class Supervisor(Request, frozen=True):
    """Who stands by an act against the rule: `staff_id` (oneself, where it is left out) and PIN."""

    pin: Annotated[str, Meta(pattern=PIN_FORM)]
    staff_id: Uuid | None = None


class OverrideScan(Request, frozen=True):
    """`POST /v1/scans/{scan_id}/override`: a supervisor lets `people` in against the rules.

    Without `rules` it is the scan's own reason alone; another one that stands behind it has to be
    named too (409 `still_refused` says it).
    """

    supervisor: Supervisor
    reason: OverrideWhy
    people: Annotated[int, Meta(ge=1, le=60)] = 1
    rules: Annotated[list[Annotated[str, Meta(max_length=40)]], Meta(max_length=8)] | None = None


class UndoScan(Request, frozen=True):
    """`POST /v1/scans/{scan_id}/undo`: a supervisor takes the scan's count back.

    `scanner`, for managers: whose scan it is (`device:<id>`), if not one's own.
    """

    supervisor: Supervisor
    reason: UndoWhy
    scanner: Annotated[str, Meta(pattern=SCANNER_FORM)] | None = None


class UndoneAnswer(Answer, frozen=True):
    """What was taken back; `admitted`, `gone` and `inside` are the counts after it."""

    scan_id: str
    undone_at: str
    reason: str
    people: int
    admitted: int
    gone: int
    inside: dict[str, int]
    version: int


class ReissueCode(Request, frozen=True):
    """`POST /v1/bookings/{id}/reissue`: every code of the booking so far is void."""

    reason: Literal["lost", "shared", "name_changed", "unreadable", "other"] = "other"


class ReissuedAnswer(Answer, frozen=True):
    """`may_still_admit`: the doors that may admit the old code until their device is heard of."""

    booking_id: str
    generation: int
    may_still_admit: list[str]
    version: int


class RecordIncident(Request, frozen=True):
    """`POST /v1/incidents`: words of a list; who it was stands in the club's own register."""

    night: NightDate
    door: Annotated[str, Meta(min_length=1, max_length=40)]
    kind: IncidentKind
    outcome: IncidentOutcome
    people: Annotated[int, Meta(ge=0, le=60)] = 1
    booking_id: Uuid | None = None


class IncidentAnswer(Answer, frozen=True):
    """The id under which the club's own register may tell who it was."""

    incident_id: str
    at: str
    version: int


class HeadcountRequest(Request, frozen=True):
    """`POST /v1/headcount`: the clicker (`change`), or a head count that corrects (`people`)."""

    night: NightDate
    door: Annotated[str, Meta(min_length=1, max_length=40)]
    floor: Literal["upstairs", "downstairs"]
    change: Annotated[int, Meta(ge=-100, le=100)] | None = None
    people: Annotated[int, Meta(ge=0, le=5000)] | None = None


class Seen(Struct, frozen=True):
    """The last scan that counted on this ticket: `by` is `device:<id>` or `staff:<id>`, `seconds`
    how long before this one it was."""

    at: str
    door: str
    by: str | None
    seconds: int


class Room(Struct, frozen=True):
    """People inside and the limit that counts; `free` is never negative."""

    inside: int
    limit: int
    free: int


class CapacityFigures(Struct, frozen=True):
    """The counts with this verdict's people: the door's floor, the house, and `elsewhere` the
    other floors. `may_enter` is how many more may come in by this door."""

    floor: str
    here: Room
    house: Room
    elsewhere: dict[str, Room]
    may_enter: int


class Caution(Struct, frozen=True):
    """What staff should know beside the verdict; a stable word, and a sentence."""

    reason: Literal["floor_nearly_full", "house_nearly_full"]
    text: str


class HeadcountAnswer(Answer, frozen=True):
    night: str
    inside: dict[str, int]
    limits: dict[str, int]
    version: int
    warnings: list[Caution] = []


class HeldBy(Struct, frozen=True):
    """Who holds the lease of the ticket; `seconds` since the device was last heard of."""

    door: str
    seconds: int | None


class Verdict(Answer, frozen=True):
    """The stored answer of a scan; the same bytes for ever.

    `title` is the word that is read from two metres, `instruction` what staff do next, `tell` what
    they say to the guest, `steps` what they may do, each a button (docs/door.md). `left_to_enter`
    is how many may still pass on this code, `gone` how many of the party are out at present.
    `guest_number` is set when one guest's own code was read.
    """

    scan_id: str
    verdict: Literal["admit", "wait", "refuse"]
    reason: str
    title: str
    instruction: str
    at: str
    door: str
    people: int = 0
    booking_id: str | None = None
    party: int | None = None
    admitted: int | None = None
    left_to_enter: int | None = None
    tables: list[int] = []
    floor: str | None = None
    version: int | None = None
    direction: Literal["in", "out"] = "in"
    tell: str = ""
    steps: list[Step] = []
    gone: int | None = None
    guest_number: int | None = None
    seen: Seen | None = None
    capacity: CapacityFigures | None = None
    warnings: list[Caution] = []
    held_by: HeldBy | None = None
    send_to: str | None = None  # the door where they belong
