"""What a booker calls a guest: sealed with the booker's key, so that it goes with it."""

from app.actions.person_seals import opened_by, sealed_by
from app.db.persons import Held
from app.domain.sealing import Vault


def sealed_guest_name(vault: Vault, held: Held | None, guest_id: str, name: str) -> bytes | None:
    """The name under the booker's key. Of a booking without a person, and of one who was erased,
    no name is kept. Raises NotReady `key_missing`."""
    if held is None:
        return None
    return sealed_by(vault, held, _place(guest_id), " ".join(name.split()).encode())


def guest_name(vault: Vault, held: Held | None, guest_id: str, sealed: bytes | None) -> str | None:
    """The name; None: there is none, or it does not open."""
    name = opened_by(vault, held, _place(guest_id), sealed)
    return None if name is None else name.decode()


def _place(guest_id: str) -> str:
    return f"guest|name|{guest_id}"
