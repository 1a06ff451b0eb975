"""Bans over HTTP."""

from msgspec.structs import replace

from app.actions import bans
from app.actions.act import Answered, spliced
from app.web.answers import Answer, encoded
from app.web.doing import doing
from app.web.offline import ask_back_banned
from app.web.operations import Call


async def get_bans(call: Call) -> Answer:
    """Every ban, those in force first."""
    return encoded(await bans.list_bans(call.parts.db, call.parts.vault, call.principal))


async def _add(call: Call) -> Answered:
    """Tablets that hold a ticket of the person are asked for it; who does not answer is named."""
    parts = call.parts
    answered = await bans.add_ban(parts.db, parts.vault, call.caller, call.body)
    doors = await ask_back_banned(call)
    body = spliced(answered.body, {"may_still_admit": doors}) if doors else answered.body
    return replace(answered, body=body)


add_ban = doing(_add)
lift_ban = doing(lambda c: bans.lift_ban(c.parts.db, c.caller, c.path["ban_id"], c.body))
