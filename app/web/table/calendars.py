"""The operations of calendar feeds."""

from typing import Final

from app import wire
from app.domain.calendar_addresses import PATH
from app.web import calendars
from app.web.operations import Operation
from app.wire.calendars import AskCalendar, CalendarAnswer, CalendarQuery

BOOKING: Final = {"booking_id": wire.Uuid}
NIGHT: Final = {"night": wire.NightDate}


def operations() -> tuple[Operation, ...]:
    """Giving out the address of a calendar, and what is read by it."""
    return (
        Operation(
            method="POST", path="/v1/bookings/{booking_id}/calendar",
            handler=calendars.post_booking_calendar, parameters=BOOKING,
            permission="booking:link", own="own:link", request=AskCalendar,
            request_may_be_empty=True, answers={201: CalendarAnswer}, tag="bookings",
            limits="write", idempotent=True,
            summary="The private address of the booking's calendar; another one, if asked.",
        ),
        Operation(
            method="POST", path="/v1/nights/{night}/calendar",
            handler=calendars.post_night_calendar, parameters=NIGHT,
            permission="calendar:follow", request=AskCalendar, request_may_be_empty=True,
            answers={201: CalendarAnswer}, tag="nights", limits="write", idempotent=True,
            summary="One's own private address of the night's calendar; another one, if asked.",
        ),
        Operation(
            method="GET", path=PATH, handler=calendars.get_calendar,
            query=CalendarQuery, permission=None, answers={200: bytes}, media=calendars.MEDIA,
            tag="bookings",
            summary="A booking's or a night's calendar, by the secret of its address alone.",
        ),
    )  # fmt: skip
