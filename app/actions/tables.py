"""The floor's own moves: vacate, reset, block, unblock."""

from uuid import uuid4

from app.actions.act import UNNUMBERED, Act, Answered, Caller, perform
from app.actions.bookings import complete
from app.db import bookings as rows
from app.db import nights
from app.db.pool import Database
from app.domain.bookings import judge_booking, judge_night
from app.domain.facts import TableFact
from app.errors import Conflict, NotFound, NotValid
from app.wire import BlockTable, OfNight, TableAnswer, UnblockTable
from floorplan import events


async def vacate_table(db: Database, caller: Caller, number: int, request: OfNight) -> Answered:
    """The party at the table has left all its tables; they wait to be reset."""
    async with db.acting(caller.principal) as conn:
        booking_id = await rows.find_seated(conn, request.night, number)

    async def work(act: Act) -> tuple[int, TableAnswer]:
        judge_night(act.facts, request.night)
        judge_table(act, number)
        if booking_id is None or judge_booking(act.facts, booking_id).status != "seated":
            raise Conflict("table_not_occupied", f"Nobody sits at table {number}.", table=number)
        booking = judge_booking(act.facts, booking_id)
        if number not in booking.tables:
            raise Conflict("table_not_occupied", f"Nobody sits at table {number}.", table=number)
        await complete(act, booking)
        return 200, table_answer(request.night, number, "resetting", booking_id=booking_id)

    return await perform(
        db,
        caller,
        "vacate_table",
        work,
        night=request.night,
        tables=[number],
        bookings=[booking_id] if booking_id else [],
        together=True,
    )


async def reset_table(db: Database, caller: Caller, number: int, request: OfNight) -> Answered:
    """The table is laid again."""

    async def work(act: Act) -> tuple[int, TableAnswer]:
        judge_night(act.facts, request.night)
        table = judge_table(act, number)
        if not table.resetting:
            raise Conflict(
                "table_not_resetting", f"Table {number} does not wait to be reset.", table=number
            )
        await rows.set_resetting(act.conn, request.night, [number], False)
        act.record(events.TableReset(number), f"table:{number}")
        return 200, table_answer(request.night, number, "reset")

    return await perform(
        db, caller, "reset_table", work, night=request.night, tables=[number], together=True
    )


async def block_table(db: Database, caller: Caller, number: int, request: BlockTable) -> Answered:
    """The table is out of service in the window, from now to the night's end unless given.

    Raises Conflict `table_occupied`, or `table_claimed` with the bookings that the block would
    break, unless `even_if_booked`.
    """
    block_id = str(uuid4())

    async def work(act: Act) -> tuple[int, TableAnswer]:
        facts = act.facts
        night = judge_night(facts, request.night)
        table = judge_table(act, number)
        begin = max(request.blocked_from or facts.now, facts.now)
        end = request.blocked_until or night.ends_at
        if not begin < end <= night.ends_at:
            raise NotValid(
                "block_outside_night",
                "The block must end after it begins, and before the night ends.",
                ends_at=night.ends_at,
            )
        touched = [c for c in table.claims if c.slot_from < end and begin < c.slot_until]
        in_force = begin <= facts.now
        # A party may sit longer than its slot: whoever sits there now is in the way of now.
        if any(c.status == "seated" and (in_force or c in touched) for c in table.claims):
            raise Conflict("table_occupied", f"A party sits at table {number}.", table=number)
        live = [c for c in touched if not (c.hold_expires_at and c.hold_expires_at <= facts.now)]
        if live and not request.even_if_booked:
            raise Conflict(
                "table_claimed",
                "Parties are booked on this table. Move them first, or block it all the same.",
                bookings=[c.booking_id for c in live],
            )
        await nights.insert_block(
            act.conn, block_id, request.night, number, begin, end, request.reason, in_force
        )
        act.record(
            events.TableBlocked(block_id, number, begin, end, request.reason, in_force),
            f"table:{number}",
        )
        status = "maintenance" if in_force else "blocked_later"
        return 201, table_answer(request.night, number, status, block_id=block_id)

    return await perform(db, caller, "block_table", work, night=request.night, tables=[number])


async def unblock_table(
    db: Database, caller: Caller, number: int, request: UnblockTable
) -> Answered:
    """One block, or every block of the table, is lifted."""

    async def work(act: Act) -> tuple[int, TableAnswer]:
        judge_night(act.facts, request.night)
        table = judge_table(act, number)
        lifted = [b for b in table.blocks if request.block_id in (None, b.id)]
        if not lifted:
            raise Conflict("table_not_blocked", f"Table {number} is not blocked.", table=number)
        await nights.lift_blocks(act.conn, [b.id for b in lifted])
        for block in lifted:
            act.record(events.TableUnblocked(block.id, number, "lifted"), f"table:{number}")
        return 200, table_answer(request.night, number, "unblocked")

    return await perform(db, caller, "unblock_table", work, night=request.night, tables=[number])


def judge_table(act: Act, number: int) -> TableFact:
    """The locked table. Raises NotFound."""
    for table in act.facts.tables:
        if table.number == number:
            return table
    raise NotFound("table_not_found", f"There is no table {number} on this night.")


def table_answer(
    night: str,
    number: int,
    status: str,
    *,
    block_id: str | None = None,
    booking_id: str | None = None,
) -> TableAnswer:
    """What became of the table; the version is that of the last event."""
    return TableAnswer(
        night=night,
        table=number,
        status=status,
        version=UNNUMBERED,
        block_id=block_id,
        booking_id=booking_id,
    )
