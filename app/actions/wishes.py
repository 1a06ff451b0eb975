"""What a guest wishes and what staff note of it: sealed with the guest's key, in the booking."""

import logging

import msgspec
from msgspec import Struct

from app.actions.act import Act
from app.actions.person_seals import opened_by, sealed_by
from app.db.listings import find_booking
from app.db.persons import Held
from app.domain.sealing import Vault
from app.wire.changes import ChangeBooking

logger = logging.getLogger(__name__)

FIELDS = ("requests", "occasion", "notes")


class Wishes(Struct, frozen=True, omit_defaults=True):
    """None: nothing was said."""

    requests: str | None = None
    occasion: str | None = None
    notes: str | None = None


NONE = Wishes()
_DECODER = msgspec.json.Decoder(Wishes)


def wishes_of(vault: Vault, held: Held | None, booking_id: str, sealed: bytes | None) -> Wishes:
    """What was wished; nothing where there is nothing, or it does not open."""
    wishes = opened_by(vault, held, _place(booking_id), sealed)
    if wishes is None:
        return NONE
    try:
        return _DECODER.decode(wishes)
    except msgspec.DecodeError as error:
        logger.error("wishes cannot be read: %s", error, extra={"booking_id": booking_id})  # noqa: TRY400 - the traceback tells no more
        return NONE


def changed_wishes(before: Wishes, request: ChangeBooking) -> tuple[Wishes, list[str]]:
    """The wishes after the request, and which of them differ."""
    named = {name: getattr(request, name) for name in FIELDS}
    asked = {name: _tidied(value) for name, value in named.items() if value is not None}
    changed = [name for name, value in asked.items() if getattr(before, name) != value]
    return msgspec.structs.replace(before, **asked), changed


def sealed_wishes(vault: Vault, held: Held, booking_id: str, wishes: Wishes) -> bytes:
    """The wishes under the person's key, so that they go with it. Raises NotReady `key_missing`."""
    return sealed_by(vault, held, _place(booking_id), msgspec.json.encode(wishes))


async def resealed_wishes(act: Act, vault: Vault, booking_id: str, other_id: str) -> bytes | None:
    """The wishes of the one booking as the other keeps them; None: there are none."""
    row = await find_booking(act.conn, booking_id)
    held = None if row is None else row.held
    if row is None or held is None or row.wishes is None:
        return None
    wishes = wishes_of(vault, held, booking_id, row.wishes)
    return None if wishes == NONE else sealed_wishes(vault, held, other_id, wishes)


def _tidied(value: str) -> str | None:
    text = " ".join(value.split())
    return None if text in ("", "none") else text


def _place(booking_id: str) -> str:
    return f"booking|wishes|{booking_id}"
