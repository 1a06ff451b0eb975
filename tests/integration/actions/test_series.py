"""Bookings that recur: all dates or none, the same answer twice, and the books of all nights whole.

Four Saturdays from tonight on are open unless a test says otherwise.
"""

import asyncio
from collections import Counter
from datetime import UTC
from email.message import EmailMessage
from typing import Any

import icalendar
import pytest

from app.actions import bookings, calendars, series
from app.actions.act import Answered
from app.db import outbox
from app.errors import Conflict, NotFound, NotValid
from app.wire import Contact
from app.wire.series import BookSeries, CancelSeries, WantedDate
from tests.integration.changing import contradictions, outcome, rescheduled
from tests.integration.floor import NIGHT, House, read
from tests.integration.mailbox import ORIGIN, mailbox, outbox_of, part_of, rows_of, try_now
from tests.integration.racing import GATE, until, waiting

SATURDAYS = [NIGHT, "2026-11-28", "2026-12-05", "2026-12-12"]
ADA = Contact("Ada Lovelace", phone="0113 496 0000", email="ada@example.org")


async def weekly(house: House, nights: list[str] = SATURDAYS) -> None:
    for night in nights[1:]:
        await house.open(night)


async def answered(
    house: House, tables: int | list[int] = 7, *, nights: list[str] = SATURDAYS,
    key: str | None = None, contact: Contact = ADA, **more: Any,
) -> Answered:  # fmt: skip
    numbers = [tables] * len(nights) if isinstance(tables, int) else tables
    dates = [WantedDate(night, [n]) for night, n in zip(nights, numbers, strict=True)]
    request = BookSeries(4, contact, dates, **more)
    return await series.book_series(
        house.db, house.venue, house.vault, house.settings.secret,
        house.caller(key=key, body=request), request,
    )  # fmt: skip


async def recurring(house: House, *given: Any, **more: Any) -> Any:
    return read(await answered(house, *given, **more))


async def ended(house: House, series_id: str, since: str | None = None) -> Any:
    return read(
        await series.cancel_series(house.db, house.caller(), series_id, CancelSeries(since))
    )


async def whole(house: House, nights: list[str] = SATURDAYS) -> None:
    for night in nights:
        await house.agrees(night)
    assert await contradictions(house, *nights) == []


async def test_four_saturdays_are_four_bookings_of_one_series(venue_house: House) -> None:
    house = venue_house
    await weekly(house)
    made = await recurring(house, paid="card")
    found = [(one["night"], one["tables"], one["status"]) for one in made["bookings"]]
    assert found == [(night, [7], "confirmed") for night in SATURDAYS]
    for one in made["bookings"]:
        assert one["paid_pence"] == one["deposit_pence"] > 0
        assert one["series_id"] == made["series_id"]
    assert len({one["reference"] for one in made["bookings"]}) == 4
    line = ["BOOKING_INITIATED", "TABLES_SELECTED", "PAYMENT_PROCESSED", "BOOKING_CONFIRMED"]
    for night in SATURDAYS:
        assert (await house.kinds(book=night))[-4:] == line
    async with house.looking() as owner:
        told = await owner.fetch(
            "SELECT payload ->> 'series_id' AS id, (SELECT b.series::text FROM booking b"
            " WHERE b.id = (payload ->> 'booking_id')::uuid) AS row"
            " FROM event WHERE type = 'BOOKING_INITIATED'"
        )
        people = await owner.fetchval("SELECT count(DISTINCT person_id) FROM booking")
    assert {tuple(one) for one in told} == {(made["series_id"], made["series_id"])}
    assert people == 4, "each can be erased by its own link"
    await whole(house)


async def test_deposits_that_were_not_taken_stay_due(venue_house: House) -> None:
    await weekly(venue_house)
    made = await recurring(venue_house)
    for one in made["bookings"]:
        assert (one["paid_pence"], one["due_pence"]) == (0, one["deposit_pence"])
    await whole(venue_house)


async def test_with_one_date_taken_none_is_booked_and_each_that_is_lost_is_named(
    venue_house: House,
) -> None:
    house = venue_house
    await weekly(house, SATURDAYS[:3])
    await recurring(house, nights=[SATURDAYS[1]])
    before = [await house.kinds(book=night) for night in SATURDAYS[:3]]
    with pytest.raises(Conflict) as caught:
        await answered(house)
    assert caught.value.reason == "series_not_free"
    told = [(one["night"], one["reason"]) for one in caught.value.fields["dates"]]
    assert told == [
        (SATURDAYS[1], "table_not_available"), (SATURDAYS[3], "night_not_found"),
    ]  # fmt: skip
    assert [await house.kinds(book=night) for night in SATURDAYS[:3]] == before
    # Another set for the one, and the other left out: what was agreed is booked.
    made = await recurring(house, [7, 8, 7], nights=SATURDAYS[:3])
    assert [one["tables"] for one in made["bookings"]] == [[7], [8], [7]]
    await whole(house, SATURDAYS[:3])


async def test_a_night_that_is_closed_or_twice_named_is_refused(venue_house: House) -> None:
    house = venue_house
    await weekly(house)
    async with house.looking() as owner:
        await owner.execute("UPDATE night SET status = 'sealed' WHERE date = '2026-12-05'")
    with pytest.raises(Conflict) as caught:
        await answered(house)
    assert [one["reason"] for one in caught.value.fields["dates"]] == ["night_sealed"]
    with pytest.raises(NotValid) as twice:
        await answered(house, nights=[NIGHT, NIGHT])
    assert twice.value.reason == "night_twice"


async def test_one_key_books_once_also_in_parallel(venue_house: House) -> None:
    house = venue_house
    await weekly(house)
    made = await asyncio.gather(*(answered(house, key="one") for _ in range(4)))
    assert Counter(one.replayed for one in made) == {False: 1, True: 3}
    assert len({one.body for one in made}) == 1
    async with house.looking() as owner:
        assert await owner.fetchval("SELECT count(*) FROM booking") == 4
    await whole(house)


async def test_series_and_reschedules_that_want_one_table_on_several_nights_never_deadlock(
    venue_house: House,
) -> None:
    """Every night is given to exactly one, and nobody waits for each other."""
    house = venue_house
    await weekly(house)
    there = await house.booked([6])
    async with asyncio.timeout(20):
        found = await asyncio.gather(
            *(outcome(answered(house)) for _ in range(3)),
            *(outcome(answered(house, nights=list(reversed(SATURDAYS)))) for _ in range(3)),
            outcome(rescheduled(house, there, night=SATURDAYS[2], tables=[7])),
        )
    assert Counter(found)["won"] == 1
    async with house.looking() as owner:
        claims = await owner.fetchval(
            "SELECT count(*) FROM booking_table WHERE live AND number = 7"
        )
    assert claims == (1 if found[-1] == "won" else 4)
    await whole(house)


async def test_a_hold_past_its_time_ends_for_a_series_on_whichever_night(
    venue_house: House,
) -> None:
    house = venue_house
    await weekly(house)
    await house.hold([7])
    await house.later(minutes=11)
    await recurring(house)
    assert "HOLD_EXPIRED" in await house.kinds()
    await whole(house)


async def test_one_date_is_cancelled_alone_and_then_the_rest_but_who_is_in(
    venue_house: House,
) -> None:
    house = venue_house
    await weekly(house)
    made = await recurring(house, paid="cash")
    first, second = made["bookings"][:2]
    await bookings.cancel_booking(house.db, house.caller(), second["booking_id"])
    assert (await house.scan(None, 1, reference=first["reference"]))["verdict"] == "admit"
    over = await ended(house, made["series_id"])
    assert [one["night"] for one in over["bookings"]] == SATURDAYS[2:]
    assert [(one["night"], one["reason"]) for one in over["kept"]] == [(NIGHT, "party_inside")]
    assert all(one["refund_pence"] == one["deposit_pence"] for one in over["bookings"])
    for night in SATURDAYS[2:]:
        assert (await house.kinds(book=night))[-1] == "BOOKING_CANCELLED"
    await whole(house)
    with pytest.raises(Conflict) as nothing:
        await ended(house, made["series_id"])
    assert nothing.value.reason == "nothing_to_cancel"
    with pytest.raises(NotFound):
        await ended(house, first["booking_id"])


async def test_from_one_date_on_those_before_it_stay(venue_house: House) -> None:
    house = venue_house
    await weekly(house)
    made = await recurring(house)
    over = await ended(house, made["series_id"], SATURDAYS[2])
    assert [one["night"] for one in over["bookings"]] == SATURDAYS[2:]
    async with house.looking() as owner:
        found = await owner.fetch("SELECT status FROM booking ORDER BY night")
    assert [row["status"] for row in found] == ["confirmed"] * 2 + ["cancelled"] * 2
    await whole(house)


async def test_one_message_tells_all_dates_and_one_their_end(venue_house: House) -> None:
    house = venue_house
    await weekly(house)
    made = await recurring(house)
    async with mailbox() as box:
        worker = outbox_of(house, mail=box.server)
        await worker.drain()
        await rescheduled(house, made["bookings"][2], night=SATURDAYS[2], tables=[8])
        await worker.drain()
        await ended(house, made["series_id"])
        await worker.drain()
        booked, changed, over = box.messages
    kinds = [row for row in await rows_of(house) if row[1] == "sent"]
    assert [kind for kind, _, _ in kinds] == ["series", "changed", "series_cancelled"]
    assert booked["Subject"].startswith("Your table on 4 nights from Saturday 21 November 2026")
    text = part_of(booked, "text/plain")
    assert text.count("/manage#mng_") == 4
    for one, day in zip(made["bookings"], ("21 Nov", "28 Nov", "5 Dec", "12 Dec"), strict=True):
        assert day in text
        assert one["reference"][:4] in text
    entries = [sequences(message) for message in (booked, changed, over)]
    ids = [one["booking_id"] for one in made["bookings"]]
    assert entries[0] == dict.fromkeys(ids, 0)
    assert entries[1] == {ids[2]: 2}, "a calendar takes the change of an entry it has from a series"
    assert entries[2] == {**dict.fromkeys(ids, 1), ids[2]: 3}


async def a_date_is_cancelled(house: House) -> None:
    """Two letters wait, to two persons who are one guest."""
    await weekly(house)
    made = await recurring(house, contact=Contact("Ada", email="ada@example.org"))
    await bookings.cancel_booking(house.db, house.caller(), made["bookings"][3]["booking_id"])


SERIES_FIRST = [
    "Your table on 3 nights from Saturday 21 November 2026",  # as it is when it is sent
    "Your booking on Saturday 12 December 2026 is cancelled",
]


async def test_the_end_of_a_date_is_not_told_before_the_series(venue_house: House) -> None:
    """Whether the first letter is on its way with another worker, or has to be tried again."""
    house, asked, release = venue_house, asyncio.Event(), asyncio.Event()
    await a_date_is_cancelled(house)
    async with mailbox() as box:

        class Slow:
            async def send(self, message: EmailMessage) -> None:
                asked.set()
                await release.wait()
                await box.server.send(message)

        first, second = outbox_of(house, mail=Slow()), outbox_of(house, mail=box.server)
        assert await first.step() == 1
        await asked.wait()
        assert await second.step() == 0
        box.answers = ["451 Later"]
        release.set()
        await first.drain()
        await second.drain()
        assert (box.messages, box.answers) == ([], [])
        await try_now(house)
        await second.drain()
        assert box.subjects == SERIES_FIRST


async def test_who_looked_before_another_took_the_first_takes_none_that_follows(
    venue_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One worker's statement has its snapshot when the other takes the first letter, and comes to
    the row when it is taken: the row is the other's, and what follows it still has to wait."""
    house = venue_house
    await a_date_is_cancelled(house)
    gate = f"(SELECT pg_advisory_xact_lock_shared({GATE})) IS NOT NULL AND "
    gated = outbox.TAKE_DUE.replace("WHERE o.status", f"WHERE {gate}o.status", 1)
    async with house.looking() as owner, mailbox() as box:
        await owner.execute(f"SELECT pg_advisory_lock({GATE})")
        with monkeypatch.context() as late:
            late.setattr(outbox, "TAKE_DUE", gated)
            looking = asyncio.create_task(outbox_of(house, mail=box.server).step())

            async def has_looked() -> bool:
                return await waiting(owner, "advisory") > 0

            await until(has_looked, "it does not look")
        first = outbox_of(house, mail=box.server)
        assert await first.step() == 1
        await owner.execute(f"SELECT pg_advisory_unlock({GATE})")
        assert await looking == 0
        await first.drain()
        assert box.subjects == SERIES_FIRST


async def test_without_the_look_at_the_series_its_end_would_come_first(
    venue_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the order of each person's messages is not enough."""
    careless = outbox.TAKE_DUE.replace("d.series = b.series", "d.id = b.id")
    assert careless != outbox.TAKE_DUE, "the guard to switch off has moved"
    monkeypatch.setattr(outbox, "TAKE_DUE", careless)
    await a_date_is_cancelled(venue_house)
    async with mailbox() as box:
        box.answers = ["451 Later"]
        worker = outbox_of(venue_house, mail=box.server)
        assert await worker.step() == 2, "both at once"
        await worker.drain()
        assert len(box.messages) == 1


def sequences(message: Any) -> dict[str, int]:
    """The number of each booking's entry in the message's calendar."""
    entries = icalendar.Calendar.from_ical(part_of(message, "text/calendar")).walk("VEVENT")
    return {str(one["UID"]).partition("@")[0]: one.decoded("SEQUENCE") for one in entries}


async def test_the_message_of_a_series_brings_every_date_into_a_calendar(
    venue_house: House,
) -> None:
    """As entries of a file, and as one feed for each booking, which says the same of it."""
    house, day = venue_house, ("Sat 21 Nov", "Sat 28 Nov", "Sat 5 Dec", "Sat 12 Dec")
    await weekly(house)
    made = await recurring(house)
    ids = [one["booking_id"] for one in made["bookings"]]
    await bookings.cancel_booking(house.db, house.caller(), ids[3])
    async with mailbox() as box:
        await outbox_of(house, mail=box.server).drain()
        message, _ = box.messages
    (file,) = [part for part in message.iter_attachments() if part.get_filename() == "booking.ics"]
    calendar = icalendar.Calendar.from_ical(file.get_content())
    assert (calendar["METHOD"], file.get_content_type()) == ("PUBLISH", "text/calendar")
    entries = {str(one["UID"]).partition("@")[0]: one for one in calendar.walk("VEVENT")}
    assert list(entries) == ids
    begins = [one.decoded("DTSTART").astimezone(UTC).isoformat() for one in entries.values()]
    assert begins == [f"{night}T22:00:00+00:00" for night in SATURDAYS]
    assert [one["STATUS"] for one in entries.values()] == ["CONFIRMED"] * 3 + ["CANCELLED"]
    page = part_of(message, "text/html")
    lines = part_of(message, "text/plain").splitlines()
    first = lines.index("Follow each night in your calendar:") + 1
    said = lines[first : lines.index("", first)]
    assert [line.partition(": ")[0] for line in said] == list(day[:3]), "the last was cancelled"
    for booking_id, line in zip(ids, said, strict=False):
        address = line.partition(": ")[2]
        assert address.startswith(f"{ORIGIN}/v1/calendar.ics?key=cal_")
        assert f'href="{address}"' in page
        feed = await calendars.read_feed(
            house.db, house.venue, house.vault, house.settings.secret, address.split("key=")[1]
        )
        ((uid, number),) = [(one.booking_id, one.sequence) for one in feed.entries]
        assert (uid, number) == (booking_id, entries[booking_id]["SEQUENCE"])
