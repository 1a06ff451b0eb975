"""The live state of one night's floor, as the fold of its book leaves it.

Everything here is immutable: an event makes a new state that shares whatever it did not touch, so
that two states are compared table by table by identity, and a reader never sees half an event.
"""

from msgspec import Struct

from floorplan.events import Figures, FloorName, Instant, Limits

AUDIENCES = ("public", "door", "manager")


class Block(Struct, frozen=True):
    """A window in which a table is out of service."""

    id: str
    blocked_from: Instant
    blocked_until: Instant
    reason: str
    in_force: bool


class TableState(Struct, frozen=True):
    """One table of the night.

    `claims` are the ids of unfinished bookings (pending or confirmed) that want the table, by the
    start of their slot; `occupied_by` is the party that sits at it.
    """

    number: int
    floor: FloorName
    capacity_min: int
    capacity_max: int
    capacity_optimal: int
    deposit_pence: int
    minimum_spend_pence: int
    claims: tuple[str, ...] = ()
    occupied_by: str | None = None
    resetting_since: Instant | None = None
    blocks: tuple[Block, ...] = ()


class BookingState(Struct, frozen=True):
    """A booking that still matters to the floor: pending, confirmed or seated."""

    id: str
    status: str
    party: int
    slot_from: Instant
    slot_until: Instant
    source: str
    tables: tuple[int, ...] = ()
    deposit_pence: int = 0
    paid_pence: int = 0
    payment_failed: bool = False
    disputed: bool = False
    hold_expires_at: Instant | None = None
    ticket_id: str | None = None
    admitted: int = 0
    left: int = 0
    arrived_at: Instant | None = None
    seated_at: Instant | None = None
    edition: int = 0  # counts the changes of it; who changes it names the one they saw
    overdue: bool = False
    generation: int | None = None  # of its code, once that was issued again: earlier ones are void


class LeaseState(Struct, frozen=True):
    """A device's right to admit tickets by itself; the tickets that it still holds.

    `recalled` are those of `held` that it was asked to give back. `is_void`: a copy of the device
    showed the lease too.
    """

    device_id: str
    door: str
    held: tuple[str, ...]
    recalled: tuple[str, ...] = ()
    is_void: bool = False


class WaitingState(Struct, frozen=True):
    """A party on the waitlist. `booking_id` is the hold that it is offered; None: it waits.

    `offers_left` is how many offers it may still leave unanswered, the present one included.
    """

    id: str
    party: int
    slot_from: Instant
    slot_until: Instant
    priority: int
    joined_at: Instant
    offers_left: int
    booking_id: str | None = None


class NightInfo(Struct, frozen=True):
    """What a night is before anybody comes. `edition` counts the edits of a manager."""

    name: str
    status: str  # "open" | "sealed"
    doors_at: Instant
    last_entry_at: Instant
    closes_at: Instant
    limits: Limits
    edition: int = 0


class NightState(Struct, frozen=True):
    """The whole floor of a night at a version.

    `changed` holds, for each audience, the version of the last event that changed what the
    audience sees; it is the `after` of that audience's next frame.
    """

    night: str
    version: int
    at: Instant
    info: NightInfo | None
    tables: dict[int, TableState]
    bookings: dict[str, BookingState]
    inside: dict[FloorName, int]
    figures: Figures
    changed: dict[str, int]
    leases: dict[str, LeaseState] = {}
    waitlist: dict[str, WaitingState] = {}


def empty_state(night: str) -> NightState:
    """The state of a night whose book has no line yet."""
    return NightState(
        night=night,
        version=0,
        at="",
        info=None,
        tables={},
        bookings={},
        inside={},
        figures=Figures(),
        changed=dict.fromkeys(AUDIENCES, 0),
    )


def table_status(table: TableState, bookings: dict[str, BookingState]) -> str:
    """The first that applies of maintenance, occupied, resetting, held, reserved, available.

    Held or reserved is told by the earliest unfinished claim. No clock is asked.
    """
    if any(block.in_force for block in table.blocks):
        return "maintenance"
    if table.occupied_by is not None:
        return "occupied"
    if table.resetting_since is not None:
        return "resetting"
    if table.claims:
        return "held" if bookings[table.claims[0]].status == "pending" else "reserved"
    return "available"
