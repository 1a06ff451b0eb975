"""Replies that are lost, and hands that write in the database beside the service."""

import asyncio
import json
import subprocess
import sys
from uuid import uuid4

import httpx
import pytest

from tests.faults.customers import busy
from tests.faults.watchers import assert_right, read_book, until, until_async, watching
from tests.premises import ROOT, Premises, address


def psql(premises: Premises, statement: str) -> "subprocess.CompletedProcess[str]":
    """What a person with psql at the service's database gets."""
    return subprocess.run(
        [sys.executable, "-m", "app", "psql", "--", "-v", "ON_ERROR_STOP=1", "-Atc", statement],
        cwd=ROOT, env=premises.environment, capture_output=True, text=True, check=False, timeout=20,
    )  # fmt: skip


async def grown(premises: Premises, night: str, beyond: int) -> bool:
    return len(await read_book(premises, night)) > beyond


async def test_after_a_lost_reply_the_same_key_gives_the_same_answer_and_one_event(
    premises: Premises, night: str
) -> None:
    contact = {"name": "Ada", "phone": "0113 496 0000"}
    body = json.dumps({"night": night, "tables": [7], "party": 4, "contact": contact}).encode()
    headers = {
        "Host": f"127.0.0.1:{premises.port}",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Idempotency-Key": str(uuid4()),
        "X-Forwarded-For": address(),
    }
    before = len(await read_book(premises, night))
    _, writer = await asyncio.open_connection("127.0.0.1", premises.port)
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"POST /v1/holds HTTP/1.1\r\n{head}\r\n".encode() + body)
    await writer.drain()
    await until_async(lambda: grown(premises, night, before), "the commit")
    writer.transport.abort()  # gone, with nothing read of the answer
    async with httpx.AsyncClient(base_url=premises.origin) as http:
        again = await http.post("/v1/holds", content=body, headers=headers)
        third = await http.post("/v1/holds", content=body, headers=headers)
        new_key = {**headers, "Idempotency-Key": str(uuid4())}
        refused = await http.post("/v1/holds", content=body, headers=new_key)
    assert (again.status_code, third.status_code) == (201, 201)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.content == third.content
    assert refused.status_code == 409, "without the key it would have been a second request"
    made = [e for e in await read_book(premises, night) if e.type == "BOOKING_INITIATED"]
    assert [one.subject for one in made] == [f"booking:{again.json()['booking_id']}"]
    await asyncio.to_thread(premises.assert_agrees)


async def test_a_table_blocked_by_psql_appears_on_the_screens_and_verifies(
    premises: Premises, night: str
) -> None:
    async with watching(premises, 3) as screens, watching(premises, 2, "public") as strangers:
        [before] = strangers[0].document["tables"]["7"]["free"]
        done = await asyncio.to_thread(psql, premises, "SELECT block_table(7, 'spill')")
        assert done.returncode == 0, done.stderr
        await until(
            lambda: all(one.document["tables"]["7"]["status"] == "maintenance" for one in screens),
            "the block on the screens",
        )
        await until(
            lambda: all(before not in one.document["tables"]["7"]["free"] for one in strangers),
            "the block for the public",
        )
        await assert_right(premises, night, screens + strangers)
    await asyncio.to_thread(premises.assert_agrees)


async def test_a_bare_insert_appears_and_verify_names_it(premises: Premises, night: str) -> None:
    async with watching(premises, 3) as screens:
        payload = '{"table": 8}'
        done = await asyncio.to_thread(
            psql,
            premises,
            "INSERT INTO event (book, type, subject, payload)"
            f" VALUES ('{night}', 'TABLE_RESET', 'table:8', '{payload}') RETURNING version",
        )
        assert done.returncode == 0, done.stderr
        version = int(done.stdout.split()[0])
        book = await read_book(premises, night)
        assert len(book) == version
        async with httpx.AsyncClient(base_url=premises.origin) as http:
            headers = {"Cookie": screens[0]._cookie}

            async def moved() -> bool:
                answer = await http.get(f"/v1/nights/{night}/state", headers=headers)
                return bool(answer.json()["version"] == version)

            await until_async(moved, "the new version")
        await assert_right(premises, night, screens)
    verified = await asyncio.to_thread(premises.verify)
    assert verified.returncode == 1
    assert f"line {version} (TABLE_RESET) was written by hand" in verified.stdout, verified.stdout


@pytest.mark.parametrize(
    "statement",
    ["UPDATE event SET actor = 'x' WHERE book = '{}'", "DELETE FROM event WHERE book = '{}'"],
)
def test_a_line_of_the_book_is_never_changed(
    premises: Premises, night: str, statement: str
) -> None:
    done = psql(premises, statement.format(night))
    assert done.returncode != 0
    assert "insert" in done.stderr.lower() or "append" in done.stderr.lower(), done.stderr
    premises.assert_agrees()


async def test_the_comparison_of_screens_with_the_book_notices_what_is_wrong(
    premises: Premises, night: str
) -> None:
    """What the other tests lean on: a picture that was wrong for a moment, a promise not kept."""
    async with watching(premises, 2) as screens:
        async with busy(premises, night) as customers:
            pass
        version = await assert_right(premises, night, screens)
        events = await read_book(premises, night)
        customers.assert_kept(events)

        kept = screens[0].hashes[version]
        screens[0].hashes[version] = "00000000"
        with pytest.raises(AssertionError, match="wrong at"):
            await assert_right(premises, night, screens)
        screens[0].hashes[version] = kept
        await assert_right(premises, night, screens)

        customers.promised.add(str(uuid4()))
        with pytest.raises(AssertionError):
            customers.assert_kept(events)
