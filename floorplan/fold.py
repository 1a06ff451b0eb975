# ruff: noqa: ARG001 - every meaning has one signature, whether or not it asks for the instant
"""The fold: what each event of a night does to the state of its floor.

`apply` is the only place where an event gets its meaning. It never fails: an event that cannot be
read, or that speaks of a booking or table which is not there, moves the version and nothing else,
because a wrong line in the book must not blind the house. `backroom verify` names such lines.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from floorplan import events as book
from floorplan.events import Event, EventUnreadable, Payload, payload_of
from floorplan.projection import Document, changes
from floorplan.state import Block, BookingState, NightInfo, NightState, TableState


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
    info = _info(state)
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
        state = _without(state, state.bookings[booking_id])
    info = replace(_info(state), status="sealed")
    inside = dict.fromkeys(state.inside, 0)
    return replace(state, info=info, inside=inside, figures=it.figures)


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
    return replace(_with_booking(state, booking), figures=replace(state.figures, walk_ins=walk_ins))


def _tables_selected(state: NightState, it: book.TablesSelected, at: str) -> NightState:
    before = _booking(state, it.booking_id, "pending")
    if before.tables:
        raise ValueError("the booking has its tables already")
    booking = replace(
        before,
        tables=_known(state, it.tables),
        deposit_pence=it.deposit_pence,
        hold_expires_at=it.hold_expires_at,
    )
    return _claim(_with_booking(state, booking), booking)


def _hold_extended(state: NightState, it: book.HoldExtended, at: str) -> NightState:
    booking = _booking(state, it.booking_id, "pending")
    return _with_booking(state, replace(booking, hold_expires_at=it.hold_expires_at))


def _hold_released(state: NightState, it: book.HoldReleased, at: str) -> NightState:
    return _ended(state, _booking(state, it.booking_id, "pending"), "holds_released")


def _hold_expired(state: NightState, it: book.HoldExpired, at: str) -> NightState:
    return _ended(state, _booking(state, it.booking_id, "pending"), "holds_expired")


def _payment_processed(state: NightState, it: book.PaymentProcessed, at: str) -> NightState:
    booking = replace(state.bookings[it.booking_id], paid_pence=it.paid_pence)
    deposits = state.figures.deposits_pence + it.amount_pence
    return replace(
        _with_booking(state, booking), figures=replace(state.figures, deposits_pence=deposits)
    )


def _booking_confirmed(state: NightState, it: book.BookingConfirmed, at: str) -> NightState:
    booking = replace(
        _booking(state, it.booking_id, "pending"),
        status="confirmed",
        hold_expires_at=None,
        ticket_id=it.ticket_id,
    )
    return _counted(_with_booking(state, booking), bookings_confirmed=1)


def _booking_cancelled(state: NightState, it: book.BookingCancelled, at: str) -> NightState:
    booking = _booking(state, it.booking_id, "pending", "confirmed")
    return _ended(state, booking, "bookings_cancelled")


def _no_show_marked(state: NightState, it: book.NoShowMarked, at: str) -> NightState:
    return _ended(state, _booking(state, it.booking_id, "confirmed"), "no_shows")


def _tables_moved(state: NightState, it: book.TablesMoved, at: str) -> NightState:
    before = state.bookings[it.booking_id]
    edition = before.edition if it.edition is None else it.edition
    after = replace(before, tables=_known(state, it.tables), edition=edition)
    return _placed(state, [(before, after)], at)


def _tables_swapped(state: NightState, it: book.TablesSwapped, at: str) -> NightState:
    one, other = state.bookings[it.booking_id], state.bookings[it.other_id]
    return _placed(
        state,
        [
            (one, replace(one, tables=_known(state, it.tables), edition=it.edition)),
            (
                other,
                replace(other, tables=_known(state, it.tables_before), edition=it.other_edition),
            ),
        ],
        at,
    )


def _booking_changed(state: NightState, it: book.BookingChanged, at: str) -> NightState:
    before = state.bookings[it.booking_id]
    booking = replace(
        before,
        edition=it.edition,
        party=before.party if it.party is None else it.party,
        deposit_pence=before.deposit_pence if it.deposit_pence is None else it.deposit_pence,
    )
    return _with_booking(state, booking)


def _booking_rescheduled(state: NightState, it: book.BookingRescheduled, at: str) -> NightState:
    if it.booking is not None:
        arrived = _carried(
            state, it.booking_id, it.booking, it.edition, it.slot_from, it.slot_until, it.tables
        )
        booking = replace(arrived, deposit_pence=it.deposit_pence)
        return _travelled(_claim(_with_booking(state, booking), booking), booking, 1)
    before = _booking(state, it.booking_id, "pending", "confirmed", "seated")
    if it.night != state.night:
        return _travelled(_without(state, before), before, -1)
    after = replace(
        before,
        edition=it.edition,
        slot_from=it.slot_from,
        slot_until=it.slot_until,
        tables=_known(state, it.tables),
        deposit_pence=it.deposit_pence,
        overdue=False,
    )
    return _placed(state, [(before, after)], at)


def _booking_split(state: NightState, it: book.BookingSplit, at: str) -> NightState:
    before = _booking(state, it.booking_id, "confirmed", "seated")
    if it.other_id in state.bookings:
        raise ValueError("the booking exists already")
    after = replace(
        before,
        edition=it.edition,
        party=it.party,
        tables=_known(state, it.tables),
        admitted=before.admitted - it.people,
    )
    other = BookingState(
        id=it.other_id,
        status=it.other_status,
        party=it.other_party,
        slot_from=before.slot_from,
        slot_until=before.slot_until,
        source=before.source,
        tables=_known(state, it.other_tables),
        ticket_id=it.ticket_id,
        admitted=it.people,
        arrived_at=before.arrived_at if it.people else None,
        seated_at=before.seated_at if it.other_status == "seated" else None,
    )
    return _placed(state, [(before, after)], at, new=other)


def _bookings_merged(state: NightState, it: book.BookingsMerged, at: str) -> NightState:
    before, other = state.bookings[it.booking_id], state.bookings[it.other_id]
    after = replace(
        before,
        edition=it.edition,
        party=it.party,
        tables=_known(state, it.tables),
        admitted=it.admitted,
        left=it.left,
        arrived_at=min(filter(None, (before.arrived_at, other.arrived_at)), default=None),
    )
    left_behind = [number for number in other.tables if number not in after.tables]
    state = _freed(_unclaimed(state, other), other, resetting_since=at, only=left_behind)
    return _placed(_without(state, other), [(before, after)], at)


def _booking_overdue(state: NightState, it: book.BookingOverdue, at: str) -> NightState:
    booking = _booking(state, it.booking_id, "confirmed")
    return _with_booking(state, replace(booking, overdue=True))


def _booking_reinstated(state: NightState, it: book.BookingReinstated, at: str) -> NightState:
    booking = _carried(
        state, it.booking_id, it.booking, it.edition, it.slot_from, it.slot_until, it.tables
    )
    return _counted(_claim(_with_booking(state, booking), booking), no_shows=-1)


# -- people ---------------------------------------------------------------------------------------


def _guest_checked_in(state: NightState, it: book.GuestCheckedIn, at: str) -> NightState:
    # A party that gave up its tables is no booking any more; its people still come and go.
    booking = state.bookings.get(it.booking_id)
    if booking is not None:
        booking = replace(
            booking, admitted=it.admitted, left=it.left, arrived_at=booking.arrived_at or at
        )
        state = _with_booking(state, booking)
    return _inside(_counted(state, people_admitted=it.people), it.inside)


def _guest_checked_out(state: NightState, it: book.GuestCheckedOut, at: str) -> NightState:
    if it.booking_id in state.bookings:
        state = _with_booking(state, replace(state.bookings[it.booking_id], left=it.left))
    return _inside(_counted(state, people_left=it.people), it.inside)


def _headcount_changed(state: NightState, it: book.HeadcountChanged, at: str) -> NightState:
    if it.why == "clicker" and it.change < 0:
        state = _counted(state, people_left=-it.change)
    elif it.why in ("clicker", "walk_in"):
        state = _counted(state, people_admitted=it.change)
    return _inside(state, it.inside)


def _entry_refused(state: NightState, it: book.EntryRefused, at: str) -> NightState:
    return _counted(state, entries_refused=1)


# -- the floor ------------------------------------------------------------------------------------


def _party_seated(state: NightState, it: book.PartySeated, at: str) -> NightState:
    before = _booking(state, it.booking_id, "confirmed")
    state = _unclaimed(state, before)
    booking = replace(before, status="seated", tables=_known(state, it.tables), seated_at=at)
    return _counted(_seat(_with_booking(state, booking), booking), parties_seated=1)


def _table_vacated(state: NightState, it: book.TableVacated, at: str) -> NightState:
    return _freed(state, _booking(state, it.booking_id, "seated"), resetting_since=at)


def _booking_completed(state: NightState, it: book.BookingCompleted, at: str) -> NightState:
    booking = _booking(state, it.booking_id, "confirmed", "seated")
    return _ended(state, booking, "bookings_completed")


def _table_reset(state: NightState, it: book.TableReset, at: str) -> NightState:
    return _with_table(state, replace(state.tables[it.table], resetting_since=None))


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
    return _with_table(state, replace(table, blocks=blocks))


def _table_unblocked(state: NightState, it: book.TableUnblocked, at: str) -> NightState:
    table = state.tables[it.table]
    blocks = tuple(b for b in table.blocks if b.id != it.block_id)
    return _with_table(state, replace(table, blocks=blocks))


# -- small steps ----------------------------------------------------------------------------------


def _info(state: NightState) -> NightInfo:
    if state.info is None:
        raise ValueError("the night was never opened")
    return state.info


def _booking(state: NightState, booking_id: str, *statuses: str) -> BookingState:
    booking = state.bookings[booking_id]
    if booking.status not in statuses:
        raise ValueError(f"the booking is {booking.status}")
    return booking


def _carried(
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
        tables=_known(state, tables),
        deposit_pence=it.deposit_pence,
        paid_pence=it.paid_pence,
        hold_expires_at=it.hold_expires_at,
        ticket_id=it.ticket_id,
        edition=edition,
    )


def _travelled(state: NightState, booking: BookingState, sign: int) -> NightState:
    """A booking takes with it what it counts for: its money, and that it is confirmed."""
    return _counted(
        state,
        deposits_pence=sign * booking.paid_pence,
        bookings_confirmed=sign * (booking.status != "pending"),
    )


def _placed(
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
            state = _freed(state, before, resetting_since=at, only=behind)
            state = _freed(state, before, resetting_since=None)
        else:
            state = _unclaimed(state, before)
    for booking in arriving:
        state = _with_booking(state, booking)
    for booking in arriving:
        seat = _seat if booking.status == "seated" else _claim
        state = seat(state, booking)
    return state


def _known(state: NightState, numbers: list[int]) -> tuple[int, ...]:
    for number in numbers:
        if number not in state.tables:
            raise KeyError(number)
    return tuple(sorted(numbers))


def _with_table(state: NightState, table: TableState) -> NightState:
    return replace(state, tables={**state.tables, table.number: table})


def _with_booking(state: NightState, booking: BookingState) -> NightState:
    return replace(state, bookings={**state.bookings, booking.id: booking})


def _counted(state: NightState, **added: int) -> NightState:
    if state.info is not None and state.info.status == "sealed":
        return state  # the sealed figures stand; what comes after is reported beside them
    figures = state.figures
    totals = {name: getattr(figures, name) + amount for name, amount in added.items()}
    return replace(state, figures=replace(figures, **totals))


def _inside(state: NightState, inside: dict[str, int]) -> NightState:
    peak = max(state.figures.people_peak, sum(inside.values()))
    return replace(state, inside=inside, figures=replace(state.figures, people_peak=peak))


def _claim(state: NightState, booking: BookingState) -> NightState:
    tables = dict(state.tables)
    for number in booking.tables:
        ids = {*tables[number].claims, booking.id}
        ordered = sorted(ids, key=lambda i: (state.bookings[i].slot_from, i))
        tables[number] = replace(tables[number], claims=tuple(ordered))
    return replace(state, tables=tables)


def _unclaimed(state: NightState, booking: BookingState) -> NightState:
    tables = dict(state.tables)
    for number in booking.tables:
        claims = tuple(i for i in tables[number].claims if i != booking.id)
        tables[number] = replace(tables[number], claims=claims)
    return replace(state, tables=tables)


def _seat(state: NightState, booking: BookingState) -> NightState:
    tables = dict(state.tables)
    for number in booking.tables:
        if tables[number].occupied_by not in (None, booking.id):
            raise ValueError("another party sits there")
        tables[number] = replace(tables[number], occupied_by=booking.id)
    return replace(state, tables=tables)


def _freed(
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


def _without(state: NightState, booking: BookingState) -> NightState:
    state = _freed(_unclaimed(state, booking), booking, resetting_since=None)
    bookings = {i: b for i, b in state.bookings.items() if i != booking.id}
    return replace(state, bookings=bookings)


def _ended(state: NightState, booking: BookingState, figure: str) -> NightState:
    return _counted(_without(state, booking), **{figure: 1})


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
    book.PaymentProcessed: _payment_processed,
    book.BookingConfirmed: _booking_confirmed,
    book.BookingCancelled: _booking_cancelled,
    book.NoShowMarked: _no_show_marked,
    book.TablesMoved: _tables_moved,
    book.TablesSwapped: _tables_swapped,
    book.BookingChanged: _booking_changed,
    book.BookingRescheduled: _booking_rescheduled,
    book.BookingSplit: _booking_split,
    book.BookingsMerged: _bookings_merged,
    book.BookingOverdue: _booking_overdue,
    book.BookingReinstated: _booking_reinstated,
    book.GuestCheckedIn: _guest_checked_in,
    book.GuestCheckedOut: _guest_checked_out,
    book.HeadcountChanged: _headcount_changed,
    book.EntryRefused: _entry_refused,
    book.PartySeated: _party_seated,
    book.TableVacated: _table_vacated,
    book.BookingCompleted: _booking_completed,
    book.TableReset: _table_reset,
    book.TableBlocked: _table_blocked,
    book.TableUnblocked: _table_unblocked,
}
