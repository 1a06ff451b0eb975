"""The anchor file shows what the database alone cannot: a cut-off tail, a chain written again.

Goal: somebody who owns the database, and leaves it consistent in itself, is found out. Method: the
owner does it, and `backroom verify` is asked with and without the anchors (the control).
"""

import asyncio
from datetime import UTC, datetime

import asyncpg
import pytest

from app import main as composition
from app.actions import nights
from app.anchors import ANCHOR_EVERY, AnchorFile, list_heads
from app.main import anchor, tidied
from app.payments.money import Money
from app.settings import Settings
from app.verify import main, verify_book
from tests.integration.floor import NIGHT, House, house
from tests.integration.live.nodes import until

# Every line is hashed anew, as whoever owns the database and reads its functions would do it.
REWRITE = """
DO $$
DECLARE
    line   event;
    before bytea := '';
BEGIN
    FOR line IN SELECT * FROM event WHERE book = '2026-11-21' ORDER BY version LOOP
        UPDATE event SET previous_hash = before,
               hash = event_hash(before, book, version, type, subject, at, actor, correlation_id,
                                 made_by, payload, origin)
         WHERE book = line.book AND version = line.version RETURNING hash INTO before;
    END LOOP;
    UPDATE book SET hash = before WHERE name = '2026-11-21';
END
$$
"""
CUT = """
DELETE FROM event WHERE book = '2026-11-21' AND version > $1
"""
REWIND = """
UPDATE book b SET version = e.version, hash = e.hash, at = e.at
  FROM event e WHERE e.book = b.name AND e.version = $1 AND b.name = '2026-11-21'
"""


def file_of(settings: Settings) -> AnchorFile:
    return AnchorFile(settings.anchors_path, settings.secret)


async def problems(settings: Settings, *, with_anchors: bool = True) -> list[str]:
    anchors = file_of(settings).read().anchors if with_anchors else []
    conn = await asyncpg.connect(settings.owner_database_url)
    try:
        return (await verify_book(conn, "", NIGHT, anchors)).problems
    finally:
        await conn.close()


async def as_owner(settings: Settings, *statements: tuple[str, *tuple[int, ...]]) -> None:
    """The statements, with every guard of the book off."""
    conn = await asyncpg.connect(settings.owner_database_url)
    async with conn.transaction():
        await conn.execute("ALTER TABLE event DISABLE TRIGGER USER")
        for statement, *arguments in statements:
            await conn.execute(statement, *arguments)
        await conn.execute("ALTER TABLE event ENABLE TRIGGER USER")
    await conn.close()


async def worked(made: House) -> None:
    """Some lines, anchored at the first, the third and the fifth."""
    await anchor(made.db, file_of(made.settings))
    for block in (True, False):
        for table in (3, 4):
            await (made.block(table) if block else made.unblock(table))
        await note_again(made)


async def note_again(made: House) -> None:
    """What moved is anchored, as if ten minutes had passed since the last time."""
    file = file_of(made.settings)
    heads = await list_heads(made.db)
    known = file.read().anchors
    passed = ANCHOR_EVERY * (len(known) + 1)
    file.append(heads, datetime.now(UTC) + passed)


async def test_a_night_whose_anchors_agree_verifies(settings: Settings) -> None:
    async with house(settings) as made:
        await worked(made)
        anchored = file_of(settings).read().anchors
        assert [each.version for each in anchored if each.book == NIGHT] == [1, 3, 5]
        assert await problems(settings) == []


async def test_a_tail_that_was_cut_off_cleanly_is_seen(settings: Settings) -> None:
    async with house(settings) as made:
        await worked(made)
    await as_owner(settings, (CUT, 3), (REWIND, 3))
    found = await problems(settings)
    assert any(
        each.startswith("line 5 was anchored at ") and each.endswith("lines after 3 were cut off")
        for each in found
    ), found
    without = await problems(settings, with_anchors=False)
    assert not any("line 5" in each or "chain" in each for each in without), "the database agrees"


async def test_a_chain_that_was_written_again_is_seen(settings: Settings) -> None:
    async with house(settings) as made:
        await worked(made)
    forged = "UPDATE event SET actor = 'staff:somebody-else' WHERE book = '2026-11-21'"
    await as_owner(settings, (f"{forged} AND version = 2",), (REWRITE,))
    (found,) = await problems(settings)
    assert found.startswith("line 3 is not the one that was anchored at ")
    assert found.endswith("the chain was written again from a line after 1 on")
    assert await problems(settings, with_anchors=False) == [], "the database alone cannot know"


async def test_a_line_that_was_changed_alone_breaks_the_chain_without_any_anchor(
    settings: Settings,
) -> None:
    async with house(settings) as made:
        await worked(made)
    forged = "UPDATE event SET actor = 'staff:somebody-else' WHERE book = '2026-11-21'"
    await as_owner(settings, (f"{forged} AND version = 2",))
    assert await problems(settings, with_anchors=False) == ["the hash chain breaks at line 2"]


async def test_a_seal_is_anchored_without_waiting(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(composition, "ANCHOR_SECONDS", 0.02)
    file = file_of(settings)

    def versions() -> list[int]:
        known = file.read().anchors if file.path.exists() else []
        return [each.version for each in known if each.book == NIGHT]

    async with (
        house(settings) as made,
        tidied(made.db, made.venue, file, Money(settings, made.db, made.venue, made.vault)),
    ):
        await until(versions, "the first anchor")
        await made.block(3)
        sealed = await nights.seal_night(made.db, made.caller(), NIGHT)
        await until(lambda: sealed.version in versions(), "the anchor of the seal")
    assert versions() == [1, sealed.version], "the block waited for its turn"


async def test_a_file_that_cannot_be_written_holds_up_nothing_and_is_told_once(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    file = file_of(settings)
    file.path.mkdir(parents=True)
    async with house(settings) as made:
        for _ in range(3):
            await anchor(made.db, file)
    assert [each.levelname for each in caplog.records if "anchored" in each.message] == ["WARNING"]


def test_the_command_names_what_the_anchors_show(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    async def prepare() -> None:
        async with house(settings) as made:
            await worked(made)

    assert main(settings) == 0
    assert "there is no file" in capsys.readouterr().out
    asyncio.run(prepare())
    assert main(settings) == 0
    assert "there is no file" not in capsys.readouterr().out
    asyncio.run(as_owner(settings, (CUT, 3), (REWIND, 3)))
    assert main(settings) == 1
    assert f"{NIGHT}: line 5 was anchored at " in capsys.readouterr().out


def test_the_command_says_when_the_file_is_another_databases(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    async def prepare() -> None:
        async with house(settings) as made:
            await worked(made)

    asyncio.run(prepare())
    asyncio.run(as_owner(settings, ("UPDATE installation SET id = gen_random_uuid()",)))
    assert main(settings) == 1
    assert "of the anchor file are of another database" in capsys.readouterr().out


def test_a_line_of_the_venues_book_that_nobody_can_read_is_named(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    insert = "INSERT INTO event (book, type, subject, payload) VALUES ('venue', $1, 'staff:1', $2)"

    async def prepare() -> None:
        conn = await asyncpg.connect(settings.owner_database_url)
        await conn.execute("SELECT set_config('app.action', 'set_pin', false)")
        await conn.execute(insert, "PIN_SET", "{}")
        await conn.execute(insert, "PIN_SET", '{"pin": "1234"}')
        await conn.close()

    asyncio.run(prepare())
    assert main(settings) == 1
    assert "venue: line 2 (PIN_SET) has no meaning here" in capsys.readouterr().out
