"""Databases from before names were sealed: a venue's are not taken over, a demo's are forgotten.

Method: the migrations before the one in question, a booking with a plain name, and the rest.
"""

import hashlib
import itertools
from collections.abc import AsyncIterator

import asyncpg
import pytest

from app.actions.keys import begin_sealing
from app.db.migrate import CREATE_MIGRATION, INSERT_MIGRATION, list_migrations, migrate
from app.domain.sealing import OuterKey, Vault, signing_key_place
from app.embedded.servers import EmbeddedServers

SEALING = "0011_people.sql"
PLAIN = b"p" * 32
BEFORE = """
INSERT INTO night (date, name, doors_at, last_entry_at, closes_at, ends_at, house_limit)
VALUES ('2026-11-21', 'Saturday', now(), now(), now() + '1 hour', now() + '1 hour', 350);
INSERT INTO signing_key VALUES ('2026-11-21', 0, 'pppppppppppppppppppppppppppppppp',
                                'qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq');
INSERT INTO person (id, name) VALUES ('00000000-0000-4000-8000-000000000001', 'Ada Lovelace');
INSERT INTO booking (id, reference, night, status, party, slot, source, person_id, deposit_pence,
                     created_at)
VALUES ('00000000-0000-4000-8000-000000000002', 'R', '2026-11-21', 'cancelled', 2,
        tstzrange(now(), now() + '1 hour'), 'desk', '00000000-0000-4000-8000-000000000001', 0,
        now());
"""

_numbers = itertools.count(1)


@pytest.fixture
async def older(embedded: EmbeddedServers) -> AsyncIterator[str]:
    """The owner's address of a database as it was before, with one guest."""
    owner = await asyncpg.connect(embedded.urls().owner)
    name = f"older_{next(_numbers)}"
    await owner.execute(f"CREATE DATABASE {name}")
    url = embedded.urls(name).owner
    conn = await asyncpg.connect(url)
    await conn.execute(CREATE_MIGRATION)
    for file, sql in list_migrations():
        if file < SEALING:
            await conn.execute(sql)
            await conn.execute(INSERT_MIGRATION, file, hashlib.sha256(sql.encode()).hexdigest())
    await conn.execute(BEFORE)
    await conn.close()
    yield url
    await owner.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await owner.close()


async def test_a_venues_plain_names_stop_the_migration_with_what_to_do(older: str) -> None:
    with pytest.raises(asyncpg.RaiseError, match="forget the names"):
        await migrate(older)
    conn = await asyncpg.connect(older)
    assert await conn.fetchval("SELECT name FROM person") == "Ada Lovelace", "nothing was lost"
    await conn.execute("UPDATE booking SET person_id = NULL; DELETE FROM person")
    await conn.close()
    assert SEALING in await migrate(older), "what the sentence says is enough"


async def test_a_demos_plain_names_go_and_its_signing_keys_are_wrapped(older: str) -> None:
    conn = await asyncpg.connect(older)
    await conn.execute("UPDATE installation SET demo = true")
    await migrate(older)
    assert await conn.fetchval("SELECT count(*) FROM person") == 0
    assert await conn.fetchval("SELECT count(*) FROM booking WHERE person_id IS NULL") == 1
    vault = Vault([OuterKey("test", b"k" * 32)], "5e" * 32)
    assert await begin_sealing(conn, vault) == 1
    row = await conn.fetchrow("SELECT kid, private FROM signing_key")
    await conn.close()
    assert row is not None
    assert row["kid"] == "test"
    assert vault.open(signing_key_place("2026-11-21"), row["private"]) == PLAIN
