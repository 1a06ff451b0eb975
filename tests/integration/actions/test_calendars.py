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
from tests.integration.floor import House, read

SPRING = "2027-03-27"  # the clocks go forward in this night: it has 23 hours


async def entry_at(house: House, address: str) -> Any:
    """The one entry that a program finds there."""
    key = address.split("key=")[1]
    feed = await calendars.read_feed(house.db, house.venue, house.vault, house.settings.secret, key)
    text = calendar_of(feed.entries, zone=house.venue.zone, host="h", name=feed.name, feed=True)
    (event,) = icalendar.Calendar.from_ical(text).walk("VEVENT")
    return event


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
