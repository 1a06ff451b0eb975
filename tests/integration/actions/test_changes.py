"""Changes of bookings: after each the rows are the fold of every book that it touches."""

import asyncio
from collections import Counter
from datetime import UTC, datetime

import asyncpg
import pytest

from app.actions import bookings, reschedules
from app.errors import Conflict, NotAllowed, NotFound, NotValid
from app.wire import MoveTables
from app.wire.changes import Reschedule
from tests.integration.changing import (
    SUNDAY,
    Booking,
    change,
    contradictions,
    outcome,
    owner_of,
    refused,
    rescheduled,
    swapped,
)
from tests.integration.floor import MANAGER, NIGHT, House, read
from tests.integration.racing import at_once, without_constraint, without_table_locks

# -- another night ---------------------------------------------------------------------------------


async def test_another_night_is_told_by_both_books_and_brings_its_money_and_a_new_code(
    venue_house: House,
) -> None:
    house = venue_house
    await house.open(SUNDAY)
    booking = await house.booked([7])
    moved = await rescheduled(house, booking, night=SUNDAY, tables=[7])
    assert (moved["night"], moved["tables"], moved["edition"]) == (SUNDAY, [7], 1)
    assert moved["reference"] == booking["reference"]
    assert moved["paid_pence"] == booking["paid_pence"]
    assert moved["code"] != booking["code"]
    assert (await house.kinds())[-1] == "BOOKING_RESCHEDULED"
    assert await house.kinds(1, SUNDAY) == ["BOOKING_RESCHEDULED"]
    for night in (NIGHT, SUNDAY):
        await house.agrees(night)
    assert await contradictions(house, NIGHT, SUNDAY) == []
    # The table is free again, the old code is replaced, the new one is of the other night.
    await house.booked([7])
    assert (await house.scan(booking["code"], 1))["reason"] == "replaced"
    assert (await house.scan(moved["code"], 1))["reason"] == "wrong_night"
    await house.at(datetime(2026, 11, 22, 22, 30, tzinfo=UTC))
    assert (await house.scan(moved["code"], 4))["reason"] == "admitted"
    assert (await house.scan(booking["code"], 1))["reason"] == "replaced"
    assert await contradictions(house, NIGHT, SUNDAY) == []


async def test_there_and_back_again_leaves_both_books_whole(venue_house: House) -> None:
    house = venue_house
    await house.open(SUNDAY)
    booking = await house.booked([7])
    for edition, (night, table) in enumerate(((SUNDAY, 9), (NIGHT, 6), (SUNDAY, 7)), 1):
        moved = await rescheduled(house, booking, night=night, tables=[table])
        assert (moved["night"], moved["tables"], moved["edition"]) == (night, [table], edition)
        for one in (NIGHT, SUNDAY):
            await house.agrees(one)
    assert await contradictions(house, NIGHT, SUNDAY) == []


async def test_what_would_be_refused_for_a_hold_is_refused_there(venue_house: House) -> None:
    house = venue_house
    await house.open(SUNDAY)
    booking, other = await house.booked([7]), await house.booked([8])
    await rescheduled(house, other, night=SUNDAY, tables=[8])
    before = await house.kinds()
    assert await refused(rescheduled(house, booking, night=SUNDAY, tables=[8])) == (
        "table_not_available"
    )
    assert await refused(rescheduled(house, booking, night="2026-11-28"), NotFound) == (
        "night_not_found"
    )
    assert await refused(rescheduled(house, booking), NotValid) == "nothing_to_change"
    assert await refused(rescheduled(house, booking, night=SUNDAY, edition=7)) == "edition_stale"
    inside = await house.booked([6])
    await house.scan(inside["code"], 1)
    assert await refused(rescheduled(house, inside, night=SUNDAY)) == "party_inside"
    assert (await house.kinds(len(before))).count("BOOKING_RESCHEDULED") == 0
    await house.agrees()


async def test_two_that_change_nights_crosswise_do_not_wait_for_each_other(
    venue_house: House,
) -> None:
    """Each has the table that the other wants: all tables are locked before any booking."""
    house = venue_house
    await house.open(SUNDAY)
    here = [await house.booked([n]) for n in (1, 2, 5)]
    there = [await house.booked([n]) for n in (6, 7, 8)]
    for booking in there:
        await rescheduled(house, booking, night=SUNDAY)
    async with asyncio.timeout(20):
        await asyncio.gather(
            *(rescheduled(house, b, night=SUNDAY) for b in here),
            *(rescheduled(house, b, night=NIGHT) for b in there),
        )
    for night in (NIGHT, SUNDAY):
        await house.agrees(night)
    assert await contradictions(house, NIGHT, SUNDAY) == []


async def _all_to_one_table(house: House) -> Counter[str]:
    """What each of four parties got that want one table of another night at one moment."""
    await house.open(SUNDAY)
    booked = [await house.booked([n]) for n in (1, 2, 6, 7)]
    return Counter(
        await at_once(
            house, *(outcome(rescheduled(house, b, night=SUNDAY, tables=[8])) for b in booked)
        )
    )


async def test_one_slot_of_another_night_is_taken_by_exactly_one(venue_house: House) -> None:
    assert await _all_to_one_table(venue_house) == {"won": 1, "table_not_available": 3}
    await venue_house.agrees(SUNDAY)


async def test_without_locks_and_constraint_several_have_it(venue_house: House) -> None:
    """The negative control: the race is real on the other night, too."""
    await without_table_locks(venue_house)
    await without_constraint(venue_house)
    assert (await _all_to_one_table(venue_house))["won"] > 1


async def test_a_guest_changes_their_booking_in_time_and_no_other(venue_house: House) -> None:
    house = venue_house
    await house.open(SUNDAY)
    await house.open("2026-11-27")
    booking = await house.booked([7])
    assert await refused(rescheduled(house, booking, owner_of(booking), night=SUNDAY)) == (
        "too_late_to_change"
    )
    await house.at(datetime(2026, 11, 21, 12, tzinfo=UTC))
    moved = await rescheduled(house, booking, owner_of(booking), night=SUNDAY)
    assert moved["code"].startswith("BR1:")
    smaller = await change(house, booking, owner_of(booking), party=3, requests="Near the stage")
    assert smaller["party"] == 3
    with pytest.raises(NotAllowed):
        await change(house, booking, owner_of(booking), notes="VIP")
    stranger = owner_of(await house.booked([8]))
    assert await refused(rescheduled(house, booking, stranger, night=NIGHT), NotFound) == (
        "booking_not_found"
    )
    assert await refused(change(house, booking, stranger, party=2), NotFound) == "booking_not_found"
    for night in (NIGHT, SUNDAY):
        await house.agrees(night)


# -- the same night --------------------------------------------------------------------------------


async def test_another_slot_of_the_same_night(venue_house: House) -> None:
    house = venue_house
    booking = await house.booked([7])
    half = "2026-11-22T01:30:00.000Z"  # a slot across midnight, and the second half of the night
    early = await rescheduled(house, booking, slot_until=half)
    assert (early["until"], early["edition"]) == (half, 1)
    later = await house.hold([7], slot_from=half)
    assert later["status"] == "pending"
    assert await refused(rescheduled(house, booking, slot_until=later["until"])) == (
        "table_not_available"
    )
    await house.agrees()
    sits = await house.seated([6])
    assert (await rescheduled(house, sits, slot_until=half))["status"] == "seated"
    await house.agrees()
    assert await contradictions(house, NIGHT) == []


# -- the party's size and its wishes ---------------------------------------------------------------


async def test_a_party_grows_as_far_as_its_tables_and_shrinks_as_far_as_who_is_in(
    venue_house: House,
) -> None:
    house = venue_house
    booking = await house.booked([7], 3)
    assert (await change(house, booking, party=4))["party"] == 4
    # The code that was sent before still opens the door, for the party as it is now.
    assert (await house.scan(booking["code"], 4))["admitted"] == 4
    assert await refused(change(house, booking, party=3)) == "party_inside"
    assert await refused(change(house, booking, party=5)) == "party_does_not_fit"
    assert await refused(change(house, booking, party=4), NotValid) == "nothing_to_change"
    await house.agrees()
    assert await contradictions(house, NIGHT) == []


HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "'; DROP TABLE booking; --",
    "\u202egnp.exe",
    '=HYPERLINK("http://evil","x")',
    "\U0001f378 Zoë",
]


@pytest.mark.parametrize("text", HOSTILE)
async def test_wishes_are_sealed_and_stand_in_no_event(venue_house: House, text: str) -> None:
    house = venue_house
    booking = await house.booked([7])
    answer = await change(house, booking, requests=text, occasion="birthday", notes="window")
    assert text not in str(answer)
    async with house.looking() as conn:
        payloads = await conn.fetchval("SELECT string_agg(payload::text, ' ') FROM event")
        sealed = await conn.fetchval("SELECT wishes FROM booking")
        kept = await conn.fetchval(
            "SELECT string_agg(encode(answer, 'escape'), ' ') FROM idempotency"
        )
    assert "birthday" not in payloads
    assert text not in payloads
    assert "birthday" not in kept
    assert text.encode() not in sealed
    assert '"changed": ["requests", "occasion", "notes"]' in payloads
    await house.agrees()


async def test_nothing_is_noted_of_nobody(venue_house: House) -> None:
    nameless = await venue_house.hold([7], contact=None)
    assert await refused(change(venue_house, nameless, notes="x")) == "guest_missing"


# -- editions --------------------------------------------------------------------------------------


async def test_a_change_of_another_edition_is_refused_with_the_booking_as_it_is(
    venue_house: House,
) -> None:
    house = venue_house
    booking = await house.booked([7])
    await house.move(booking, [6])
    with pytest.raises(Conflict) as caught:
        await bookings.move_tables(
            house.db, house.venue, house.caller(), booking["booking_id"], MoveTables([8], 0)
        )
    assert caught.value.reason == "edition_stale"
    assert caught.value.fields["edition"] == 1
    assert caught.value.fields["booking"]["tables"] == [6]


async def _race(house: House, *, edition: int | None) -> Counter[str]:
    booking = await house.booked([7])
    return Counter(
        await at_once(
            house,
            *(
                outcome(
                    bookings.move_tables(
                        house.db, house.venue, house.caller(), booking["booking_id"],
                        MoveTables([to], edition),
                    )
                )
                for to in (5, 6, 8)
            ),
        )
    )  # fmt: skip


async def test_of_two_managers_who_move_one_party_at_once_one_is_told(venue_house: House) -> None:
    assert await _race(venue_house, edition=0) == {"won": 1, "edition_stale": 2}
    await venue_house.agrees()


async def test_without_the_edition_both_move_it_and_one_never_learns(venue_house: House) -> None:
    """The negative control: the race is real."""
    assert await _race(venue_house, edition=None) == {"won": 3}


async def test_the_same_key_in_parallel_reschedules_once(venue_house: House) -> None:
    house = venue_house
    await house.open(SUNDAY)
    booking = await house.booked([7])
    request = Reschedule(night=SUNDAY)

    async def once(key: str) -> Booking:
        caller = house.caller(key=key, body=request)
        return read(
            await reschedules.reschedule(
                house.db, house.venue, house.vault, caller, booking["booking_id"], request
            )
        )

    answers = await asyncio.gather(*(once("again") for _ in range(5)))
    assert all(answer == answers[0] for answer in answers)
    assert (await house.kinds(1, SUNDAY)) == ["BOOKING_RESCHEDULED"]


async def test_without_the_key_each_changes_the_party(venue_house: House) -> None:
    """The negative control: what one key does once, five keys do five times."""
    house = venue_house
    booking = await house.booked([7])
    other = await house.booked([6])
    await asyncio.gather(*(outcome(swapped(house, booking, other)) for _ in range(3)))
    assert (await house.kinds()).count("TABLES_SWAPPED") == 3


# -- nights with other lengths ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("night", "other", "hours"),
    [
        ("2027-03-27", "2027-04-03", 6),
        ("2026-10-31", "2026-11-07", 7),
        ("2026-10-24", "2026-10-31", 8),
    ],
)
async def test_the_nights_when_the_clocks_change(
    venue_house: House, night: str, other: str, hours: int
) -> None:
    """Doors to close is an hour shorter or longer; a booking goes there and back whole."""
    house = venue_house
    await house.at(datetime(2026, 10, 20, 12, tzinfo=UTC))
    for one in (night, other):
        await house.open(one)
    booking = await house.booked([7])
    there = await rescheduled(house, booking, night=night)
    begins, ends = (datetime.fromisoformat(there[name]) for name in ("from", "until"))
    assert (ends - begins).total_seconds() == hours * 3600
    back = await rescheduled(house, booking, night=other)
    assert back["night"] == other
    for one in (NIGHT, night, other):
        await house.agrees(one)
    assert await contradictions(house, NIGHT, night, other) == []


async def test_only_the_function_changes_a_bookings_night(venue_house: House) -> None:
    house = venue_house
    booking = await house.booked([7])
    async with house.db.acting(MANAGER) as conn:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await conn.execute("UPDATE booking SET party = 5 WHERE id = $1", booking["booking_id"])
