"""Devices over HTTP."""

from msgspec import Struct

from app.actions import devices
from app.web.answers import Answer, encoded
from app.web.operations import Call
from app.web.people import acted
from app.wire.devices import DeviceAnswer, DeviceHealth


class Devices(Struct, frozen=True):
    devices: list[DeviceAnswer]


class Health(Struct, frozen=True):
    devices: list[DeviceHealth]


async def get_health(call: Call) -> Answer:
    """Managers' screens ask every second and a half: a camera reports each second."""
    return encoded(Health(await devices.list_health(call.parts.db)))


async def get_devices(call: Call) -> Answer:
    return encoded(Devices(await devices.list_devices(call.parts.db)))


async def post_device(call: Call) -> Answer:
    """The pairing code is in this answer and in no other."""
    parts = call.parts
    return acted(
        await devices.add_device(parts.db, parts.venue, _drawn(call), call.caller, call.body)
    )


async def post_pairing(call: Call) -> Answer:
    """As `post_device`, for a device that is there."""
    parts = call.parts
    return acted(
        await devices.pair_again(
            parts.db, parts.venue, _drawn(call), call.caller, call.path["device_id"]
        )
    )


async def pair_device(call: Call) -> Answer:
    """The token is in this answer; the line in the book closes the screens of the one before."""
    parts = call.parts
    return acted(await devices.pair(parts.db, parts.settings.secret, call.caller, call.body))


async def roll_token(call: Call) -> Answer:
    """The next token is in this answer and in no other."""
    parts = call.parts
    return acted(await devices.roll(parts.db, parts.settings.secret, call.caller))


async def post_status(call: Call) -> Answer:
    await devices.report(call.parts.db, call.caller, call.body)
    return Answer(204)


async def delete_device(call: Call) -> Answer:
    """The device's token no longer counts, and its screens are closed."""
    answered = await devices.revoke_device(call.parts.db, call.caller, call.path["device_id"])
    return acted(answered)


def _drawn(call: Call) -> devices.Drawn:
    return devices.Drawn(call.parts.settings.secret, call.parts.settings.public_url)
