"""Bans over HTTP."""

from app.actions import bans
from app.web.answers import Answer, encoded
from app.web.doing import doing
from app.web.operations import Call


async def get_bans(call: Call) -> Answer:
    """Every ban, those in force first."""
    return encoded(await bans.list_bans(call.parts.db, call.parts.vault, call.principal))


add_ban = doing(lambda c: bans.add_ban(c.parts.db, c.parts.vault, c.caller, c.body))
lift_ban = doing(lambda c: bans.lift_ban(c.parts.db, c.caller, c.path["ban_id"], c.body))
