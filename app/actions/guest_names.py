"""What a booker calls a guest: sealed with the booker's key, so that it goes with it."""

import logging

from app.db.persons import Held
from app.domain.sealing import Unopened, Vault, open_with, seal_with
from app.errors import NotReady

logger = logging.getLogger(__name__)


def sealed_guest_name(vault: Vault, held: Held | None, guest_id: str, name: str) -> bytes | None:
    """The name under the booker's key. Of a booking without a person, and of one who was erased,
    no name is kept. Raises NotReady `key_missing`."""
    if held is None:
        return None
    try:
        key = vault.person_key(held.person_id, held.wrapped)
    except Unopened as error:
        raise NotReady(
            "key_missing",
            "The key that opens this person's data is not among PERSON_KEYS. Tell who runs the "
            "service.",
        ) from error
    return seal_with(key, _place(guest_id), " ".join(name.split()).encode())


def guest_name(vault: Vault, held: Held | None, guest_id: str, sealed: bytes | None) -> str | None:
    """The name; None: there is none, or it does not open."""
    if held is None or sealed is None:
        return None
    try:
        key = vault.person_key(held.person_id, held.wrapped)
        return open_with(key, _place(guest_id), sealed).decode()
    except Unopened as error:
        logger.error("a guest's name cannot be opened: %s", error)  # noqa: TRY400 - the traceback tells no more
        return None


def _place(guest_id: str) -> str:
    return f"guest|name|{guest_id}"
