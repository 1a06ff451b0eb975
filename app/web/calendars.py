"""Calendar feeds over HTTP: their addresses, and the calendars that programs fetch by them."""

from typing import Final
from urllib.parse import urlsplit

import msgspec

from app.actions import calendars
from app.domain.calendar import calendar_of
from app.web.answers import Answer
from app.web.floor import hash_of, tagged
from app.web.operations import Call
from app.web.people import acted

MEDIA: Final = "text/calendar"


async def post_booking_calendar(call: Call) -> Answer:
    """The address is in this answer and in the customer's messages."""
    parts = call.parts
    return acted(
        await calendars.give_booking_address(
            parts.db, parts.settings.secret, call.caller, call.path["booking_id"], call.body
        )
    )


async def post_night_calendar(call: Call) -> Answer:
    """The address is in this answer and in no other place."""
    parts = call.parts
    return acted(
        await calendars.give_night_address(
            parts.db, parts.settings.secret, call.caller, call.path["night"], call.body
        )
    )


async def get_calendar(call: Call) -> Answer:
    """The calendar as it is now; 304 while nothing in it changed."""
    parts = call.parts
    feed = await calendars.read_feed(
        parts.db, parts.venue, parts.vault, parts.settings.secret, call.query.key
    )
    body = calendar_of(
        feed.entries, zone=parts.venue.zone, name=feed.name, feed=True,
        host=urlsplit(parts.settings.public_url).hostname or "backroom",
    )  # fmt: skip
    answer = tagged(call, body, f'"{hash_of(body)}"')
    return msgspec.structs.replace(
        answer,
        content_type=f"{MEDIA}; charset=utf-8",
        cache_control="private, no-cache",
        headers={**answer.headers, "Content-Disposition": 'inline; filename="backroom.ics"'},
    )
