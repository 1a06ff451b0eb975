"""What is put into the outbox: once for its cause, with the action or not at all, by ids alone."""

import asyncio
from typing import Any

import pytest

from app.actions import bookings
from app.actions.act import Act, perform
from app.actions.holds import booking_answer
from app.domain import messages
from app.errors import Conflict
from app.wire import Answer, Contact
from tests.integration.floor import House

WRITTEN = Contact("Ada Lovelace", phone="0113 496 0000", email="ada@example.org")
CALLED = Contact("Ada Lovelace", phone="0113 496 0000")
NAMED = Contact("Ada Lovelace")


async def lines(house: House) -> list[tuple[Any, ...]]:
    async with house.looking() as owner:
        rows = await owner.fetch("SELECT kind, channel, status FROM outbox ORDER BY number")
    return [tuple(row) for row in rows]


async def test_each_message_goes_the_ways_that_its_customer_has(venue_house: House) -> None:
    for table, contact in ((7, WRITTEN), (6, CALLED), (5, NAMED)):
        held = await venue_house.hold([table], 4, contact=contact)
        await venue_house.confirm(held)
        await bookings.cancel_booking(venue_house.db, venue_house.caller(), held["booking_id"])
    assert await lines(venue_house) == [
        ("confirmation", "email", "waiting"),
        ("cancelled", "email", "waiting"),
        ("cancelled", "sms", "waiting"),
        ("confirmation", "sms", "waiting"),
        ("cancelled", "sms", "waiting"),
    ]


async def test_an_unpaid_hold_that_ends_is_told_to_nobody(venue_house: House) -> None:
    held = await venue_house.hold([7], 4, contact=WRITTEN)
    await bookings.cancel_booking(venue_house.db, venue_house.caller(), held["booking_id"])
    assert await lines(venue_house) == []


async def test_a_cause_reported_again_and_at_once_is_one_message(venue_house: House) -> None:
    held = await venue_house.hold([7], 4, contact=WRITTEN)
    booking_id = held["booking_id"]

    async def report() -> None:
        async def work(act: Act) -> tuple[int, Answer]:
            act.send(messages.refunded(booking_id, "re_1", 5000))
            return 200, booking_answer(act.facts.bookings[0])

        await perform(venue_house.db, venue_house.caller(), "report", work, bookings=[booking_id])

    await asyncio.gather(*(report() for _ in range(8)))
    assert await lines(venue_house) == [("refunded", "email", "waiting")]


async def test_an_action_that_is_refused_says_nothing(venue_house: House) -> None:
    held = await venue_house.hold([7], 4, contact=WRITTEN)

    async def work(act: Act) -> tuple[int, Answer]:
        act.send(messages.confirmation(held["booking_id"]))
        raise Conflict("no", "No.")

    with pytest.raises(Conflict):
        await perform(
            venue_house.db, venue_house.caller(), "x", work, bookings=[held["booking_id"]]
        )
    assert await lines(venue_house) == []


async def test_beyond_its_limit_a_message_waits_for_a_manager_and_the_booking_stands(
    venue_house: House,
) -> None:
    held = await venue_house.hold([7], 4, contact=WRITTEN)
    async with venue_house.looking() as owner:
        await owner.execute(
            "INSERT INTO outbox (kind, channel, cause, person_id)"
            " SELECT 'confirmation', 'email', 'c:' || n, (SELECT person_id FROM booking LIMIT 1)"
            "   FROM generate_series(1, 10000) AS n"
        )
    await venue_house.confirm(held)
    async with venue_house.looking() as owner:
        row = await owner.fetchrow(
            "SELECT status, reason FROM outbox WHERE booking_id = $1", held["booking_id"]
        )
    assert tuple(row) == ("dead", "queue_full")


async def test_the_outbox_holds_nothing_of_a_person(venue_house: House) -> None:
    await venue_house.confirm(await venue_house.hold([7], 4, contact=WRITTEN))
    async with venue_house.looking() as owner:
        text = str(await owner.fetch("SELECT outbox::text FROM outbox"))
    assert not [
        word for word in ("Ada", "Lovelace", "1134960000", "496 0000", "example") if word in text
    ]
