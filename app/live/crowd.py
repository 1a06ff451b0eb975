"""How many screens one person, one device or one address may have open on a worker.

Everybody in the club may come from one address, and its staff from the same: so strangers are
counted by address and refused when it is full, while somebody who is known is counted by name and
always gets in. Their oldest screen goes instead: it is the one that was left open, or whose network
died without a word.
"""

from collections.abc import Hashable
from typing import Final

from app.live.clients import Client

# Twice the legal capacity of a floor, all on the club's own network with the page open: 15 MB. A
# worker's 20,000 sockets then need forty addresses.
STRANGERS_MOST: Final = 400
# A member of staff has a desk, a phone and a tablet; a screen whose network died is noticed after
# 40 s, in which one that flaps comes back some ten times.
SCREENS_MOST: Final = 24


class Crowd:
    """The open screens by whom they count for."""

    def __init__(
        self, strangers_most: int = STRANGERS_MOST, screens_most: int = SCREENS_MOST
    ) -> None:
        self._strangers_most = strangers_most
        self._screens_most = screens_most
        self._open: dict[Hashable, dict[Client, None]] = {}

    def enter(self, client: Client) -> Client | None:
        """Who has to go for it: nobody, the oldest screen of the same person, or itself.

        If it is itself, it was not let in.
        """
        key = _key_of(client)
        if key is None:
            return None
        found = self._open.setdefault(key, {})
        if key[0] == "address" and len(found) >= self._strangers_most:
            return client
        found[client] = None
        staying = [one for one in found if not one.ends]
        over = key[0] != "address" and len(staying) > self._screens_most
        return staying[0] if over else None

    def leave(self, client: Client) -> None:
        """Idempotent."""
        key = _key_of(client)
        if key is not None and (found := self._open.get(key)) is not None:
            found.pop(client, None)
            if not found:
                del self._open[key]


def _key_of(client: Client) -> tuple[str, str] | None:
    """None: this machine itself asks, and is nobody's crowd."""
    principal = client.principal
    if principal.kind in ("staff", "device"):
        return principal.kind, principal.id
    return ("address", client.address) if client.address else None
