"""`backroom verify` finds what a stranger with psql can do to the book."""

import asyncio

import asyncpg
import pytest

from app import rebuild
from app.actions import bookings, nights
from app.settings import Settings
from app.verify import main, verify_book
from tests.integration.floor import NIGHT, house


async def problems(settings: Settings) -> list[str]:
    conn = await asyncpg.connect(settings.owner_database_url)
    try:
        return (await verify_book(conn, "", NIGHT)).problems
    finally:
        await conn.close()


async def test_a_night_of_actions_verifies(settings: Settings) -> None:
    async with house(settings) as made:
        await made.seated([7])
        await made.walk_in([2])
        assert await problems(settings) == []


async def test_a_block_by_psql_is_on_the_map_and_verifies(settings: Settings) -> None:
    async with house(settings) as made:
        conn = await asyncpg.connect(settings.owner_database_url)
        await conn.execute("SELECT block_table(7, 'spill')")
        await conn.close()
        await made.agrees()
        assert await problems(settings) == []
        assert (await made.kinds())[-1] == "TABLE_BLOCKED"


@pytest.mark.parametrize(
    ("begins", "ends"),
    [
        ("'-infinity'", "'infinity'"),
        ("NULL", "'infinity'"),
        ("NULL", "venue_now() + interval '8 days'"),
        ("'2020-01-01'", "'2020-01-02'"),
        ("venue_now() + interval '2 hours'", "venue_now() + interval '1 hour'"),
        ("NULL", "venue_now()"),
    ],
)
async def test_a_block_by_psql_outside_its_night_is_refused_with_what_to_do(
    settings: Settings, begins: str, ends: str
) -> None:
    async with house(settings) as made:
        conn = await asyncpg.connect(settings.owner_database_url)
        with pytest.raises(asyncpg.InvalidParameterValueError, match="ends after it begins") as no:
            await conn.execute(f"SELECT block_table(7, 'spill', '{NIGHT}', {begins}, {ends})")
        assert "06:00" in str(no.value.hint)
        await conn.close()
        await made.agrees()
        assert (await made.kinds())[-1] == "NIGHT_OPENED"


async def test_a_block_by_psql_of_what_is_past_begins_now(settings: Settings) -> None:
    async with house(settings) as made:
        conn = await asyncpg.connect(settings.owner_database_url)
        await conn.execute("SELECT block_table(7, 'spill', p_from => '-infinity')")
        begins = await conn.fetchval("SELECT lower(slot) <= venue_now() FROM table_block")
        await conn.close()
        assert begins is True
        await made.agrees()
        assert await problems(settings) == []


async def test_a_bare_insert_does_not_pass_for_the_block_before_it(settings: Settings) -> None:
    async with house(settings):
        conn = await asyncpg.connect(settings.owner_database_url)
        async with conn.transaction():
            await conn.execute("SELECT block_table(7, 'spill')")
            await conn.execute(
                "INSERT INTO event (book, type, subject, payload)"
                " VALUES ($1, 'NONSENSE', 'x', '{}')",
                NIGHT,
            )
        await conn.close()
        assert (await problems(settings))[0].startswith("line 3 (NONSENSE) was written by hand")


async def test_a_bare_insert_is_named(settings: Settings) -> None:
    async with house(settings):
        conn = await asyncpg.connect(settings.owner_database_url)
        await conn.execute(
            "INSERT INTO event (book, version, type, subject, payload, at, hash, previous_hash)"
            " VALUES ($1, 99, 'TABLE_RESET', 'x', '{\"table\": 3}', now(), 'x', 'y')",
            NIGHT,
        )
        await conn.execute(
            "INSERT INTO event (book, type, subject, payload) VALUES ($1, 'NONSENSE', 'x', '{}')",
            NIGHT,
        )
        await conn.close()
        found = await problems(settings)
        assert found[0].startswith("line 2 (TABLE_RESET) was written by hand (hand:")
        assert found[1].startswith("line 3 (NONSENSE) was written by hand (hand:")
        assert "line 3 (NONSENSE) has no meaning here" in found


@pytest.mark.parametrize("book", ["no book", "20261121", "2026-02-30", "tomorrow"])
async def test_a_line_in_a_book_of_nobody_is_named_and_the_others_are_verified(
    settings: Settings, capsys: pytest.CaptureFixture[str], book: str
) -> None:
    async with house(settings):
        conn = await asyncpg.connect(settings.owner_database_url)
        await conn.execute(
            "INSERT INTO event (book, type, subject, payload) VALUES ($1, 'NONSENSE', 'x', '{}')",
            book,
        )
        await conn.close()
        assert await asyncio.to_thread(main, settings) == 1
        assert await asyncio.to_thread(rebuild.main, settings, [], write=False) == 0
    said = capsys.readouterr().out
    assert f"{book}: line 1 (NONSENSE) was written by hand (hand:" in said
    assert f"{book}: neither a night's book nor the venue's" in said
    assert f"{NIGHT}: 1 events, rows = fold" in said
    assert "venue: 0 events, hash chain" in said


@pytest.mark.parametrize(
    "statement",
    ["UPDATE event SET actor = 'x'", "DELETE FROM event", "TRUNCATE event"],
)
@pytest.mark.parametrize("role", ["owner", "app", "jobs", "auth"])
async def test_the_book_is_append_only_for_everybody(
    settings: Settings, statement: str, role: str
) -> None:
    urls = {
        "owner": settings.owner_database_url,
        "app": settings.database_url,
        "jobs": settings.jobs_database_url,
        "auth": settings.auth_database_url,
    }
    async with house(settings) as made:
        conn = await asyncpg.connect(urls[role])
        with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.RestrictViolationError)):
            await conn.execute(statement)
        await conn.close()
        assert await made.kinds() == ["NIGHT_OPENED"]


async def test_a_line_changed_past_the_guard_breaks_the_chain_there(settings: Settings) -> None:
    async with house(settings) as made:
        await made.block(3)
        await made.unblock(3)
        conn = await asyncpg.connect(settings.owner_database_url)
        await conn.execute("ALTER TABLE event DISABLE TRIGGER event_unchanged")
        await conn.execute("UPDATE event SET actor = 'somebody else' WHERE version = 2")
        await conn.close()
        assert (await problems(settings))[0] == "the hash chain breaks at line 2"


async def test_a_tail_cut_off_is_seen_at_the_head(settings: Settings) -> None:
    async with house(settings) as made:
        await made.block(3)
        conn = await asyncpg.connect(settings.owner_database_url)
        await conn.execute("ALTER TABLE event DISABLE TRIGGER event_unchanged")
        await conn.execute("DELETE FROM event WHERE version = 2")
        await conn.close()
        assert (await problems(settings))[0] == "the book's head 2 is not its last line"


async def test_a_row_changed_behind_the_book_is_named(settings: Settings) -> None:
    async with house(settings):
        conn = await asyncpg.connect(settings.owner_database_url)
        await conn.execute("UPDATE floor_table SET resetting = true WHERE number = 5")
        await conn.close()
        assert await problems(settings) == [
            "rows and fold differ: /tables/5/resetting: True and False"
        ]


LESS_PAID = "UPDATE payment SET amount_pence = amount_pence - 1, kept_pence = kept_pence - 1"


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        (
            "UPDATE headcount SET people_limit = 900 WHERE floor = 'upstairs'",
            "/night/floors/upstairs",
        ),
        ("UPDATE floor_table SET capacity_max = 9 WHERE number = 5", "/tables/5/capacity"),
        ("UPDATE booking_table SET live = true WHERE number = 3", "has a live claim of booking"),
        (
            "UPDATE booking_table SET slot = tstzrange(now(), now() + '1 h') WHERE number = 7",
            "is for another time",
        ),
        (
            "UPDATE booking SET status = 'no_show' WHERE status = 'cancelled'",
            "is no_show, which no",
        ),
        (LESS_PAID, "its payments are"),
        (LESS_PAID, "by the book"),
        ("UPDATE payment SET kept_pence = 0, refunding_pence = amount_pence", "are on their way"),
        ("UPDATE payment SET kept_pence = 0, refunded_pence = amount_pence", "are on their way"),
        ("UPDATE scan SET people = people - 1 WHERE reason = 'admitted'", "its scans say"),
        ("DELETE FROM ticket WHERE status = 'revoked'", None),
        (
            "INSERT INTO snapshot VALUES ('2026-11-21', 99, '{}')",
            "snapshot at 99, and no such line",
        ),
        ("INSERT INTO snapshot VALUES ('2026-11-21', 2, '{}')", "snapshot at 2 is not the fold"),
    ],
)
async def test_what_rows_say_twice_is_compared(
    settings: Settings, statement: str, problem: str | None
) -> None:
    async with house(settings) as made:
        await made.seated([7])
        gone = await made.booked([3])
        await bookings.cancel_booking(made.db, made.caller(), gone["booking_id"])
        await made.walk_in([2])
        assert await problems(settings) == []
        conn = await asyncpg.connect(settings.owner_database_url)
        assert (await conn.execute(statement)).split()[-1] != "0"
        await conn.close()
        found = await problems(settings)
        assert any(problem in each for each in found) if problem else found == []


async def test_a_seal_with_other_figures_is_named(settings: Settings) -> None:
    async with house(settings) as made:
        await made.seated([7])
        await nights.seal_night(made.db, made.caller(), NIGHT)
        assert await problems(settings) == []
    conn = await asyncpg.connect(settings.owner_database_url)
    await conn.execute(
        "INSERT INTO event (book, type, subject, payload)"
        " SELECT book, type, subject, jsonb_set(payload, '{figures,people_admitted}', '1')"
        "   FROM event WHERE type = 'NIGHT_SEALED'"
    )
    await conn.close()
    assert any("seals other figures" in each for each in await problems(settings))


def test_the_command_says_what_agreed(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(settings, ["1999-12-31"]) == 1
    assert "no such book" in capsys.readouterr().out
    assert main(settings) == 0
    assert "venue: 0 events, hash chain" in capsys.readouterr().out
