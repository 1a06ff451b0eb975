"""What a worker does without being asked: one worker of all does it, and a pause ends it not."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from app.actions.deferred import Deferred
from app.anchors import AnchorFile
from app.db.clock import mark_demo, set_clock
from app.db.jobs import lead
from app.db.pool import Database
from app.errors import NotReady
from app.main import repeated, sweep_alone, tidied, tidy
from app.settings import Settings
from floorplan.nights import parse_instant
from floorplan.venue import Venue
from tests.integration.web.club import NIGHT, Club

DEADLINE_SECONDS = 10.0


@pytest.fixture
async def other(settings: Settings) -> AsyncIterator[Database]:
    """The database as a second worker sees it."""
    made = await Database.open(settings)
    yield made
    await made.close()


def anchors_of(club: Club) -> AnchorFile:
    return AnchorFile(club.parts.settings.anchors_path, club.parts.settings.secret)


async def test_of_two_workers_one_leads_and_the_other_follows_when_it_ends(
    club: Club, other: Database
) -> None:
    async with lead(club.parts.db, "sweeper") as mine:
        assert mine is not None
        async with lead(other, "sweeper") as theirs:
            assert theirs is None
        async with lead(other, "something else") as theirs:
            assert theirs is not None
    async with lead(other, "sweeper") as theirs:
        assert theirs is not None


async def test_a_hold_past_its_time_is_swept_and_only_by_who_leads(
    club: Club, other: Database
) -> None:
    await club.open()
    held = await club.held(await club.client(), [2])
    owner = await asyncpg.connect(club.parts.settings.owner_database_url)
    await mark_demo(owner)
    await set_clock(owner, parse_instant(held["hold_expires_at"]), 1)
    await owner.close()

    async def status() -> str:
        async with club.looking() as conn:
            found: str = await conn.fetchval("SELECT status FROM booking")
        return found

    async with lead(other, "sweeper"):
        await sweep_alone(club.parts.db, club.parts.venue)
        assert await status() == "pending"
    await sweep_alone(club.parts.db, club.parts.venue)
    assert await status() == "expired"


async def test_old_answers_links_and_attempts_go_and_young_ones_stay(
    club: Club, settings: Settings
) -> None:
    manager = await club.signed_in()
    await club.open()
    await club.held(manager, [2])
    mara = await club.staff("MANAGER", "mara")
    await club.link(mara)
    await club.link(mara)
    await manager.post("/v1/session", json={"username": "mara", "password": "wrong"})
    await manager.post("/v1/session", json={"username": "nobody", "password": "wrong"})
    await tidy(club.parts.db)
    owner = await asyncpg.connect(settings.owner_database_url)
    try:
        counted = "SELECT (SELECT count(*) FROM idempotency), (SELECT count(*) FROM sign_in_link)"
        assert tuple(await owner.fetchrow(counted)) == (2, 2)
        await owner.execute(
            "UPDATE idempotency SET created_at = now() - interval '25 hours' "
            "WHERE key = (SELECT min(key) FROM idempotency)"
        )
        await owner.execute("UPDATE sign_in_link SET expires_at = now() - interval '2 days'")
        await owner.execute("UPDATE guess SET failed_at = now() - interval '2 days'")
        await tidy(club.parts.db)
        assert tuple(await owner.fetchrow(counted)) == (1, 0)
        # A real account's failures in a row count however slowly they come.
        kept = await owner.fetch("SELECT username FROM guess JOIN staff ON id = staff_id")
        assert [row["username"] for row in kept] == ["mara"]
        assert await owner.fetchval("SELECT count(*) FROM guess") == 1
    finally:
        await owner.close()


async def test_work_goes_on_after_a_part_was_away() -> None:
    calls = 0
    enough = asyncio.Event()

    async def work() -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise NotReady("database_away", "The database did not answer.")
        enough.set()

    task = asyncio.create_task(repeated(0.001, work))
    async with asyncio.timeout(DEADLINE_SECONDS):
        await enough.wait()
    task.cancel()
    assert calls >= 2


async def test_a_bug_in_the_background_ends_the_worker(
    club: Club, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(database: Database, venue: Venue, deferred: Deferred) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("app.main.sweep_alone", broken)
    with pytest.raises(ExceptionGroup) as crash:
        async with tidied(club.parts.db, club.parts.venue, anchors_of(club), club.parts.money):
            await asyncio.sleep(DEADLINE_SECONDS)
    assert crash.group_contains(ZeroDivisionError)


async def test_the_background_ends_with_its_block(club: Club) -> None:
    async with (
        asyncio.timeout(DEADLINE_SECONDS),
        tidied(club.parts.db, club.parts.venue, anchors_of(club), club.parts.money),
    ):
        await club.open(NIGHT)
