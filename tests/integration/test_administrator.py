"""The first account: made by a command, and good for signing in."""

import asyncio
import io

import asyncpg
import pytest

from app import administrator
from app.db.staff import use_link
from app.domain.passwords import verify_password
from app.domain.tokens import token_hash
from app.settings import Settings


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


async def test_the_first_administrator_is_made_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(monkeypatch, "a long enough passphrase\n")
    create = administrator.create
    assert await asyncio.to_thread(create, settings, "Morgan", "Morgan Lee", "SUPER_ADMIN") == 0
    assert "may sign in as Morgan (SUPER_ADMIN)" in capsys.readouterr().out
    conn = await asyncpg.connect(settings.auth_database_url)
    row = await conn.fetchrow("SELECT username, role, demo, password_hash FROM staff")
    await conn.close()
    assert row is not None
    assert (row["username"], row["role"], row["demo"]) == ("morgan", "SUPER_ADMIN", False)
    assert verify_password(row["password_hash"], "a long enough passphrase")

    typed(monkeypatch, "another long passphrase\n")
    assert await asyncio.to_thread(create, settings, "MORGAN", "Another", "MANAGER") == 1
    assert "taken" in capsys.readouterr().err


def test_a_short_password_is_refused_before_anything_is_written(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(monkeypatch, "short\n")
    assert administrator.create(settings, "morgan", "Morgan", "MANAGER") == 1
    assert "at least 10 characters" in capsys.readouterr().err


def test_what_is_guessed_first_is_no_password(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(monkeypatch, "password123\n")
    assert administrator.create(settings, "morgan", "Morgan", "MANAGER") == 1
    assert "among the first that are tried" in capsys.readouterr().err


async def test_who_lost_everything_gets_a_link_and_no_second_factor(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(monkeypatch, "a long enough passphrase\n")
    await asyncio.to_thread(administrator.create, settings, "morgan", "Morgan", "SUPER_ADMIN")
    conn = await asyncpg.connect(settings.auth_database_url)
    await conn.execute("UPDATE staff SET totp_sealed = 'x'")
    capsys.readouterr()
    assert await asyncio.to_thread(administrator.recover, settings, " MORGAN ") == 0
    token = capsys.readouterr().out.split("#link=")[1].strip()
    staff_id = await conn.fetchval("SELECT id::text FROM staff WHERE totp_sealed IS NULL")
    assert await use_link(conn, token_hash(token)) == staff_id
    lines = await conn.fetch("SELECT type FROM event WHERE book = 'venue' ORDER BY version")
    await conn.close()
    assert [line["type"] for line in lines] == ["STAFF_ADDED", "SECOND_FACTOR_RESET", "LINK_MADE"]
    assert await asyncio.to_thread(administrator.recover, settings, "nobody") == 1
    assert "Nobody who may sign in" in capsys.readouterr().err
