"""Devices: tablets and cameras, each at a door, known by a token that is derived and not stored.

A manager gives a device its place and gets a pairing code; whoever shows the code gets the token,
once. Tokens and codes are HMACs of the device's id and a count, so that a repeated request is given
the same one although no row and no stored answer has it.
"""

import asyncio
import hmac
import logging
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Final
from uuid import uuid4

import msgspec
from msgspec import Struct

from app.actions.act import Act, Answered, Caller
from app.actions.administration import audited, note_ended
from app.actions.scopes import judge_scope
from app.db import devices, sessions
from app.db.pool import Database
from app.domain.health import health_of
from app.domain.pairing import (
    PAIRING_LASTS,
    RANDOM_BYTES,
    judge_pairing,
    make_code,
    read_code,
    show_code,
)
from app.domain.principals import Principal, Scope
from app.domain.tokens import token_hash
from app.errors import Conflict, NotFound
from app.wire.devices import (
    CreateDevice,
    DeviceAnswer,
    DeviceHealth,
    DeviceStatus,
    PairDevice,
    PairingAnswer,
    TokenAnswer,
)
from floorplan import administration as book
from floorplan.venue import Venue
from scanners.codes.drawing import draw_address

logger = logging.getLogger(__name__)

DEVICE_PREFIX: Final = "dev_"  # tells a device's token from an owner's


class FoundDevice(Struct, frozen=True):
    """Whose token it is. `over`: the token counts no longer; what it still scans is kept apart."""

    principal: Principal
    over: bool


class Drawn(Struct, frozen=True):
    """What makes pairing codes: the service's secret, and the address that tablets open."""

    secret: str
    public_url: str

    def __repr__(self) -> str:
        return f"Drawn({self.public_url!r})"


async def find_device(db: Database, token: str) -> FoundDevice | None:
    """The device whose token it is or was; None: it is nobody's.

    A rolled token counts from its first use, and ends the one before it.
    """
    digest = token_hash(token)
    async with db.reading() as conn:
        known = await devices.find_device(conn, digest)
        if known is None:
            return None
        if known.is_next and not known.over:
            await devices.promote_token(conn, known.id, digest)
        if known.stale and not known.over:
            await devices.touch_device(conn, known.id)
    # Its door is held by the actions themselves, which say where it stands.
    scope = Scope(night=known.night)
    role = "REVOKED" if known.over else "DEVICE"
    return FoundDevice(
        Principal("device", known.id, role, known.name, known.door, scope), known.over
    )


async def add_device(
    db: Database, venue: Venue, drawn: Drawn, caller: Caller, request: CreateDevice
) -> Answered:
    """The device has its place; its pairing code is in this answer and its replays, nowhere else.

    Raises NotFound `door_not_found`, `night_not_found`, NotAllowed `out_of_scope`: it would do what
    the caller may not.
    """
    doors = [door.id for door in venue.doors]
    if request.door not in doors:
        raise NotFound("door_not_found", f"There is no such door. Use {', '.join(doors)}.")
    _judge_place(venue, caller.principal, request.door, request.night)

    async def work(act: Act) -> tuple[int, DeviceAnswer]:
        if request.night is not None and not await devices.is_open(act.conn, request.night):
            raise NotFound("night_not_found", f"No night {request.night} is open.")
        device_id = str(uuid4())
        await devices.insert_device(
            act.conn, device_id, request.name, request.kind, request.door, request.night
        )
        pairing = await _open_pairing(act, drawn, device_id, 1)
        act.record(
            book.DeviceAdded(request.kind, request.door, request.night), f"device:{device_id}"
        )
        return 201, DeviceAnswer(
            device_id=device_id,
            name=request.name,
            kind=request.kind,
            door=request.door,
            night=request.night,
            pairing_expires_at=pairing.expires_at,
            pairing=pairing,
        )

    return await _with_code(drawn, await audited(db, caller, "add_device", work))


async def pair_again(
    db: Database, venue: Venue, drawn: Drawn, caller: Caller, device_id: str
) -> Answered:
    """A new code waits for the device; its token lasts until the code is used.

    Raises NotFound `device_not_found`, Conflict `device_revoked`, NotAllowed `out_of_scope`.
    """

    async def work(act: Act) -> tuple[int, DeviceAnswer]:
        device = await devices.lock_device(act.conn, device_id)
        if device is None:
            raise _no_device()
        if device.revoked_at is not None:
            raise Conflict("device_revoked", "This device was taken away. Add it again.")
        _judge_place(venue, caller.principal, device.door, device.night)
        pairing = await _open_pairing(act, drawn, device_id, device.pairing_number + 1)
        # Whoever shows the code is nobody yet: the book names who let them.
        act.record(book.LinkMade("pairing", pairing.expires_at), f"device:{device_id}")
        return 201, DeviceAnswer(
            device_id=device.id,
            name=device.name,
            kind=device.kind,
            door=device.door,
            night=device.night,
            generation=device.generation,
            pairing_expires_at=pairing.expires_at,
            pairing=pairing,
        )

    return await _with_code(drawn, await audited(db, caller, "pair_again", work))


async def pair(db: Database, secret: str, caller: Caller, request: PairDevice) -> Answered:
    """Whoever showed the code holds the device's token, and nobody else does any more.

    Two uses of one code at the same time meet at the device's row: the second one waits for it,
    and then finds the code used. Raises as `judge_pairing`.
    """
    code = read_code(request.code)

    async def work(act: Act) -> tuple[int, TokenAnswer]:
        found = None
        if code is not None:
            found = await devices.lock_pairing(act.conn, sha256(code.encode()).digest())
        device = judge_pairing(found)
        generation = device.generation + 1
        token = device_token(secret, device.device_id, generation)
        digest = token_hash(token)
        await devices.use_pairing(act.conn, device.device_id, generation, digest, request.version)
        act.record(book.DevicePaired(generation), f"device:{device.device_id}")
        return 201, TokenAnswer(
            device_id=device.device_id,
            name=device.name,
            kind=device.kind,
            door=device.door,
            night=device.night,
            generation=generation,
        )

    answered = await audited(db, caller, "pair_device", work)
    made = msgspec.json.decode(answered.body, type=TokenAnswer)
    if made.generation > 1 and not answered.replayed:
        await _end_sessions(db, caller, made.device_id)
    return _with_token(secret, answered)


async def roll(db: Database, secret: str, caller: Caller) -> Answered:
    """The device has its next token; the one that it used ends with the first use of that one.

    Rolled twice before then, it is the same token.
    """
    device_id = caller.principal.id

    async def work(act: Act) -> tuple[int, TokenAnswer]:
        device = await devices.lock_device(act.conn, device_id)
        if device is None or device.revoked_at is not None:
            raise Conflict("device_revoked", "This device was taken away meanwhile.")
        generation = device.generation + 1
        token = device_token(secret, device_id, generation)
        await devices.roll_token(act.conn, device_id, token_hash(token))
        act.record(book.DeviceRolled(generation), f"device:{device_id}")
        return 200, TokenAnswer(
            device_id=device.id,
            name=device.name,
            kind=device.kind,
            door=device.door,
            night=device.night,
            generation=generation,
        )

    return _with_token(secret, await audited(db, caller, "roll_token", work))


async def revoke_device(db: Database, caller: Caller, device_id: str) -> Answered:
    """The device's token no longer counts, nor does a code that waited for it. Raises NotFound."""

    async def work(act: Act) -> tuple[int, DeviceAnswer]:
        before = await devices.lock_device(act.conn, device_id)
        row = await devices.revoke_device(act.conn, device_id)
        if before is None or row is None:
            raise _no_device()
        if before.revoked_at is None:
            act.record(book.DeviceRevoked(row.kind, row.door), f"device:{device_id}")
        return 200, shown(row)

    answered = await audited(db, caller, "revoke_device", work)
    await _end_sessions(db, caller, device_id)
    return answered


async def report(db: Database, caller: Caller, status: DeviceStatus) -> None:
    """What the device says of itself is known, and that it was there."""
    async with db.begun() as conn:
        await devices.set_status(
            conn, caller.principal.id, status.battery_percent, status.version, status.spool,
            status.picture, status.frames_per_second,
        )  # fmt: skip


async def list_health(db: Database) -> list[DeviceHealth]:
    """Every paired device, and how it is."""
    async with db.reading() as conn:
        found = await devices.list_health(conn)
    return [
        DeviceHealth(
            device_id=row.id, name=row.name, kind=row.kind, door=row.door,
            state=health_of(
                row.kind, row.silent_seconds, row.picture, row.battery_percent, row.spool
            ),
            picture=row.picture, frames_per_second=row.frames_per_second,
            battery_percent=row.battery_percent, spool=row.spool,
            silent_seconds=None if row.silent_seconds is None else int(row.silent_seconds),
        )
        for row in found
    ]  # fmt: skip


async def list_devices(db: Database) -> list[DeviceAnswer]:
    """Every device, those in use first."""
    async with db.reading() as conn:
        return [shown(row) for row in await devices.list_devices(conn)]


def shown(row: devices.DeviceRow) -> DeviceAnswer:
    """The device without any code or token."""
    fields = msgspec.structs.asdict(row)
    return DeviceAnswer(device_id=fields.pop("id"), **fields)


def _judge_place(venue: Venue, caller: Principal, door: str, night: str | None) -> None:
    """Raises NotAllowed `out_of_scope`: a device there could do what the caller may not.

    One for every night is beyond whoever has one night.
    """
    judge_scope(caller, door=door, floor=venue.get_door(door).floor, night=night or "every")


def device_token(secret: str, device_id: str, generation: int) -> str:
    """The device's token of that generation: 256 bits, the same whenever it is asked for."""
    digest = _derived(secret, "device", device_id, generation)
    return DEVICE_PREFIX + urlsafe_b64encode(digest).rstrip(b"=").decode()


def pairing_code(secret: str, device_id: str, number: int) -> str:
    """The code of the device's n-th pairing, without hyphens."""
    return make_code(_derived(secret, "pairing", device_id, number)[:RANDOM_BYTES])


def _derived(secret: str, purpose: str, device_id: str, count: int) -> bytes:
    return hmac.digest(bytes.fromhex(secret), f"{purpose}:{device_id}:{count}".encode(), "sha256")


async def _open_pairing(act: Act, drawn: Drawn, device_id: str, number: int) -> PairingAnswer:
    code = pairing_code(drawn.secret, device_id, number)
    expires_at = await devices.open_pairing(
        act.conn, device_id, number, sha256(code.encode()).digest(), PAIRING_LASTS
    )
    return PairingAnswer(number=number, expires_at=expires_at)


async def _end_sessions(db: Database, caller: Caller, device_id: str) -> None:
    """Nobody is on the tablet by PIN any more.

    Their sessions count beside its token alone, which is over already: this is done after it, by
    the role that may, so that lists of sessions and the book say so too.
    """
    async with db.begun(db.auth) as conn:
        ended = await sessions.revoke_all_on(conn, device_id)
        await note_ended(conn, caller, ended, "device")


async def _with_code(drawn: Drawn, answered: Answered) -> Answered:
    """The stored answer with the code and its drawing, which are never stored."""
    made = msgspec.json.decode(answered.body, type=DeviceAnswer)
    assert made.pairing is not None, "a device that was added, or is to be paired again, has one"
    code = pairing_code(drawn.secret, made.device_id, made.pairing.number)
    address = f"{drawn.public_url}/door#pair={code}"
    # 20 ms of pure Python.
    svg = await asyncio.to_thread(draw_address, address, "Pairing code")
    pairing = msgspec.structs.replace(made.pairing, code=show_code(code), address=address, svg=svg)
    return _replaced(answered, msgspec.structs.replace(made, pairing=pairing))


def _with_token(secret: str, answered: Answered) -> Answered:
    """The stored answer with the token, which is never stored."""
    made = msgspec.json.decode(answered.body, type=TokenAnswer)
    token = device_token(secret, made.device_id, made.generation)
    return _replaced(answered, msgspec.structs.replace(made, token=token))


def _replaced(answered: Answered, answer: Struct) -> Answered:
    return msgspec.structs.replace(answered, body=msgspec.json.encode(answer))


def _no_device() -> NotFound:
    return NotFound("device_not_found", "There is no such device.")
