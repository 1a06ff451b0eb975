"""Guests' own codes over HTTP: the booker's list, and what a guest's page shows."""

from app.actions import guests
from app.errors import NotFound
from app.web.answers import Answer, encoded
from app.web.bookings import svg_of
from app.web.doing import doing
from app.web.operations import Call


async def get_places(call: Call) -> Answer:
    parts = call.parts
    return encoded(
        await guests.list_places(
            parts.db, parts.vault, parts.settings.secret, call.principal, call.path["booking_id"]
        )
    )


hand_out = doing(
    lambda c: guests.hand_out(
        c.parts.db, c.parts.venue, c.parts.vault, c.parts.settings.secret, c.caller,
        c.path["booking_id"], c.body,
    )
)  # fmt: skip
take_back = doing(
    lambda c: guests.take_back(c.parts.db, c.caller, c.path["booking_id"], c.path["number"])
)


async def get_pass(call: Call) -> Answer:
    """The guest's own number, night and code, by their link."""
    parts = call.parts
    return encoded(await guests.show_pass(parts.db, parts.venue, parts.vault, call.principal))


async def get_pass_svg(call: Call) -> Answer:
    """The guest's code as a drawing."""
    parts = call.parts
    found = await guests.show_pass(parts.db, parts.venue, parts.vault, call.principal)
    if found.code is None:
        raise NotFound("code_not_found", "This code is over. Ask the person who booked.")
    return await svg_of(found.code)
