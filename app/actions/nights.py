"""Nights are opened, edited and closed by managers, and seal themselves when their date is over."""

from datetime import date

import msgspec

from app.actions.act import UNNUMBERED, Act, Answered, Caller, perform
from app.actions.scopes import judge_scope
from app.db import bookings as rows
from app.db import nights as night_rows
from app.db.book import lock_book, read_state
from app.db.nights import NightRow
from app.db.pool import Database
from app.domain.bookings import judge_night
from app.domain.sealing import Vault, signing_key_place
from app.errors import Conflict, NotFound, NotValid
from app.wire import EditNight, LimitsBody, NightAnswer, OpenNight, TablePrice
from floorplan import events
from floorplan.nights import instant_text, instants_of, night_bounds, night_of, parse_instant
from floorplan.venue import Venue
from scanners.codes import generate_key, private_bytes, public_bytes

ALL_TABLES = range(1, 17)
DAYS_AHEAD_AT_MOST = 400  # a typing slip in the year opens no night of the next century


async def open_night(
    db: Database, venue: Venue, vault: Vault, caller: Caller, request: OpenNight
) -> Answered:
    """The night can be booked: its tables, counts and signing key exist.

    Raises NotValid `hours_not_valid`, `night_past`; Conflict `night_exists`; NotAllowed
    `out_of_scope`.
    """
    day = parse_date(request.night)
    begins, ends = night_bounds(day, zone=venue.zone, starts=venue.night_starts)
    usual = instants_of(day, venue.hours, zone=venue.zone, starts=venue.night_starts)
    hours = (
        request.doors_at or instant_text(usual.doors_at),
        request.last_entry_at or instant_text(usual.last_entry_at),
        request.closes_at or instant_text(usual.closes_at),
    )
    judge_hours(hours, instant_text(begins), instant_text(ends))
    limits = request.limits or LimitsBody(
        upstairs=venue.limits.floors["upstairs"],
        downstairs=venue.limits.floors["downstairs"],
        house=venue.limits.house,
    )
    judge_limits(venue, limits)
    tables = priced(
        [
            events.NightTable(
                number=t.number,
                floor=t.floor,
                capacity_min=t.capacity.min,
                capacity_max=t.capacity.max,
                capacity_optimal=t.capacity.optimal,
                deposit_pence=t.deposit_pence,
                minimum_spend_pence=t.minimum_spend_pence,
            )
            for t in venue.tables
        ],
        request.prices or [],
    )
    name = request.name or f"{day:%A} at {venue.name}"
    key = generate_key()
    private = vault.seal(signing_key_place(request.night), private_bytes(key))

    # What does not exist yet is locked by nobody, and so judged here.
    judge_scope(caller.principal, night=request.night)

    async def work(act: Act) -> tuple[int, NightAnswer]:
        today = night_of(parse_instant(act.facts.now), zone=venue.zone, starts=venue.night_starts)
        if day < today:
            raise NotValid("night_past", "That night is over. Open tonight or a later one.")
        if (day - today).days > DAYS_AHEAD_AT_MOST:
            raise NotValid("night_too_far", f"Open nights at most {DAYS_AHEAD_AT_MOST} days ahead.")
        floors = {"upstairs": limits.upstairs, "downstairs": limits.downstairs}
        if not await night_rows.insert_night(
            act.conn,
            request.night,
            name,
            (*hours, instant_text(ends)),
            limits.house,
            floors,
            tables,
            (private, vault.kid, public_bytes(key)),
        ):
            raise Conflict("night_exists", "This night is open already. Edit it instead.")
        act.record(
            events.NightOpened(name, *hours, events.Limits(floors, limits.house), tables),
            f"night:{request.night}",
        )
        return 201, NightAnswer(
            night=request.night,
            name=name,
            status="open",
            doors_at=hours[0],
            last_entry_at=hours[1],
            closes_at=hours[2],
            ends_at=instant_text(ends),
            limits=limits,
            tables=[shown_table(t) for t in tables],
            version=UNNUMBERED,
        )

    return await perform(db, caller, "open_night", work, night=request.night)


async def edit_night(
    db: Database, venue: Venue, caller: Caller, night: str, request: EditNight
) -> Answered:
    """The night has its new name, hours, prices or limits; or, with `status`, it is sealed.

    Claims keep their slots and deposits: what a party agreed to is not changed behind its back.
    Raises Conflict `claims_outside` when booked slots would lie outside the new hours.
    """
    if request.status == "sealed":
        if request != EditNight(status="sealed"):
            raise NotValid("sealed_alone", "Edit the night first, then seal it: send status alone.")
        return await seal_night(db, caller, night)
    day = parse_date(night)
    begins, ends = night_bounds(day, zone=venue.zone, starts=venue.night_starts)
    async with db.reading() as conn:
        before = await night_rows.find_night(conn, day)
    if before is None:
        raise NotFound("night_not_found", f"No night {night} is open. Ask for the list of nights.")

    async def work(act: Act) -> tuple[int, NightAnswer]:
        now_night = judge_night(act.facts, night)
        if now_night.edition != before.edition:
            raise Conflict("try_again", "Somebody edited the night meanwhile. Look, and try again.")
        hours = (
            request.doors_at or before.doors_at,
            request.last_entry_at or before.last_entry_at,
            request.closes_at or before.closes_at,
        )
        judge_hours(hours, instant_text(begins), instant_text(ends))
        outside = {
            claim.booking_id
            for table in act.facts.tables
            for claim in table.claims
            if claim.status != "seated"
            and (claim.slot_from < hours[0] or claim.slot_until > hours[2])
        }
        if outside:
            raise Conflict(
                "claims_outside",
                "Parties are booked outside these hours. Move or cancel them first.",
                bookings=sorted(outside),
            )
        limits = request.limits or limits_of(before)
        if request.limits is not None:
            judge_limits(venue, request.limits)
        tables = priced(before.tables, request.prices or [])
        name = request.name or before.name
        floors = {"upstairs": limits.upstairs, "downstairs": limits.downstairs}
        await night_rows.edit_night(
            act.conn,
            night,
            name,
            hours,
            limits.house,
            floors,
            [(t.number, t.deposit_pence, t.minimum_spend_pence) for t in tables],
        )
        act.record(
            events.NightChanged(
                name=request.name,
                doors_at=request.doors_at,
                last_entry_at=request.last_entry_at,
                closes_at=request.closes_at,
                limits=events.Limits(floors, limits.house) if request.limits else None,
                tables=[t for t in tables if t not in before.tables] or None,
            ),
            f"night:{night}",
        )
        return 200, NightAnswer(
            night=night,
            name=name,
            status="open",
            doors_at=hours[0],
            last_entry_at=hours[1],
            closes_at=hours[2],
            ends_at=before.ends_at,
            limits=limits,
            tables=[shown_table(t) for t in tables],
            version=UNNUMBERED,
        )

    return await perform(
        db, caller, "edit_night", work, night=night, tables=ALL_TABLES, people=True
    )


def judge_limits(venue: Venue, limits: LimitsBody) -> None:
    """A night may have lower limits than the law's, never higher ones.

    Raises NotValid `limits_above_law` with what the lower of licence and fire allows.
    """
    law = venue.limits
    asked = {"upstairs": limits.upstairs, "downstairs": limits.downstairs}
    if limits.house > law.house or any(asked[f] > most for f, most in law.floors.items()):
        raise NotValid(
            "limits_above_law",
            "Licence and fire certificate allow fewer people. Lower the night's limits to theirs.",
            house=law.house,
            floors=law.floors,
        )


async def seal_night(db: Database, caller: Caller, night: str) -> Answered:
    """The night's figures stand for ever, and its chain ends in them.

    Holds expire, confirmed parties of whom nobody came are no-shows, parties that came are
    completed: those still seated by the seal itself. Nobody is inside any more.
    """
    pool = db.jobs if caller.principal.kind == "system" else db.app
    async with db.acting(caller.principal, pool) as conn:
        before = await night_rows.find_night(conn, parse_date(night))
        live = await night_rows.list_live_bookings(conn, night)
    if before is None:
        raise NotFound("night_not_found", f"No night {night} is open. Ask for the list of nights.")

    async def work(act: Act) -> tuple[int, NightAnswer]:
        judge_night(act.facts, night)
        if set(await night_rows.list_live_bookings(act.conn, night)) - set(live):
            raise Conflict("try_again", "A party was booked meanwhile. Try again.")
        completed: list[str] = []
        for booking in act.facts.bookings:
            subject = f"booking:{booking.id}"
            came = booking.ticket is not None and booking.ticket.admitted > 0
            if booking.status == "pending":
                await rows.end_booking(act.conn, booking.id, "expired")
                act.record(events.HoldExpired(booking.id), subject)
            elif booking.status == "confirmed" and not came:
                await rows.end_booking(act.conn, booking.id, "no_show", revoke=True)
                act.record(events.NoShowMarked(booking.id), subject)
            elif booking.status in ("confirmed", "seated"):
                await rows.end_booking(act.conn, booking.id, "completed")
                completed.append(booking.id)
        await night_rows.seal_night(act.conn, night)
        figures = await _figures(act, night, len(completed))
        act.record(events.NightSealed(figures, completed), f"night:{night}")
        return 200, NightAnswer(
            night=night,
            name=before.name,
            status="sealed",
            doors_at=before.doors_at,
            last_entry_at=before.last_entry_at,
            closes_at=before.closes_at,
            ends_at=before.ends_at,
            limits=limits_of(before),
            tables=[shown_table(t) for t in before.tables],
            version=UNNUMBERED,
        )

    return await perform(
        db,
        caller,
        "seal_night",
        work,
        night=night,
        tables=ALL_TABLES,
        bookings=live,
        people=True,
        pool=pool,
    )


async def _figures(act: Act, night: str, completed: int) -> events.Figures:
    """The night's totals with what this transaction ends; the book is locked, nothing moves."""
    await lock_book(act.conn, night)
    figures = (await read_state(act.conn, night)).figures
    kinds = [kind for kind, *_ in act.events]
    return msgspec.structs.replace(
        figures,
        holds_expired=figures.holds_expired + kinds.count("HOLD_EXPIRED"),
        no_shows=figures.no_shows + kinds.count("NO_SHOW_MARKED"),
        bookings_completed=figures.bookings_completed + completed,
    )


def parse_date(night: str) -> date:
    """The business date of its text. Raises NotFound: no calendar has it."""
    try:
        return date.fromisoformat(night)
    except ValueError:
        raise NotFound("night_not_found", "A night is named by its date, YYYY-MM-DD.") from None


def judge_hours(hours: tuple[str, str, str], begins: str, ends: str) -> None:
    """Doors, last entry and close lie in this order within the business date."""
    doors, last, closes = hours
    if not begins <= doors <= last <= closes <= ends or doors == closes:
        raise NotValid(
            "hours_not_valid",
            "Doors, last entry and close must follow each other within the night.",
            night_begins=begins,
            night_ends=ends,
        )


def priced(tables: list[events.NightTable], prices: list[TablePrice]) -> list[events.NightTable]:
    """The tables with the prices given, the others as they were."""
    given = {price.number: price for price in prices}
    return [
        msgspec.structs.replace(
            t,
            deposit_pence=given[t.number].deposit_pence,
            minimum_spend_pence=given[t.number].minimum_spend_pence,
        )
        if t.number in given
        else t
        for t in tables
    ]


def limits_of(row: NightRow) -> LimitsBody:
    """The people limits of a night as the wire shows them."""
    return LimitsBody(
        upstairs=row.floors["upstairs"],
        downstairs=row.floors["downstairs"],
        house=row.house_limit,
    )


def shown_table(table: events.NightTable) -> dict[str, object]:
    """A night's table as the wire shows it."""
    return {
        "number": table.number,
        "floor": table.floor,
        "capacity": {
            "min": table.capacity_min,
            "max": table.capacity_max,
            "optimal": table.capacity_optimal,
        },
        "deposit_pence": table.deposit_pence,
        "minimum_spend_pence": table.minimum_spend_pence,
    }
