"""Manage links over HTTP."""

from app.actions import links
from app.domain.manage_links import link_key
from app.web.answers import Answer
from app.web.operations import Call
from app.web.people import acted


async def post_link(call: Call) -> Answer:
    """The token is in this answer and in no other place."""
    key = link_key(call.parts.settings.secret)
    return acted(await links.make_link(call.parts.db, key, call.caller, call.path["booking_id"]))


async def revoke_links(call: Call) -> Answer:
    return acted(await links.revoke_links(call.parts.db, call.caller, call.path["booking_id"]))
