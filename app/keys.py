"""`backroom keys`: the keys outside the database that people's data is sealed under.

`make` adds one, `rotate` puts everything under it while the service runs. In between, the service
is started again with both: what the new key sealed must be readable for every worker.
"""

import asyncio
import sys

import asyncpg

from app.actions.administration import at_the_terminal
from app.actions.keys import Rotated, rotate_keys
from app.backing import CannotServe, embedded_servers, judge_keys, kept_person_keys, refusing
from app.domain.sealing import Vault, make_outer_key
from app.settings import Settings


def make(settings: Settings) -> int:
    """A new key is the first of those that are kept here; or is shown, where they are set."""
    judge_keys(settings)
    key = make_outer_key()
    if settings.person_keys:
        print(
            f"A new key:\n{key}\n"
            "1. Put it behind the others in PERSON_KEYS on every node, and restart each node.\n"
            "2. Put it in front of the others on every node, and restart each node.\n"
            "3. backroom keys rotate"
        )
        return 0
    servers = embedded_servers(settings)
    if servers is None:
        kept_person_keys(settings.data_dir, first=key)
    else:
        with refusing():
            servers.add_person_key(key)
    print(f"The key {key.partition(':')[0]} is the first from the service's next start on.")
    print("Restart the service, then run: backroom keys rotate")
    return 0


def judge_restarted(settings: Settings) -> None:
    """Raises CannotServe: our own service runs, and does not know the newest key yet."""
    servers = embedded_servers(settings)
    if servers is not None and not settings.person_keys and not servers.knows_its_keys():
        raise CannotServe(
            "The service was started before the newest key was made, and could not read what that "
            "key seals. Restart it first."
        )


def rotate(settings: Settings) -> int:
    """Everything is wrapped by the first key; 1 when something does not open at all."""
    rotated = asyncio.run(_rotate(settings))
    for place in rotated.unopened:
        print(f"It does not open: {place}", file=sys.stderr)
    print(
        f"Under the first key now: the keys of {rotated.persons} people and "
        f"{rotated.signing_keys} nights, the second factors of {rotated.seeds} accounts."
    )
    return 1 if rotated.unopened else 0


async def _rotate(settings: Settings) -> Rotated:
    vault = Vault.from_text(settings.person_keys, settings.secret)
    conn = await asyncpg.connect(settings.owner_database_url)
    try:
        return await rotate_keys(conn, vault, at_the_terminal())
    finally:
        await conn.close()
