"""The administration of staff and of their sessions over HTTP.

Screens of whoever loses a right are closed by the line that says so in the venue's book.
"""

from app.actions import staff, staff_sessions
from app.web.answers import Answer, encoded
from app.web.operations import Call
from app.web.people import acted
from app.wire.staff import SessionList, StaffList


async def get_staff(call: Call) -> Answer:
    return encoded(StaffList(staff=await staff.list_staff(call.parts.db)))


async def post_staff(call: Call) -> Answer:
    parts = call.parts
    return acted(
        await staff.add_staff(parts.db, parts.venue, parts.settings.secret, call.caller, call.body)
    )


async def patch_staff(call: Call) -> Answer:
    parts, staff_id = call.parts, call.path["staff_id"]
    return acted(await staff.change_staff(parts.db, parts.venue, call.caller, staff_id, call.body))


async def post_link(call: Call) -> Answer:
    parts = call.parts
    return acted(
        await staff.make_link(parts.db, parts.settings.secret, call.caller, call.path["staff_id"])
    )


async def post_pin(call: Call) -> Answer:
    parts = call.parts
    return acted(
        await staff.set_pin(
            parts.db, parts.hashing, parts.settings.secret, call.caller, call.path["staff_id"],
            call.body.pin,
        )
    )  # fmt: skip


async def post_totp_reset(call: Call) -> Answer:
    return acted(await staff.reset_second_factor(call.parts.db, call.caller, call.path["staff_id"]))


async def get_sessions(call: Call) -> Answer:
    listed = await staff_sessions.list_sessions(call.parts.db, call.principal)
    return encoded(SessionList(sessions=listed))


async def delete_session(call: Call) -> Answer:
    return acted(
        await staff_sessions.revoke_session(call.parts.db, call.caller, call.path["session_id"])
    )


async def delete_sessions_of(call: Call) -> Answer:
    return acted(
        await staff_sessions.revoke_sessions_of(call.parts.db, call.caller, call.path["staff_id"])
    )
