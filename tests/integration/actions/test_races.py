"""Two at once: each race with its guard, and the same race with the guard off, which must fail."""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from typing import Any
from uuid import uuid4

from app.actions import bookings
from app.actions.sweeper import sweep
from app.errors import Conflict
from tests.integration.floor import NIGHT, House
from tests.integration.racing import (
    as_time_runs_out,
    at_once,
    rewritten,
    without_constraint,
    without_hold_locks,
    without_locks,
    without_table_locks,
)

RACERS = 6


async def outcome(work: Awaitable[object]) -> str:
    """`won`, or the reason of the refusal."""
    try:
        await work
    except Conflict as refused:
        return refused.reason
    return "won"


async def table_7_is_wanted_by_many(house: House) -> Counter[str]:
    return Counter(await at_once(house, *(outcome(house.hold([7])) for _ in range(RACERS))))


async def test_one_table_is_held_by_exactly_one_of_many(venue_house: House) -> None:
    found = await table_7_is_wanted_by_many(venue_house)
    assert found == {"won": 1, "table_not_available": RACERS - 1}
    await venue_house.agrees()


async def test_without_the_locks_the_constraint_still_lets_one_through(
    venue_house: House,
) -> None:
    """The guard in the code is off; the exclusion constraint is the last word."""
    await without_table_locks(venue_house)
    found = await table_7_is_wanted_by_many(venue_house)
    assert found["won"] == 1
    await venue_house.agrees()


async def test_without_locks_and_constraint_a_table_is_sold_twice(venue_house: House) -> None:
    """The negative control: the race is real."""
    await without_table_locks(venue_house)
    await without_constraint(venue_house)
    await table_7_is_wanted_by_many(venue_house)
    async with venue_house.looking() as conn:
        live = await conn.fetchval("SELECT count(*) FROM booking_table WHERE live AND number = 7")
    assert live > 1


async def test_sets_that_share_a_table_do_not_deadlock(venue_house: House) -> None:
    wanted = [[15, 16], [16, 15], [15], [16]] * 3
    found = Counter(
        await asyncio.gather(
            *(outcome(venue_house.hold(list(w), 8 if len(w) == 2 else 4)) for w in wanted)
        )
    )
    assert set(found) == {"won", "table_not_available"}
    assert found["won"] in (1, 2)
    await venue_house.agrees()


async def test_a_party_is_never_admitted_twice(venue_house: House) -> None:
    booking = await venue_house.booked([7], 4)
    answers = await at_once(
        venue_house, *(venue_house.scan(booking["code"], 1) for _ in range(RACERS))
    )
    found = Counter(answer["reason"] for answer in answers)
    assert found == {"admitted": 4, "already_in": RACERS - 4}
    async with venue_house.looking() as conn:
        assert await conn.fetchval("SELECT admitted FROM ticket") == 4
        assert await conn.fetchval("SELECT people FROM headcount WHERE floor = 'upstairs'") == 4
    await venue_house.agrees()


async def test_without_the_row_lock_a_party_is_admitted_twice(venue_house: House) -> None:
    """The negative control: the same scans when the ticket and the count are not locked."""
    booking = await venue_house.booked([7], 4)
    await without_locks(venue_house)
    answers = await at_once(
        venue_house,
        *(venue_house.scan(booking["code"], 1) for _ in range(RACERS)),
        return_exceptions=True,
    )
    green = sum(1 for a in answers if isinstance(a, dict) and a["reason"] == "admitted")
    assert green > 4


async def test_the_same_scan_sent_twice_at_once_counts_once(venue_house: House) -> None:
    booking = await venue_house.booked([7], 4)
    scan_id = str(uuid4())
    answers = await at_once(
        venue_house, *(venue_house.scan(booking["code"], 2, scan_id=scan_id) for _ in range(6))
    )
    bodies = [{k: v for k, v in a.items() if k != "replayed"} for a in answers]
    assert all(body == bodies[0] for body in bodies)
    assert Counter(a["replayed"] for a in answers) == {False: 1, True: 5}
    async with venue_house.looking() as conn:
        assert await conn.fetchval("SELECT admitted FROM ticket") == 2


async def test_the_house_never_holds_more_than_its_limit(venue_house: House) -> None:
    await venue_house.click(people=198)
    codes = [(await venue_house.booked([n], 4))["code"] for n in (1, 2, 5)]
    found = Counter(
        a["reason"]
        for a in await asyncio.gather(*(venue_house.scan(c, 1) for c in codes for _ in range(2)))
    )
    assert found == {"admitted": 2, "capacity_full": 4}
    async with venue_house.looking() as conn:
        assert await conn.fetchval("SELECT people FROM headcount WHERE floor = 'upstairs'") == 200
    await venue_house.agrees()


async def test_the_same_key_in_parallel_makes_one_booking(venue_house: House) -> None:
    answers = await at_once(venue_house, *(venue_house.hold([7], key="once") for _ in range(6)))
    assert all(answer == answers[0] for answer in answers)
    assert (await venue_house.kinds()).count("BOOKING_INITIATED") == 1


async def test_without_the_key_the_same_request_is_made_once_and_refused_five_times(
    venue_house: House,
) -> None:
    """The negative control: nobody knows that it is one request, so five are told no."""
    await rewritten(venue_house, "lock_floor", ("IF p_key IS NOT NULL THEN", "IF false THEN"))
    found = Counter(
        await at_once(venue_house, *(outcome(venue_house.hold([7], key="once")) for _ in range(6)))
    )
    assert found == {"won": 1, "table_not_available": 5}


async def test_a_confirmation_in_the_last_moment_of_a_hold_keeps_its_table(
    venue_house: House,
) -> None:
    """The time runs out between its facts and its rows, and somebody wants the table just then."""
    confirmed, held = await _confirm_as_it_runs_out(venue_house)
    assert (confirmed, held) == ("won", "table_not_available")
    assert (await venue_house.kinds()).count("HOLD_EXPIRED") == 0
    await venue_house.agrees()


async def test_without_the_locks_a_hold_is_confirmed_that_has_lost_its_table(
    venue_house: House,
) -> None:
    """The negative control: the hold expires under the confirmation, and both are told yes."""
    await without_hold_locks(venue_house)
    assert await _confirm_as_it_runs_out(venue_house) == ("won", "won")
    async with venue_house.looking() as conn:
        claims = await conn.fetchval(
            "SELECT count(*) FROM booking_table t JOIN booking b ON b.id = t.booking_id"
            " WHERE t.live AND b.status = 'confirmed'"
        )
    assert claims == 0, "paid for, and without a table"


async def test_a_hold_ends_once_however_many_sweep_it(venue_house: House) -> None:
    """The service was down when it ran out, and all its workers come back at once."""
    assert await _swept_by_many(venue_house) == 1
    await venue_house.agrees()


async def test_without_locks_and_status_a_hold_ends_several_times(venue_house: House) -> None:
    """The negative control: either guard alone would still end it once."""
    await without_locks(venue_house)
    due = "AND status = 'pending' AND hold_expires_at <= venue_now()"
    await rewritten(venue_house, "expire_holds", (due, ""))
    assert await _swept_by_many(venue_house) > 1


async def cancelled_against_check_in(house: House, booking: dict[str, Any]) -> tuple[str, str]:
    cancelled, scanned = await at_once(
        house,
        outcome(bookings.cancel_booking(house.db, house.caller(), booking["booking_id"])),
        house.scan(booking["code"], 1),
    )
    return cancelled, scanned["reason"]


async def test_cancel_against_check_in_has_one_winner(venue_house: House) -> None:
    for number in (1, 2, 3, 4):
        booking = await venue_house.booked([number], 3)
        assert await cancelled_against_check_in(venue_house, booking) in {
            ("won", "cancelled"),
            ("party_inside", "admitted"),
        }
    await venue_house.agrees()


async def test_without_the_locks_a_party_is_let_in_and_cancelled(venue_house: House) -> None:
    """The negative control: each decides by what was true before the other."""
    booking = await venue_house.booked([1], 3)
    await without_locks(venue_house)
    assert await cancelled_against_check_in(venue_house, booking) == ("won", "admitted")


async def test_versions_of_a_busy_book_have_no_hole(venue_house: House) -> None:
    async def toggle(number: int) -> None:
        for _ in range(5):
            await venue_house.block(number)
            await venue_house.unblock(number)

    await asyncio.gather(*(toggle(n) for n in range(1, 9)))
    async with venue_house.looking() as conn:
        versions = [
            row["version"]
            for row in await conn.fetch("SELECT version FROM event WHERE book = $1", NIGHT)
        ]
    assert sorted(versions) == list(range(1, 82))
    await venue_house.agrees()


async def test_two_managers_moving_two_parties_to_one_table(venue_house: House) -> None:
    first, second = await venue_house.booked([1], 4), await venue_house.booked([2], 4)
    found = Counter(
        await at_once(
            venue_house,
            outcome(venue_house.move(first, [3])),
            outcome(venue_house.move(second, [3])),
        )
    )
    assert found == {"won": 1, "table_not_available": 1}
    await venue_house.agrees()


async def test_without_locks_and_constraint_both_are_moved_to_it(venue_house: House) -> None:
    """The negative control: the race is real."""
    first, second = await venue_house.booked([1], 4), await venue_house.booked([2], 4)
    await without_table_locks(venue_house)
    await without_constraint(venue_house)
    found = await at_once(
        venue_house, outcome(venue_house.move(first, [3])), outcome(venue_house.move(second, [3]))
    )
    assert found == ["won", "won"]


async def _swept_by_many(house: House) -> int:
    """How often the book says that the hold ran out."""
    await house.hold([7])
    await house.later(minutes=180)
    await at_once(house, *(sweep(house.db, house.venue) for _ in range(4)))
    return (await house.kinds()).count("HOLD_EXPIRED")


async def _confirm_as_it_runs_out(house: House) -> tuple[str, str]:
    """What became of the confirmation, and of a hold of the same table."""
    booking = await house.hold([7])
    return await as_time_runs_out(
        house,
        "confirm_hold",
        lambda: outcome(house.confirm(booking)),
        lambda: outcome(house.hold([7])),
        minutes=11,
    )
