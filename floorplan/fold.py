# ruff: noqa: ARG001 - every meaning has one signature, whether or not it asks for the instant
"""The fold: what each event of a night does to the state of its floor.

`apply` is the only place where an event gets its meaning. It never fails: an event that cannot be
read, or that speaks of a booking or table which is not there, moves the version and nothing else,
because a wrong line in the book must not blind the house. `backroom verify` names such lines.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from floorplan import changed, waiting
from floorplan import events as book
from floorplan.events import Event, EventUnreadable, Payload, payload_of
from floorplan.projection import Document, changes
from floorplan.state import Block, BookingState, LeaseState, NightInfo, NightState, TableState
from floorplan.steps import (
    booking_in,
    claim,
    counted,
    ended,
    freed,
    known_tables,
    night_info,
    not_waiting,
    offered_to,
    paid,
    seat,
    unclaimed,
    with_booking,
    with_inside,
    with_table,
    without,
)


class Step(NamedTuple):
    """One event applied: the state after it, and what each audience sees change.

    An audience that sees no difference has no entry in `changes`.
    """

    state: NightState
    changes: dict[str, Document]


def apply(state: NightState, event: Event) -> Step:
    """The state after the event; its version and instant are the event's.

    The state given is not touched. Raises ValueError: the event is not the next one of this book.
    """
    if event.version != state.version + 1 or event.book != state.night:
        raise ValueError(
            f"{event.book}:{event.version} cannot follow {state.night}:{state.version}"
        )
    try:
        payload = payload_of(event)
        after = _MEANING[type(payload)](state, payload, event.at)
    except (EventUnreadable, KeyError, ValueError, TypeError):
        after = state
    seen = changes(state, after)
    changed = {**state.changed, **dict.fromkeys(seen, event.version)}
    return Step(replace(after, version=event.version, at=event.at, changed=changed), seen)


def fold(state: NightState, events: Iterable[Event]) -> NightState:
    """The state after all the events, in order."""
    for event in events:
        state = apply(state, event).state
    return state


def is_readable(state: NightState, event: Event) -> bool:
    """Whether the event has a meaning on this state; `backroom verify` asks it of every line."""
    try:
        payload = payload_of(event)
        _MEANING[type(payload)](state, payload, event.at)
    except (EventUnreadable, KeyError, ValueError, TypeError):
        return False
    return True


# -- the night ------------------------------------------------------------------------------------


def _night_opened(state: NightState, it: book.NightOpened, at: str) -> NightState:
    tables = {
        t.number: TableState(
            number=t.number,
            floor=t.floor,
            capacity_min=t.capacity_min,
            capacity_max=t.capacity_max,
            capacity_optimal=t.capacity_optimal,
            deposit_pence=t.deposit_pence,
            minimum_spend_pence=t.minimum_spend_pence,
        )
        for t in it.tables
    }
    info = NightInfo(
        name=it.name,
        status="open",
        doors_at=it.doors_at,
        last_entry_at=it.last_entry_at,
        closes_at=it.closes_at,
        limits=it.limits,
    )
    inside = dict.fromkeys(it.limits.floors, 0)
    return replace(state, info=info, tables=tables, inside=inside)


def _night_changed(state: NightState, it: book.NightChanged, at: str) -> NightState:
    info = night_info(state)
    info = replace(
        info,
        name=it.name if it.name is not None else info.name,
        doors_at=it.doors_at or info.doors_at,
        last_entry_at=it.last_entry_at or info.last_entry_at,
        closes_at=it.closes_at or info.closes_at,
        limits=it.limits or info.limits,
        edition=info.edition + 1,
    )
    tables = dict(state.tables)
    for t in it.tables or ():
        tables[t.number] = replace(
            tables[t.number],
            floor=t.floor,
            capacity_min=t.capacity_min,
            capacity_max=t.capacity_max,
            capacity_optimal=t.capacity_optimal,
            deposit_pence=t.deposit_pence,
            minimum_spend_pence=t.minimum_spend_pence,
        )
    return replace(state, info=info, tables=tables)


def _night_sealed(state: NightState, it: book.NightSealed, at: str) -> NightState:
    for booking_id in it.completed:
        state = without(state, state.bookings[booking_id])
    info = replace(night_info(state), status="sealed")
    inside = dict.fromkeys(state.inside, 0)
    return replace(state, info=info, inside=inside, figures=it.figures, waitlist={})


# -- bookings -------------------------------------------------------------------------------------


def _booking_initiated(state: NightState, it: book.BookingInitiated, at: str) -> NightState:
    if it.booking_id in state.bookings:
        raise ValueError("the booking exists already")
    booking = BookingState(
        id=it.booking_id,
        status="pending",
        party=it.party,
        slot_from=it.slot_from,
        slot_until=it.slot_until,
        source=it.source,
    )
    walk_ins = state.figures.walk_ins + (it.source == "walk_in")
    return replace(with_booking(state, booking), figures=replace(state.figures, walk_ins=walk_ins))


def _tables_selected(state: NightState, it: book.TablesSelected, at: str) -> NightState:
    before = booking_in(state, it.booking_id, "pending")
    if before.tables:
        raise ValueError("the booking has its tables already")
    booking = replace(
        before,
        tables=known_tables(state, it.tables),
        deposit_pence=it.deposit_pence,
        hold_expires_at=it.hold_expires_at,
    )
    return claim(with_booking(state, booking), booking)


def _hold_extended(state: NightState, it: book.HoldExtended, at: str) -> NightState:
    booking = booking_in(state, it.booking_id, "pending")
    return with_booking(state, replace(booking, hold_expires_at=it.hold_expires_at))


def _hold_released(state: NightState, it: book.HoldReleased, at: str) -> NightState:
    return ended(state, booking_in(state, it.booking_id, "pending"), "holds_released")


def _hold_expired(state: NightState, it: book.HoldExpired, at: str) -> NightState:
    return ended(state, booking_in(state, it.booking_id, "pending"), "holds_expired")


def _hold_restored(state: NightState, it: book.HoldRestored, at: str) -> NightState:
    if it.booking_id in state.bookings:
        raise ValueError("the hold has not run out")
    booking = BookingState(
        id=it.booking_id,
        status="pending",
        party=it.party,
        slot_from=it.slot_from,
        slot_until=it.slot_until,
        source=it.source,
        tables=known_tables(state, it.tables),
        deposit_pence=it.deposit_pence,
        hold_expires_at=it.hold_expires_at,
        edition=it.edition,
    )
    return claim(with_booking(state, booking), booking)


def _payment_processed(state: NightState, it: book.PaymentProcessed, at: str) -> NightState:
    state = paid(state, it.booking_id, paid_pence=it.paid_pence, payment_failed=False)
    return counted(state, deposits_pence=it.amount_pence)


def _payment_failed(state: NightState, it: book.PaymentFailed, at: str) -> NightState:
    return paid(state, it.booking_id, payment_failed=True)


def _payment_refunded(state: NightState, it: book.PaymentRefunded, at: str) -> NightState:
    state = paid(state, it.booking_id, paid_pence=it.paid_pence)
    return counted(state, refunds_pence=it.amount_pence)


def _refund_reversed(state: NightState, it: book.RefundReversed, at: str) -> NightState:
    state = paid(state, it.booking_id, paid_pence=it.paid_pence)
    return counted(state, refunds_pence=-it.amount_pence)


def _payment_disputed(state: NightState, it: book.PaymentDisputed, at: str) -> NightState:
    return paid(state, it.booking_id, disputed=it.disputed)


def _payment_differed(state: NightState, it: book.PaymentDiffered, at: str) -> NightState:
    return state  # it is for a person to judge; what counts of it another line counts


def _booking_confirmed(state: NightState, it: book.BookingConfirmed, at: str) -> NightState:
    booking = replace(
        booking_in(state, it.booking_id, "pending"),
        status="confirmed",
        hold_expires_at=None,
        ticket_id=it.ticket_id,
    )
    offered = offered_to(state, it.booking_id)
    if offered is not None:  # paid without a word: that accepts it
        state = not_waiting(state, offered.id)
    return counted(with_booking(state, booking), bookings_confirmed=1)


def _booking_cancelled(state: NightState, it: book.BookingCancelled, at: str) -> NightState:
    booking = booking_in(state, it.booking_id, "pending", "confirmed")
    return ended(state, booking, "bookings_cancelled")


def _no_show_marked(state: NightState, it: book.NoShowMarked, at: str) -> NightState:
    return ended(state, booking_in(state, it.booking_id, "confirmed"), "no_shows")


# -- people ---------------------------------------------------------------------------------------


def _guest_checked_in(state: NightState, it: book.GuestCheckedIn, at: str) -> NightState:
    # A party that gave up its tables is no booking any more; its people still come and go.
    booking = state.bookings.get(it.booking_id)
    if booking is not None:
        booking = replace(
            booking, admitted=it.admitted, left=it.left, arrived_at=booking.arrived_at or at
        )
        state = with_booking(state, booking)
    return with_inside(counted(state, people_admitted=it.people), it.inside)


def _guest_checked_out(state: NightState, it: book.GuestCheckedOut, at: str) -> NightState:
    if it.booking_id in state.bookings:
        state = with_booking(state, replace(state.bookings[it.booking_id], left=it.left))
    return with_inside(counted(state, people_left=it.people), it.inside)


def _headcount_changed(state: NightState, it: book.HeadcountChanged, at: str) -> NightState:
    if it.why == "clicker" and it.change < 0:
        state = counted(state, people_left=-it.change)
    elif it.why in ("clicker", "walk_in"):
        state = counted(state, people_admitted=it.change)
    return with_inside(state, it.inside)


def _entry_refused(state: NightState, it: book.EntryRefused, at: str) -> NightState:
    return counted(state, entries_refused=1)


def _entry_overridden(state: NightState, it: book.EntryOverridden, at: str) -> NightState:
    booking = state.bookings.get(it.booking_id)
    if booking is not None:
        booking = replace(
            booking, admitted=it.admitted, left=it.left, arrived_at=booking.arrived_at or at
        )
        state = with_booking(state, booking)
    state = counted(state, entries_overridden=1, people_admitted=it.people)
    return with_inside(state, it.inside)


def _check_in_undone(state: NightState, it: book.CheckInUndone, at: str) -> NightState:
    booking = state.bookings.get(it.booking_id)
    if booking is not None:
        arrived = booking.arrived_at if it.admitted else None
        booking = replace(booking, admitted=it.admitted, left=it.left, arrived_at=arrived)
        state = with_booking(state, booking)
    figure = {"admitted": "people_admitted", "overridden": "people_admitted", "out": "people_left"}
    back = {figure[it.what]: -it.people} if it.what in figure else {}
    return with_inside(counted(state, check_ins_undone=1, **back), it.inside)


def _incident_recorded(state: NightState, it: book.IncidentRecorded, at: str) -> NightState:
    return counted(state, incidents=1)


def _code_reissued(state: NightState, it: book.CodeReissued, at: str) -> NightState:
    booking = booking_in(state, it.booking_id, "confirmed", "seated")
    return with_booking(state, replace(booking, generation=it.generation))


def _guest_code(
    state: NightState, it: book.GuestCodeIssued | book.GuestCodeRevoked, at: str
) -> NightState:
    # The floor counts parties; whose own code it was that came in, the ticket's row alone knows.
    booking_in(state, it.booking_id, "confirmed", "seated")
    return state


# -- leases ---------------------------------------------------------------------------------------


def _lease_granted(state: NightState, it: book.LeaseGranted, at: str) -> NightState:
    if it.lease_id in state.leases:
        raise ValueError("the lease exists already")
    held = tuple(sorted(ticket.ticket_id for ticket in it.tickets))
    lease = LeaseState(device_id=it.device_id, door=it.door, held=held)
    return replace(state, leases={**state.leases, it.lease_id: lease})


def _lease_recalled(state: NightState, it: book.LeaseRecalled, at: str) -> NightState:
    lease = state.leases[it.lease_id]
    recalled = tuple(sorted({*lease.recalled, *(t for t in it.tickets if t in lease.held)}))
    return replace(state, leases={**state.leases, it.lease_id: replace(lease, recalled=recalled)})


def _lease_returned(state: NightState, it: book.LeaseReturned, at: str) -> NightState:
    lease = state.leases[it.lease_id]
    back = {ticket.ticket_id for ticket in it.tickets}
    leases = dict(state.leases)
    if it.ends:
        del leases[it.lease_id]
    else:
        leases[it.lease_id] = replace(
            lease,
            held=tuple(t for t in lease.held if t not in back),
            recalled=tuple(t for t in lease.recalled if t not in back),
        )
    return replace(state, leases=leases)


def _lease_voided(state: NightState, it: book.LeaseVoided, at: str) -> NightState:
    lease = replace(state.leases[it.lease_id], is_void=True)
    return replace(state, leases={**state.leases, it.lease_id: lease})


# -- the floor ------------------------------------------------------------------------------------


def _party_seated(state: NightState, it: book.PartySeated, at: str) -> NightState:
    before = booking_in(state, it.booking_id, "confirmed")
    state = unclaimed(state, before)
    booking = replace(before, status="seated", tables=known_tables(state, it.tables), seated_at=at)
    return counted(seat(with_booking(state, booking), booking), parties_seated=1)


def _table_vacated(state: NightState, it: book.TableVacated, at: str) -> NightState:
    return freed(state, booking_in(state, it.booking_id, "seated"), resetting_since=at)


def _booking_completed(state: NightState, it: book.BookingCompleted, at: str) -> NightState:
    booking = booking_in(state, it.booking_id, "confirmed", "seated")
    return ended(state, booking, "bookings_completed")


def _table_reset(state: NightState, it: book.TableReset, at: str) -> NightState:
    return with_table(state, replace(state.tables[it.table], resetting_since=None))


def _table_blocked(state: NightState, it: book.TableBlocked, at: str) -> NightState:
    table = state.tables[it.table]
    block = Block(
        id=it.block_id,
        blocked_from=it.blocked_from,
        blocked_until=it.blocked_until,
        reason=it.reason,
        in_force=it.in_force,
    )
    others = [b for b in table.blocks if b.id != it.block_id]
    blocks = tuple(sorted([*others, block], key=lambda b: (b.blocked_from, b.id)))
    return with_table(state, replace(table, blocks=blocks))


def _table_unblocked(state: NightState, it: book.TableUnblocked, at: str) -> NightState:
    table = state.tables[it.table]
    blocks = tuple(b for b in table.blocks if b.id != it.block_id)
    return with_table(state, replace(table, blocks=blocks))


_Meaning = Callable[[NightState, Any, str], NightState]
_MEANING: Final[dict[type[Payload], _Meaning]] = {
    book.NightOpened: _night_opened,
    book.NightChanged: _night_changed,
    book.NightSealed: _night_sealed,
    book.BookingInitiated: _booking_initiated,
    book.TablesSelected: _tables_selected,
    book.HoldExtended: _hold_extended,
    book.HoldReleased: _hold_released,
    book.HoldExpired: _hold_expired,
    book.HoldRestored: _hold_restored,
    book.PaymentProcessed: _payment_processed,
    book.PaymentFailed: _payment_failed,
    book.PaymentRefunded: _payment_refunded,
    book.RefundReversed: _refund_reversed,
    book.PaymentDisputed: _payment_disputed,
    book.PaymentDiffered: _payment_differed,
    book.BookingConfirmed: _booking_confirmed,
    book.BookingCancelled: _booking_cancelled,
    book.NoShowMarked: _no_show_marked,
    book.WaitlistJoined: waiting.waitlist_joined,
    book.WaitlistRanked: waiting.waitlist_ranked,
    book.WaitlistOffered: waiting.waitlist_offered,
    book.WaitlistLeft: waiting.waitlist_left,
    book.TablesMoved: changed.tables_moved,
    book.TablesSwapped: changed.tables_swapped,
    book.BookingChanged: changed.booking_changed,
    book.BookingRescheduled: changed.booking_rescheduled,
    book.BookingSplit: changed.booking_split,
    book.BookingsMerged: changed.bookings_merged,
    book.BookingOverdue: changed.booking_overdue,
    book.BookingReinstated: changed.booking_reinstated,
    book.GuestCheckedIn: _guest_checked_in,
    book.GuestCheckedOut: _guest_checked_out,
    book.HeadcountChanged: _headcount_changed,
    book.EntryRefused: _entry_refused,
    book.LeaseGranted: _lease_granted,
    book.LeaseRecalled: _lease_recalled,
    book.LeaseReturned: _lease_returned,
    book.LeaseVoided: _lease_voided,
    book.EntryOverridden: _entry_overridden,
    book.CheckInUndone: _check_in_undone,
    book.IncidentRecorded: _incident_recorded,
    book.CodeReissued: _code_reissued,
    book.GuestCodeIssued: _guest_code,
    book.GuestCodeRevoked: _guest_code,
    book.PartySeated: _party_seated,
    book.TableVacated: _table_vacated,
    book.BookingCompleted: _booking_completed,
    book.TableReset: _table_reset,
    book.TableBlocked: _table_blocked,
    book.TableUnblocked: _table_unblocked,
}
