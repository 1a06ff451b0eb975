"""Devices: tablets and cameras, each at a door, known by a token that is derived and not stored."""

import hmac
import logging
from base64 import urlsafe_b64encode
from typing import Final
from uuid import uuid4

import msgspec

from app.actions.act import Answered, Caller, finish, lock, replay
from app.actions.identity import token_hash
from app.db import devices
from app.db.pool import Database
from app.domain.principals import Principal
from app.errors import NotFound
from app.wire.devices import CreateDevice, DeviceAnswer
from floorplan.venue import Venue

logger = logging.getLogger(__name__)

ADMINISTRATION: Final = "venue"  # the book of what belongs to no night
DEVICE_PREFIX: Final = "dev_"  # tells a device's token from an owner's


async def find_device(db: Database, token: str) -> Principal | None:
    """The device whose token it is; None: unknown or revoked."""
    async with db.reading() as conn:
        device = await devices.find_device(conn, token_hash(token))
        if device is None:
            return None
        if device.stale:
            await devices.touch_device(conn, device.id)
    return Principal("device", device.id, "DEVICE", device.name, device.door)


async def create_device(
    db: Database, venue: Venue, secret: str, caller: Caller, request: CreateDevice
) -> Answered:
    """The device exists; its token is in this answer and its replays, and nowhere else.

    Raises NotFound `door_not_found`.
    """
    doors = [door.id for door in venue.doors]
    if request.door not in doors:
        raise NotFound("door_not_found", f"There is no such door. Use {', '.join(doors)}.")
    async with db.undecided() as conn:
        act = await lock(conn, caller, "create_device", night=None)
        if act.facts.answered is not None:
            answered = replay(act.facts.answered)
        else:
            device_id = str(uuid4())
            token = device_token(secret, device_id)
            await devices.insert_device(
                conn, device_id, request.name, request.kind, request.door, token_hash(token)
            )
            answer = DeviceAnswer(
                device_id=device_id, name=request.name, kind=request.kind, door=request.door
            )
            body = msgspec.json.encode(answer)
            await finish(act, ADMINISTRATION, 201, body)
            answered = Answered(201, body)
            logger.info("device created", extra={"device_id": device_id})
    made = msgspec.json.decode(answered.body, type=DeviceAnswer)
    shown = msgspec.structs.replace(made, token=device_token(secret, made.device_id))
    return msgspec.structs.replace(answered, body=msgspec.json.encode(shown))


async def revoke_device(db: Database, caller: Caller, device_id: str) -> Answered:
    """The device's token no longer counts. Raises NotFound."""
    async with db.undecided() as conn:
        act = await lock(conn, caller, "revoke_device", night=None)
        if act.facts.answered is not None:
            return replay(act.facts.answered)
        row = await devices.revoke_device(conn, device_id)
        if row is None:
            raise NotFound("device_not_found", "There is no such device.")
        answer = DeviceAnswer(
            device_id=row.id,
            name=row.name,
            kind=row.kind,
            door=row.door,
            seen_at=row.seen_at,
            revoked_at=row.revoked_at,
        )
        body = msgspec.json.encode(answer)
        await finish(act, ADMINISTRATION, 200, body)
    logger.info("device revoked", extra={"device_id": device_id})
    return Answered(200, body)


async def list_devices(db: Database) -> list[DeviceAnswer]:
    """Every device, those in use first."""
    async with db.reading() as conn:
        rows = await devices.list_devices(conn)
    return [
        DeviceAnswer(
            device_id=row.id,
            name=row.name,
            kind=row.kind,
            door=row.door,
            seen_at=row.seen_at,
            revoked_at=row.revoked_at,
        )
        for row in rows
    ]


def device_token(secret: str, device_id: str) -> str:
    """The device's token, derived, so that no stored answer holds it."""
    digest = hmac.digest(bytes.fromhex(secret), b"device:" + device_id.encode(), "sha256")
    return DEVICE_PREFIX + urlsafe_b64encode(digest).rstrip(b"=").decode()
