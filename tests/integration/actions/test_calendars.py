"""A feed follows its booking to another night and through a change of the clocks, and ends."""

from datetime import UTC, datetime
from typing import Any

import icalendar
import pytest

from app.actions import calendars, reschedules
from app.domain.calendar import calendar_of
from app.domain.principals import Principal
from app.errors import NotFound
from app.wire.calendars import AskCalendar
from app.wire.changes import Reschedule
from tests.integration.changing import SUNDAY, change, rescheduled
from tests.integration.floor import MANAGER, NIGHT, House, read

SPRING = "2027-03-27"  # the clocks go forward in this night: it has 23 hours
ENDS = ("DTSTART", "DTEND")


async def entries_at(house: House, address: str) -> list[Any]:
    """The entries that a program finds there."""
    key = address.split("key=")[1]
    feed = await calendars.read_feed(house.db, house.venue, house.vault, house.settings.secret, key)
    text = calendar_of(feed.entries, zone=house.venue.zone, host="h", name=feed.name, feed=True)
    return list(icalendar.Calendar.from_ical(text).walk("VEVENT"))


async def entry_at(house: House, address: str) -> Any:
    (event,) = await entries_at(house, address)
    return event


async def night_address(house: House, night: str) -> str:
    """A manager's own feed of the night."""
    async with house.looking() as owner:
        await owner.execute(
            "INSERT INTO staff (id, username, display_name, role)"
            " VALUES ($1::text::uuid, 'morgan', 'Morgan', 'MANAGER') ON CONFLICT DO NOTHING",
            MANAGER.id,
        )
    given = await calendars.give_night_address(
        house.db, house.settings.secret, house.caller(), night, AskCalendar()
    )
    return str(read(given)["address"])


async def test_a_booking_that_moves_takes_its_feed_along_until_a_month_after(
    venue_house: House,
) -> None:
    house = venue_house
    booking = await house.booked([7])
    booking_id = booking["booking_id"]
    guest = Principal("owner", "0" * 64, "OWNER", booking_id=booking_id)
    given = read(
        await calendars.give_booking_address(
            house.db, house.settings.secret, house.caller(guest), booking_id, AskCalendar()
        )
    )
    before = await entry_at(house, given["address"])
    await house.open(SPRING)
    await reschedules.reschedule(
        house.db, house.venue, house.vault, house.caller(), booking_id, Reschedule(SPRING)
    )
    after = await entry_at(house, given["address"])
    assert after["UID"] == before["UID"]
    assert after["SEQUENCE"] > before["SEQUENCE"]
    ends = [after.decoded(name).astimezone(UTC) for name in ("DTSTART", "DTEND")]
    assert ends == [datetime(2027, 3, 27, 22, tzinfo=UTC), datetime(2027, 3, 28, 4, tzinfo=UTC)]
    assert after["DTSTART"].params["TZID"] == "Europe/London"

    await house.at(datetime(2027, 4, 28, 4, 59, tzinfo=UTC))
    assert (await entry_at(house, given["address"]))["UID"] == before["UID"]
    await house.at(datetime(2027, 4, 28, 5, 0, tzinfo=UTC))
    with pytest.raises(NotFound):
        await entry_at(house, given["address"])


async def test_a_booking_that_went_to_another_night_is_cancelled_in_the_one_it_left(
    venue_house: House,
) -> None:
    """Each night's feed is a calendar of its own; without the entry a program keeps what it has."""
    house = venue_house
    await house.open(SUNDAY)
    here, there = await night_address(house, NIGHT), await night_address(house, SUNDAY)
    booking = await house.booked([7])
    evening = ("2026-11-21T23:00:00.000Z", "2026-11-22T02:00:00.000Z")
    await rescheduled(house, booking, slot_from=evening[0], slot_until=evening[1])
    (first,) = await entries_at(house, here)
    assert await entries_at(house, there) == []

    await rescheduled(house, booking, night=SUNDAY, tables=[4])
    left, arrived = await entry_at(house, here), await entry_at(house, there)
    assert left["UID"] == arrived["UID"] == first["UID"]
    assert (left["STATUS"], left["TRANSP"]) == ("CANCELLED", "TRANSPARENT")
    assert left["SUMMARY"] == "Rescheduled: Ada L., 4 people, table 7"
    assert left["DESCRIPTION"] == "Rescheduled to Sunday 22 November 2026"
    assert [left.decoded(at) for at in ENDS] == [first.decoded(at) for at in ENDS], "as it was"
    assert (arrived["STATUS"], arrived["SUMMARY"]) == ("CONFIRMED", "Ada L., 4 people, table 4")

    # What becomes of it there is no news here; when it is back it is one entry, and stands.
    await change(house, booking, party=2)
    assert (await entry_at(house, here))["SEQUENCE"] == left["SEQUENCE"]
    await rescheduled(house, booking, night=NIGHT, tables=[8])
    back, gone = await entry_at(house, here), await entry_at(house, there)
    assert (back["STATUS"], gone["STATUS"]) == ("CONFIRMED", "CANCELLED")
    await rescheduled(house, booking, night=SUNDAY, tables=[4])
    again, came = await entry_at(house, here), await entry_at(house, there)
    numbers = [one["SEQUENCE"] for one in (first, left, back, again)]
    assert numbers == sorted(set(numbers))
    assert arrived["SEQUENCE"] < gone["SEQUENCE"] < came["SEQUENCE"]
    assert again["SUMMARY"].endswith("table 8")
    await house.agrees()
    await house.agrees(SUNDAY)


async def test_a_line_that_does_not_say_the_time_before_leaves_the_nights_hours(
    venue_house: House,
) -> None:
    """Lines of earlier releases; and one made by hand, which names nothing, is in no calendar."""
    house = venue_house
    await house.open(SUNDAY)
    here = await night_address(house, NIGHT)
    booking, other = await house.booked([7]), await house.booked([8])
    for one in (booking, other):
        await rescheduled(house, one, night=SUNDAY)
    strip = "payload - 'slot_from_before' - 'slot_until_before'"
    async with house.looking() as owner:
        for book_of, by_hand in ((booking, strip), (other, f'{strip} || \'{{"night": "x"}}\'')):
            await owner.execute(
                "INSERT INTO event (book, type, subject, actor, correlation_id, payload)"
                f" SELECT book, type, subject, actor, 'by hand', {by_hand} FROM event"
                " WHERE book = $1 AND type = 'BOOKING_RESCHEDULED'"
                "   AND payload ->> 'booking_id' = $2",
                NIGHT, book_of["booking_id"],
            )  # fmt: skip
        for payload in ('{"booking_id": "x"}', "{}"):
            await owner.execute(
                "INSERT INTO event (book, type, subject, actor, correlation_id, payload) VALUES"
                " ($1, 'BOOKING_RESCHEDULED', 'x', 'x', 'x',"
                "  '{\"night\": \"y\"}'::jsonb || $2::text::jsonb)",
                NIGHT, payload,
            )  # fmt: skip
    left = await entry_at(house, here)
    assert left["UID"] == f"{booking['booking_id']}@h"
    hours = [datetime(2026, 11, 21, 22, tzinfo=UTC), datetime(2026, 11, 22, 5, tzinfo=UTC)]
    assert [left.decoded(at).astimezone(UTC) for at in ENDS] == hours
