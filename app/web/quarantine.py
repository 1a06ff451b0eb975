"""Scans of devices whose token is over, over HTTP."""

from msgspec import Struct

from app.actions import quarantine
from app.actions.act import Answered
from app.web.answers import Answer, encoded
from app.web.doing import doing
from app.web.operations import Call
from app.wire.devices import QuarantineAnswer


class Quarantine(Struct, frozen=True):
    scans: list[QuarantineAnswer]


async def keep_scan(call: Call) -> Answer:
    """Raises NotSignedIn `device_revoked` in every case; `kept` says whether the scan waits."""
    await quarantine.keep(call.parts.db, call.parts.venue, call.caller, call.body)


async def get_quarantine(call: Call) -> Answer:
    """The newest first, at most 500."""
    found = await quarantine.list_quarantine(
        call.parts.db,
        call.caller,
        device_id=call.query.device_id,
        waiting=call.query.state == "waiting",
    )
    return encoded(Quarantine(found))


async def _resolve(call: Call) -> Answered:
    return await quarantine.resolve(
        call.parts.db, call.parts.venue, call.caller, call.path["quarantine_id"], call.body
    )


resolve_scan = doing(_resolve)
