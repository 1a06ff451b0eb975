"""Outer keys are changed while requests run: every key of the database stands under the newest.

Only what wraps is written again, never what is sealed with a person's own key.
"""

import asyncpg
from msgspec import Struct

from app.actions.act import Caller
from app.actions.administration import note
from app.actions.second_factor import staff_place
from app.db import keys as rows
from app.domain.sealing import Unopened, Vault, key_place, kid_of, signing_key_place
from floorplan.administration import KeysRotated

# One transaction: 500 keys are opened and sealed in some 5 ms, and their rows locked for as long.
BATCH = 500


class KeysUnknown(Exception):
    """Something in the database stands under keys that are not among PERSON_KEYS: `kids`."""

    def __init__(self, kids: list[str]) -> None:
        super().__init__(", ".join(kids))
        self.kids = kids


class Rotated(Struct, frozen=True):
    """How many keys stand under another now, and the places of those that do not open."""

    persons: int
    signing_keys: int
    seeds: int
    unopened: list[str]


async def begin_sealing(conn: asyncpg.Connection, vault: Vault) -> int:
    """Nights' keys from before there were outer keys are wrapped; how many were.

    Raises KeysUnknown: nothing would open that stands under these keys, so nobody should serve.
    """
    used = set(await rows.list_kids(conn))
    used |= {kid_of(seed.sealed) for seed in await rows.list_seeds(conn)}
    unknown = sorted(used - set(vault.kids))
    if unknown:
        raise KeysUnknown(unknown)
    plain = [key for key in await rows.list_signing_keys(conn, vault.kid) if key.kid is None]
    for key in plain:
        wrapped = vault.seal(signing_key_place(key.night), key.private)
        await rows.wrap_signing_key(conn, key, vault.kid, wrapped)
    return len(plain)


async def rotate_keys(conn: asyncpg.Connection, vault: Vault, caller: Caller) -> Rotated:
    """What other outer keys had wrapped stands under the first one.

    Safe to stop and to begin again at any moment, and beside a service that knows all these keys.
    """
    persons, signing, seeds, unopened = 0, 0, 0, list[str]()
    for kid in await rows.list_kids(conn):
        after = rows.NOBODY
        while kid != vault.kid:
            batch = await rows.list_person_keys(conn, kid, after, BATCH)
            if not batch:
                break
            after = batch[-1].person_id
            wrapped = []
            for key in batch:
                try:
                    wrapped.append((key, vault.reseal(key_place(key.person_id), key.wrapped)))
                except Unopened:
                    unopened.append(key_place(key.person_id))
            async with conn.transaction():
                await rows.wrap_person_keys(conn, vault.kid, wrapped)
            persons += len(wrapped)
    for night in await rows.list_signing_keys(conn, vault.kid):
        place = signing_key_place(night.night)
        try:
            private = vault.reseal(place, night.private) if night.kid else None
        except Unopened:
            unopened.append(place)
            continue
        await rows.wrap_signing_key(
            conn, night, vault.kid, private or vault.seal(place, night.private)
        )
        signing += 1
    for seed in await rows.list_seeds(conn):
        if kid_of(seed.sealed) == vault.kid:
            continue
        place = staff_place(seed.staff_id)
        try:
            sealed = vault.reseal(place, seed.sealed)
        except Unopened:
            unopened.append(place)
            continue
        await rows.wrap_seed(conn, seed, sealed)
        seeds += 1
    if persons or signing or seeds:
        async with conn.transaction():
            await note(conn, caller, KeysRotated(vault.kid, persons, signing), "keys")
    return Rotated(persons, signing, seeds, unopened)
