"""The steps that the meanings of events are made of: a booking in or out, a table taken or left."""

from typing import Any

from msgspec.structs import replace

from floorplan import events as book
from floorplan.state import BookingState, NightInfo, NightState, TableState, WaitingState


def night_info(state: NightState) -> NightInfo:
    if state.info is None:
        raise ValueError("the night was never opened")
    return state.info


def booking_in(state: NightState, booking_id: str, *statuses: str) -> BookingState:
    booking = state.bookings[booking_id]
    if booking.status not in statuses:
        raise ValueError(f"the booking is {booking.status}")
    return booking


def carried(
    state: NightState,
    booking_id: str,
    it: book.Carried,
    edition: int,
    slot_from: str,
    slot_until: str,
    tables: list[int],
) -> BookingState:
    """The booking as it comes into this book."""
    if booking_id in state.bookings:
        raise ValueError("the booking exists already")
    return BookingState(
        id=booking_id,
        status=it.status,
        party=it.party,
        slot_from=slot_from,
        slot_until=slot_until,
        source=it.source,
        tables=known_tables(state, tables),
        deposit_pence=it.deposit_pence,
        paid_pence=it.paid_pence,
        hold_expires_at=it.hold_expires_at,
        ticket_id=it.ticket_id,
        edition=edition,
        disputed=it.disputed,
    )


def travelled(state: NightState, booking: BookingState, sign: int) -> NightState:
    """A booking takes with it what it counts for: its money, and that it is confirmed."""
    return counted(
        state,
        deposits_pence=sign * booking.paid_pence,
        bookings_confirmed=sign * (booking.status != "pending"),
    )


def placed(
    state: NightState,
    changed: list[tuple[BookingState, BookingState]],
    at: str,
    *,
    new: BookingState | None = None,
) -> NightState:
    """The bookings are at the tables of their new state, `new` at its own; all leave before any
    arrives.

    A table that a seated party leaves waits to be laid, unless another one has sat down at it.
    """
    arriving = [after for _, after in changed] + ([new] if new else [])
    taken = {n for booking in arriving if booking.status == "seated" for n in booking.tables}
    for before, _ in changed:
        if before.status == "seated":
            behind = [number for number in before.tables if number not in taken]
            state = freed(state, before, resetting_since=at, only=behind)
            state = freed(state, before, resetting_since=None)
        else:
            state = unclaimed(state, before)
    for booking in arriving:
        state = with_booking(state, booking)
    for booking in arriving:
        arrive = seat if booking.status == "seated" else claim
        state = arrive(state, booking)
    return state


def paid(state: NightState, booking_id: str, **changed: Any) -> NightState:
    """The booking's money is otherwise. It moves, too, when the booking is over and no longer of
    this state: late, back, in dispute."""
    booking = state.bookings.get(booking_id)
    return state if booking is None else with_booking(state, replace(booking, **changed))


def known_tables(state: NightState, numbers: list[int]) -> tuple[int, ...]:
    for number in numbers:
        if number not in state.tables:
            raise KeyError(number)
    return tuple(sorted(numbers))


def with_table(state: NightState, table: TableState) -> NightState:
    return replace(state, tables={**state.tables, table.number: table})


def with_booking(state: NightState, booking: BookingState) -> NightState:
    return replace(state, bookings={**state.bookings, booking.id: booking})


def counted(state: NightState, **added: int) -> NightState:
    if state.info is not None and state.info.status == "sealed":
        return state  # the sealed figures stand; what comes after is reported beside them
    figures = state.figures
    totals = {name: getattr(figures, name) + amount for name, amount in added.items()}
    return replace(state, figures=replace(figures, **totals))


def with_inside(state: NightState, inside: dict[str, int]) -> NightState:
    peak = max(state.figures.people_peak, sum(inside.values()))
    return replace(state, inside=inside, figures=replace(state.figures, people_peak=peak))


def claim(state: NightState, booking: BookingState) -> NightState:
    tables = dict(state.tables)
    for number in booking.tables:
        ids = {*tables[number].claims, booking.id}
        ordered = sorted(ids, key=lambda i: (state.bookings[i].slot_from, i))
        tables[number] = replace(tables[number], claims=tuple(ordered))
    return replace(state, tables=tables)


def unclaimed(state: NightState, booking: BookingState) -> NightState:
    tables = dict(state.tables)
    for number in booking.tables:
        claims = tuple(i for i in tables[number].claims if i != booking.id)
        tables[number] = replace(tables[number], claims=claims)
    return replace(state, tables=tables)


def seat(state: NightState, booking: BookingState) -> NightState:
    tables = dict(state.tables)
    for number in booking.tables:
        if tables[number].occupied_by not in (None, booking.id):
            raise ValueError("another party sits there")
        tables[number] = replace(tables[number], occupied_by=booking.id)
    return replace(state, tables=tables)


def freed(
    state: NightState,
    booking: BookingState,
    *,
    resetting_since: str | None,
    only: list[int] | None = None,
) -> NightState:
    tables = dict(state.tables)
    for number in booking.tables if only is None else only:
        if tables[number].occupied_by == booking.id:
            tables[number] = replace(
                tables[number], occupied_by=None, resetting_since=resetting_since
            )
    return replace(state, tables=tables)


def without(state: NightState, booking: BookingState) -> NightState:
    state = freed(unclaimed(state, booking), booking, resetting_since=None)
    bookings = {i: b for i, b in state.bookings.items() if i != booking.id}
    return replace(state, bookings=bookings)


def ended(state: NightState, booking: BookingState, figure: str) -> NightState:
    state = unanswered(state, booking.id)
    return counted(without(state, booking), **{figure: 1})


def not_waiting(state: NightState, entry_id: str) -> NightState:
    return replace(
        state, waitlist={i: entry for i, entry in state.waitlist.items() if i != entry_id}
    )


def offered_to(state: NightState, booking_id: str) -> WaitingState | None:
    """The waiting party whose offer the hold is."""
    return next((e for e in state.waitlist.values() if e.booking_id == booking_id), None)


def unanswered(state: NightState, booking_id: str) -> NightState:
    """A hold is over: the party whose offer it was waits on, unless that was its last."""
    entry = offered_to(state, booking_id)
    if entry is None:
        return state
    if entry.offers_left <= 1:
        return not_waiting(state, entry.id)
    entry = replace(entry, booking_id=None, offers_left=entry.offers_left - 1)
    return replace(state, waitlist={**state.waitlist, entry.id: entry})
