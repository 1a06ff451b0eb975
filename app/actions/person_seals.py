"""What is sealed with a person's key outside their own row, so that it goes with the key."""

import logging

from app.db.persons import Held
from app.domain.sealing import Unopened, Vault, open_with, seal_with
from app.errors import NotReady

logger = logging.getLogger(__name__)


def key_missing() -> NotReady:
    """The refusal where no key of the service opens the person's."""
    return NotReady(
        "key_missing",
        "The key that opens this person's data is not among PERSON_KEYS. Tell who runs the "
        "service.",
    )


def sealed_by(vault: Vault, held: Held, place: str, data: bytes) -> bytes:
    """The data under the person's key, for that place alone. Raises NotReady `key_missing`."""
    try:
        key = vault.person_key(held.person_id, held.wrapped)
    except Unopened as error:
        raise key_missing() from error
    return seal_with(key, place, data)


def opened_by(vault: Vault, held: Held | None, place: str, sealed: bytes | None) -> bytes | None:
    """What is sealed there; None: nothing, nobody whose it is, or it does not open."""
    if held is None or sealed is None:
        return None
    try:
        return open_with(vault.person_key(held.person_id, held.wrapped), place, sealed)
    except Unopened as error:
        logger.error("%s cannot be opened: %s", place, error)  # noqa: TRY400 - the traceback tells no more
        return None
