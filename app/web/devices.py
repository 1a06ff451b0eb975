"""Devices over HTTP."""

from msgspec import Struct

from app.actions import devices
from app.web.answers import Answer, encoded
from app.web.operations import Call
from app.web.people import acted
from app.wire.devices import DeviceAnswer


class Devices(Struct, frozen=True):
    devices: list[DeviceAnswer]


async def get_devices(call: Call) -> Answer:
    return encoded(Devices(await devices.list_devices(call.parts.db)))


async def post_device(call: Call) -> Answer:
    """The token is in this answer and in no other."""
    parts = call.parts
    return acted(
        await devices.create_device(
            parts.db, parts.venue, parts.settings.secret, call.caller, call.body
        )
    )


async def delete_device(call: Call) -> Answer:
    """The device's token no longer counts, and its screens are closed."""
    parts = call.parts
    answered = await devices.revoke_device(parts.db, call.caller, call.path["device_id"])
    await parts.live.revoke(call.path["device_id"])
    return acted(answered)
