"""The service behind PgBouncer in transaction mode: what belongs to a connection is not relied on.

Goal: holds, confirms, scans and screens work where two transactions of one client have different
connections, prepared statements are nobody's, and only LISTEN has a connection of its own. Method:
Debian's PgBouncer with two connections for each role, which six customers and a door share.
"""

import asyncio
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from app.db.pool import SESSION, Database
from app.settings import Settings
from app.verify import verify_book
from tests.integration.pooler import SERVERS_OF_A_ROLE, pooled
from tests.integration.web.club import NIGHT, Club, key
from tests.integration.web.served import Served, serving

TABLES = (1, 2, 4, 5, 6, 9)


@pytest.fixture
def pooled_settings(settings: Settings) -> Iterator[Settings]:
    with pooled(settings) as behind:
        yield behind


async def booked(club: Club, manager: httpx.AsyncClient, table: int) -> dict[str, Any]:
    """Somebody holds the table, lets it go, holds it again, and pays at the desk."""
    guest = await club.client((f"10.0.0.{table}", 4000))
    held = await club.held(guest, [table], email=f"guest-{table}@example.com")
    bearer = {"Authorization": f"Bearer {held['token']}"}
    gone = await guest.delete(f"/v1/holds/{held['booking_id']}", headers=key() | bearer)
    assert gone.is_success, gone.text
    held = await club.held(guest, [table], email=f"guest-{table}@example.com")
    paid = {"method": "card", "amount_pence": held["deposit_pence"]}
    path = f"/v1/holds/{held['booking_id']}/confirm"
    answer = await manager.post(path, json=paid, headers=key())
    assert answer.status_code == 200, answer.text
    confirmed: dict[str, Any] = answer.json()
    return confirmed


async def follow(served: Served, upto: "asyncio.Future[int]") -> list[int]:
    """The versions that a manager's screen was shown, until it shows this one."""
    shown: list[int] = []
    async with served.socket(Origin=served.origin, Cookie=served.cookie) as ws:
        await ws.send(json.dumps({"type": "hello", "audience": "manager", "night": NIGHT}))
        while not upto.done() or shown[-1] < upto.result():
            frame = json.loads(await ws.recv())
            if frame["type"] in ("snapshot", "event"):
                assert frame["type"] == "snapshot" or frame["after"] == shown[-1]
                shown.append(frame["version"])
    return shown


async def test_a_night_is_booked_and_let_in_through_a_pooler_while_screens_follow(
    pooled_settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(pooled_settings) as served:
        club, manager = served.club, served.manager
        last: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
            screens = [tasks.create_task(follow(served, last)) for _ in range(2)]
            bookings = await asyncio.gather(*(booked(club, manager, t) for t in TABLES))
            door = await club.device()
            scan = {"scan_id": str(uuid4()), "door": "main", "people": 4}
            scan |= {"code": bookings[0]["code"]}
            first, second = [(await door.post("/v1/scans", json=scan)).json() for _ in range(2)]
            assert second == {**first, "replayed": True}
            assert first["replayed"] is False
            async with club.looking() as conn:
                last.set_result(
                    await conn.fetchval("SELECT max(version) FROM event WHERE book = $1", NIGHT)
                )
        assert all(one.result()[-1] == last.result() for one in screens)
        async with club.looking() as conn:
            found = await verify_book(conn, pooled_settings.redis_url, NIGHT)
            assert found.problems == []
            sizes = await conn.fetch(
                "SELECT usename, count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND application_name <> 'backroom listener' AND usename <> 'owner' GROUP BY 1"
            )
        assert sizes, "the service was not there"
        assert all(size <= SERVERS_OF_A_ROLE for _, size in sizes), "it went past the pooler"
        assert not [one for one in caplog.records if "lack settings" in one.message]
        assert not [one for one in caplog.records if one.levelno >= logging.ERROR]


async def test_without_the_setting_nothing_would_work(pooled_settings: Settings) -> None:
    """The negative control, twice: what is set at the connect, and what stays prepared."""
    with pytest.raises(asyncpg.PostgresError, match="unsupported startup parameter"):
        await Database.open(replace(pooled_settings, database_pooled=False))
    one, other = [await asyncpg.connect(pooled_settings.database_url) for _ in range(2)]
    assert await one.fetchval("SELECT 1") == 1
    async with other.transaction():  # it has the connection on which that was prepared
        await other.execute("SELECT 2")
        with pytest.raises(asyncpg.InvalidSQLStatementNameError):
            await one.fetchval("SELECT 1")
    await one.close()
    await other.close()


async def test_a_role_without_the_limits_is_warned_of(
    pooled_settings: Settings, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    name = settings.database_url.partition("?")[0].rpartition("/")[2]
    conn = await asyncpg.connect(settings.database_url)
    await conn.execute(f"ALTER ROLE app IN DATABASE {name} RESET lock_timeout")
    await conn.close()
    db = await Database.open(pooled_settings)
    await db.close()
    (told,) = [one.message for one in caplog.records if "lack settings" in one.message]
    assert told.endswith(f"ALTER ROLE app SET lock_timeout = '{SESSION['lock_timeout']}';")
