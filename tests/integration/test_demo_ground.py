"""Whose database it is, and what the demo's clock shows at a start, before any worker runs."""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from app.backing import CannotServe, prepare_database
from app.db.clock import NotDemo, mark_demo, read_clock
from app.db.demo_clock import begin_clock
from app.db.installation import become_demo, is_demo
from app.db.staff import insert_staff
from app.settings import Settings
from tests.conftest import in_thread

EVENING = datetime(2026, 11, 21, 21, 30, tzinfo=UTC)
WRITE_LINE = """
INSERT INTO event (book, type, subject, payload)
VALUES ('2026-11-21', 'TABLE_RESET', 'table:7', '{}')
"""


async def _add_staff(url: str, *, demo: bool) -> None:
    conn = await asyncpg.connect(url)
    try:
        await insert_staff(conn, "mara", "Mara Quill", "MANAGER", None, demo=demo)
    finally:
        await conn.close()


async def test_an_empty_database_becomes_a_demos_and_stays_one(settings: Settings) -> None:
    assert not await is_demo(settings.owner_database_url)
    assert await become_demo(settings.owner_database_url)
    assert await is_demo(settings.owner_database_url)
    assert await become_demo(settings.owner_database_url)


@pytest.mark.parametrize("demo", [True, False])
async def test_a_database_with_a_venues_staff_does_not_become_a_demos(
    settings: Settings, demo: bool
) -> None:
    await _add_staff(settings.owner_database_url, demo=demo)
    assert await become_demo(settings.owner_database_url) is demo
    assert await is_demo(settings.owner_database_url) is demo


def test_demo_and_serve_each_refuse_the_others_database(settings: Settings) -> None:
    prepare_database(settings, external=True, play=False)
    prepare_database(settings, external=True, play=True)
    with pytest.raises(CannotServe, match="demo accounts"):
        prepare_database(settings, external=True, play=False)


def test_a_demo_refuses_a_venues_database_and_leaves_it_as_it_was(settings: Settings) -> None:
    url = settings.owner_database_url
    in_thread(_add_staff(url, demo=False))
    with pytest.raises(CannotServe, match="venue's staff"):
        prepare_database(settings, external=True, play=True)
    assert not in_thread(is_demo(url))


async def test_the_clock_begins_where_the_books_end(settings: Settings) -> None:
    url = settings.owner_database_url
    asked: list[datetime | None] = []

    def opening(last: datetime | None) -> datetime:
        asked.append(last)
        return EVENING if last is None else last

    with pytest.raises(NotDemo):
        await begin_clock(url, opening, 1)
    conn = await asyncpg.connect(url)
    try:
        await mark_demo(conn)
        assert await begin_clock(url, opening, 60) == EVENING
        clock = await read_clock(conn)
        assert (clock.shown_at, clock.speed) == (EVENING, 60)
        await conn.execute(WRITE_LINE)
        again = await begin_clock(url, opening, 60)
        assert EVENING <= again < EVENING + timedelta(hours=6)
        assert asked[-1] == again == await conn.fetchval("SELECT max(at) FROM event")
    finally:
        await conn.close()
