"""A command that migrates nothing, on a database of another version: a sentence, no traceback.

Every command that reads or writes as this version does is tried on the same database: as it is
(the control), with a migration less, without any, and as a newer version left it.
"""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from app import __main__ as commands
from app.db.migrate import list_migrations
from app.settings import Settings

LAST = list_migrations()[-1][0]
NEWER = "INSERT INTO migration (name, sha256) VALUES ('9999_newer.sql', '')"
COMMANDS = [
    ["verify"],
    ["verify", "--rebuild"],
    ["admin", "recover", "nobody"],
    ["keys", "rotate"],
    ["erasures", "replay", "--file", "/dev/null"],
]


@pytest.fixture
def owner_url(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The commands' environment is this test's database; the address of its owner."""
    for variable, value in (
        ("BACKROOM_DATA", str(tmp_path)),
        ("BACKROOM_SECRET", settings.secret),
        ("PERSON_KEYS", settings.person_keys),
        ("DATABASE_URL", settings.database_url),
        ("OWNER_DATABASE_URL", settings.owner_database_url),
        ("JOBS_DATABASE_URL", settings.jobs_database_url),
        ("AUTH_DATABASE_URL", settings.auth_database_url),
        ("REDIS_URL", settings.redis_url),
    ):
        monkeypatch.setenv(variable, value)
    return settings.owner_database_url


def sql(url: str, *statements: str) -> None:
    async def execute() -> None:
        conn = await asyncpg.connect(url)
        try:
            for statement in statements:
                await conn.execute(statement)
        finally:
            await conn.close()

    asyncio.run(execute())


def run(command: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    capsys.readouterr()
    status = commands.main(command)
    return status, capsys.readouterr().err


def test_a_command_on_another_versions_schema_says_what_to_do(
    owner_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in COMMANDS:
        _, said = run(command, capsys)
        assert "schema" not in said, "this version's own is used"
    sql(owner_url, NEWER)
    assert run(["verify"], capsys) == (0, ""), "what is only added does not matter"
    sql(owner_url, "DELETE FROM migration WHERE name = 'functions/begin_administration.sql'")
    for command in COMMANDS:
        status, said = run(command, capsys)
        assert (status, said.count("\n")) == (1, 1), said
        assert "it has 9999_newer.sql): run this command from that version." in said
    sql(owner_url, f"DELETE FROM migration WHERE name IN ('9999_newer.sql', '{LAST}')")
    for command in COMMANDS:
        status, said = run(command, capsys)
        assert (status, said.count("\n")) == (1, 1), said
        assert f"lacks 2 files of this version's schema (the first is {LAST}): run" in said
    sql(owner_url, "DROP TABLE migration")
    assert "run `backroom migrate`" in run(["verify"], capsys)[1]


def test_a_command_without_its_database_says_so(
    owner_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OWNER_DATABASE_URL", owner_url.replace("/test_", "/gone_"))
    status, said = run(["verify"], capsys)
    assert (status, said.count("\n")) == (1, 1), said
    assert "cannot be used" in said
