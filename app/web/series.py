"""Bookings that recur over HTTP: what each date offers, booking them, and cancelling the rest."""

from collections.abc import Sequence
from datetime import date, time
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from app.actions import series
from app.actions.act import Answered
from app.actions.holds import answer_of
from app.actions.scopes import judge_scope
from app.db.listings import list_series
from app.errors import Conflict, NotFound
from app.web.answers import Answer, encoded
from app.web.availability import Availability, AvailabilityQuery, free_tables, lateness, offers
from app.web.doing import doing
from app.web.endpoint import check_date, check_instant
from app.web.floor import date_of
from app.web.offline import ask_back
from app.web.operations import Call
from app.web.parts import Parts
from app.wire.changes import numbers_in
from app.wire.series import (
    DateProblem,
    Series,
    SeriesDate,
    SeriesPreview,
    SeriesQuery,
    SeriesSet,
)
from floorplan.allocation import combination_of
from floorplan.state import NightState
from floorplan.weekly import dates_of, same_tables, slot_on

ALTERNATIVES_MOST: Final = 6  # read one below the other, for each date

Slot = tuple[str | None, str | None]


class Looked(Struct, frozen=True):
    """A date as it was looked at; without a state there is no such night."""

    night: str
    slot: Slot
    state: NightState | None
    offered: Availability


async def preview(call: Call) -> Answer:
    """What each date can offer, of the floors as they are in memory; nothing is held by it."""
    parts, query = call.parts, call.query
    first = date_of(call.path["night"])
    local = (_time(query.slot_from), _time(query.slot_until))
    looked = []
    for night in dates_of(first, query.times, query.every_weeks):
        judge_scope(call.principal, night=night.isoformat())
        slot = slot_on(night, local, zone=parts.venue.zone, starts=parts.venue.night_starts)
        looked.append(await _look(parts, night.isoformat(), slot, query.party))
    wanted: Sequence[int] | None = numbers_in(query.tables) if query.tables else None
    if wanted is None:
        # Where that set is taken, a date has the best one of its own.
        wanted = same_tables([[tuple(s.tables) for s in one.offered.sets] for one in looked])
    strict = query.tables is not None
    dates = [_shown(parts, query, one, wanted, strict=strict) for one in looked]
    return encoded(SeriesPreview(party=query.party, dates=dates))


async def _book(call: Call) -> Answered:
    """Whoever is too late for a date learns what is free on it instead."""
    parts = call.parts
    for number, wanted in enumerate(call.body.dates):
        place = f"$.dates[{number}]."
        check_date(wanted.night, f"{place}night")
        for name, instant in (("from", wanted.slot_from), ("until", wanted.slot_until)):
            if instant is not None:
                check_instant(instant, f"{place}{name}")
    try:
        return await series.book_series(
            parts.db, parts.venue, parts.vault, parts.settings.secret, call.caller, call.body
        )
    except Conflict as refusal:
        if refusal.reason != "series_not_free":
            raise
        raise await _with_alternatives(parts, refusal, call.body) from refusal


async def _cancel(call: Call) -> Answered:
    """A door's tablet that holds the code of one of the dates is asked for it first."""
    async with call.parts.db.acting(call.principal) as conn:
        known = await list_series(conn, call.path["series_id"])
    since = call.body.since or ""
    for row in known:  # of one night each: devices hold tonight's, which need not be the first
        if row.night >= since and row.status == "confirmed":
            await ask_back(call, "cancel", row.booking_id)
    return await series.cancel_series(call.parts.db, call.caller, call.path["series_id"], call.body)


book_series = doing(_book)
cancel_series = doing(_cancel)


async def get_series(call: Call) -> Answer:
    """All dates of the series, in order, as they are now."""
    async with call.parts.db.acting(call.principal) as conn:
        known = await list_series(conn, call.path["series_id"])
    if not known:
        raise NotFound("series_not_found", "There is no such series of bookings.")
    for row in known:
        judge_scope(call.principal, night=row.night)
    bookings = [answer_of(row) for row in known]
    return encoded(
        Series(series_id=call.path["series_id"], bookings=bookings, version=bookings[0].version)
    )


async def _look(parts: Parts, night: str, slot: Slot, party: int) -> Looked:
    nothing = Availability(night=night, version=0, sets=[])
    try:
        state = await parts.live.ensure(night)
    except NotFound:
        return Looked(night, slot, None, nothing)
    query = AvailabilityQuery(party=party, slot_from=slot[0], slot_until=slot[1])
    late = lateness(parts, state, query, is_guest=False)
    offered = offers(state, parts.venue, query, late=late, known=parts.availability.rankings)
    return Looked(night, slot, state, offered)


def _shown(
    parts: Parts, query: SeriesQuery, one: Looked, wanted: Sequence[int] | None, *, strict: bool
) -> SeriesDate:
    """The date with the tables wanted, or, not `strict`, with the best ones that are free."""
    if one.state is None or one.state.info is None:
        day = date.fromisoformat(one.night)
        missing = DateProblem(
            "night_not_found",
            f"No night is open on {day:%A} {day.day} {day:%B}. Open it first, or leave the date "
            "out.",
        )
        return SeriesDate(night=one.night, tables=[], problem=missing)
    info, found = one.state.info, one.offered
    begin, end = one.slot[0] or info.doors_at, one.slot[1] or info.closes_at
    sets = [SeriesSet(s.tables, s.deposit_pence) for s in found.sets]
    shown = SeriesDate(night=one.night, tables=[], slot_from=begin, slot_until=end)
    why = found.problem
    if why is not None and why.reason not in ("fully_booked", "party_too_large"):
        return replace(shown, problem=DateProblem(why.reason, why.detail))
    chosen, problem = _judged(one.state, wanted, query.party, begin, end, parts)
    if problem is not None and not strict and sets:
        chosen, problem = sets[0], None
    if problem is None and chosen is not None:
        others = [s for s in sets if s.tables != chosen.tables]
        return replace(
            shown, tables=chosen.tables, deposit_pence=chosen.deposit_pence,
            alternatives=others[:ALTERNATIVES_MOST],
        )  # fmt: skip
    if problem is None or (not strict and why is not None):
        assert why is not None, "no set is free, so it says why"
        problem = DateProblem(why.reason, why.detail)
    return replace(shown, problem=problem, alternatives=sets[:ALTERNATIVES_MOST])


def _judged(
    state: NightState, wanted: Sequence[int] | None, party: int, begin: str, end: str, parts: Parts
) -> tuple[SeriesSet | None, DateProblem | None]:
    """The tables wanted as a set, or why they can't be had; as the booking itself will judge."""
    if wanted is None:
        return None, None
    numbers = sorted(wanted)
    where = " + ".join(f"T{number}" for number in numbers)
    tables = [state.tables[number] for number in numbers if number in state.tables]
    if len(tables) < len(numbers):
        return None, DateProblem("table_not_found", f"This night has no {where}.")
    joined = combination_of(numbers, parts.venue.combinations)
    seats = sum(table.capacity_max for table in tables)
    seats = max(seats, joined.party_max) if joined is not None else seats
    if party > seats:
        full = f"{where} takes {seats} people that night, not {party}."
        return None, DateProblem("party_does_not_fit", full)
    taken = sorted(set(numbers) - free_tables(state, begin, end))
    if taken:
        lost = " + ".join(f"T{number}" for number in taken)
        blocked = any(
            block.blocked_from < end and begin < block.blocked_until
            for number in taken
            for block in state.tables[number].blocks
        )
        if blocked:
            return None, DateProblem("table_blocked", f"{lost} is out of service at that time.")
        return None, DateProblem("table_not_available", f"{lost} is taken at that time.")
    return SeriesSet(numbers, sum(table.deposit_pence for table in tables)), None


async def _with_alternatives(parts: Parts, refusal: Conflict, wanted: Any) -> Conflict:
    """The refusal with what else each of the dates that it names can offer."""
    slots = {one.night: (one.slot_from, one.slot_until) for one in wanted.dates}
    dates = []
    for told in refusal.fields["dates"]:
        looked = await _look(parts, told["night"], slots[told["night"]], wanted.party)
        # Memory may be a moment behind the transaction that refused.
        lost = set(told["tables"])
        sets = [s for s in looked.offered.sets if not lost & set(s.tables)]
        free = [{"tables": s.tables, "deposit_pence": s.deposit_pence} for s in sets]
        dates.append({**told, "alternatives": free[:ALTERNATIVES_MOST]})
    return Conflict(refusal.reason, refusal.detail, dates=dates)


def _time(text: str | None) -> time | None:
    return None if text is None else time.fromisoformat(text)
