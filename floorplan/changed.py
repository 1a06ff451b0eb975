# ruff: noqa: ARG001 - every meaning has one signature, whether or not it asks for the instant
"""What the changes of bookings mean: other tables, another time, another size, two parties."""

from msgspec.structs import replace

from floorplan import events as book
from floorplan.state import BookingState, NightState
from floorplan.steps import (
    booking_in,
    carried,
    claim,
    counted,
    freed,
    known_tables,
    placed,
    travelled,
    unclaimed,
    with_booking,
    without,
)


def tables_moved(state: NightState, it: book.TablesMoved, at: str) -> NightState:
    before = state.bookings[it.booking_id]
    edition = before.edition if it.edition is None else it.edition
    after = replace(before, tables=known_tables(state, it.tables), edition=edition)
    return placed(state, [(before, after)], at)


def tables_swapped(state: NightState, it: book.TablesSwapped, at: str) -> NightState:
    one, other = state.bookings[it.booking_id], state.bookings[it.other_id]
    theirs = known_tables(state, it.tables_before)
    changed = [
        (one, replace(one, tables=known_tables(state, it.tables), edition=it.edition)),
        (other, replace(other, tables=theirs, edition=it.other_edition)),
    ]
    return placed(state, changed, at)


def booking_changed(state: NightState, it: book.BookingChanged, at: str) -> NightState:
    before = state.bookings[it.booking_id]
    booking = replace(
        before,
        edition=it.edition,
        party=before.party if it.party is None else it.party,
        deposit_pence=before.deposit_pence if it.deposit_pence is None else it.deposit_pence,
    )
    return with_booking(state, booking)


def booking_rescheduled(state: NightState, it: book.BookingRescheduled, at: str) -> NightState:
    if it.booking is not None:
        arrived = carried(
            state, it.booking_id, it.booking, it.edition, it.slot_from, it.slot_until, it.tables
        )
        booking = replace(arrived, deposit_pence=it.deposit_pence)
        return travelled(claim(with_booking(state, booking), booking), booking, 1)
    before = booking_in(state, it.booking_id, "pending", "confirmed", "seated")
    if it.night != state.night:
        return travelled(without(state, before), before, -1)
    after = replace(
        before,
        edition=it.edition,
        slot_from=it.slot_from,
        slot_until=it.slot_until,
        tables=known_tables(state, it.tables),
        deposit_pence=it.deposit_pence,
        overdue=False,
    )
    return placed(state, [(before, after)], at)


def booking_split(state: NightState, it: book.BookingSplit, at: str) -> NightState:
    before = booking_in(state, it.booking_id, "confirmed", "seated")
    if it.other_id in state.bookings:
        raise ValueError("the booking exists already")
    after = replace(
        before,
        edition=it.edition,
        party=it.party,
        tables=known_tables(state, it.tables),
        admitted=before.admitted - it.people,
    )
    other = BookingState(
        id=it.other_id,
        status=it.other_status,
        party=it.other_party,
        slot_from=before.slot_from,
        slot_until=before.slot_until,
        source=before.source,
        tables=known_tables(state, it.other_tables),
        ticket_id=it.ticket_id,
        admitted=it.people,
        arrived_at=before.arrived_at if it.people else None,
        seated_at=before.seated_at if it.other_status == "seated" else None,
    )
    return placed(state, [(before, after)], at, new=other)


def bookings_merged(state: NightState, it: book.BookingsMerged, at: str) -> NightState:
    before, other = state.bookings[it.booking_id], state.bookings[it.other_id]
    after = replace(
        before,
        edition=it.edition,
        party=it.party,
        tables=known_tables(state, it.tables),
        admitted=it.admitted,
        left=it.left,
        arrived_at=min(filter(None, (before.arrived_at, other.arrived_at)), default=None),
    )
    left_behind = [number for number in other.tables if number not in after.tables]
    state = freed(unclaimed(state, other), other, resetting_since=at, only=left_behind)
    return placed(without(state, other), [(before, after)], at)


def booking_overdue(state: NightState, it: book.BookingOverdue, at: str) -> NightState:
    booking = booking_in(state, it.booking_id, "confirmed")
    return with_booking(state, replace(booking, overdue=True))


def booking_reinstated(state: NightState, it: book.BookingReinstated, at: str) -> NightState:
    booking = carried(
        state, it.booking_id, it.booking, it.edition, it.slot_from, it.slot_until, it.tables
    )
    return counted(claim(with_booking(state, booking), booking), no_shows=-1)
