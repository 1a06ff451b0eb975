"""The venue's book: lines of every role, beside a night's, under keys, in the chain."""

import asyncio
from typing import Any
from uuid import uuid4

import asyncpg
import msgspec
import pytest

from app.actions.act import Act, Answered, Caller, perform
from app.actions.administration import audited, note, note_settings
from app.db.book import list_events
from app.domain.principals import ANONYMOUS
from app.errors import NotValid
from app.verify import verify_book
from app.wire import Answer
from floorplan import administration, events
from floorplan.events import Event
from tests.integration.floor import MANAGER, NIGHT, House

ORIGIN = "0123456789abcdef"
ROW = "SELECT actor, origin, made_by, correlation_id FROM event WHERE book = $1 AND version = $2"


class Named(Answer, frozen=True):
    name: str
    version: int = -1


def caller(key: str | None = None, body: bytes = b"body", origin: str | None = ORIGIN) -> Caller:
    return Caller(MANAGER, "request-1", key, body, "203.0.113.9", origin)


async def lines(house: House, book: str = administration.BOOK) -> list[Event]:
    async with house.db.reading() as conn:
        return await list_events(conn, book, 0)


async def row(house: House, book: str, version: int) -> dict[str, Any]:
    async with house.db.reading() as conn:
        return dict(await conn.fetchrow(ROW, book, version))


async def problems(house: House, book: str = administration.BOOK) -> list[str]:
    conn = await asyncpg.connect(house.settings.owner_database_url)
    try:
        return (await verify_book(conn, "", book)).problems
    finally:
        await conn.close()


async def add(house: House, key: str, body: bytes = b"body", **more: Any) -> Answered:
    async def work(act: Act) -> tuple[int, Answer]:
        act.record(administration.DeviceAdded("tablet", "main"), "device:1")
        return 201, Named(name="Tablet")

    return await audited(house.db, caller(key, body), "create_device", work, **more)


@pytest.mark.parametrize("role", ["app", "auth"])
async def test_a_note_is_a_line_of_the_callers_transaction(venue_house: House, role: str) -> None:
    house = venue_house
    async with house.db.begun(getattr(house.db, role)) as conn:
        version = await note(
            conn, caller(), administration.SignedIn("s1", "totp"), f"staff:{MANAGER.id}"
        )
    (line,) = await lines(house)
    assert (line.version, line.type, line.subject) == (version, "SIGNED_IN", f"staff:{MANAGER.id}")
    assert administration.administration_of(line) == administration.SignedIn("s1", "totp")
    assert await row(house, "venue", version) == {
        "actor": f"staff:{MANAGER.id}",
        "origin": ORIGIN,
        "made_by": "signed_in",
        "correlation_id": "request-1",
    }
    assert await problems(house) == []


async def test_a_note_of_a_transaction_that_fails_is_no_line(venue_house: House) -> None:
    class Change(Exception):
        pass

    async def fails() -> None:
        async with venue_house.db.begun() as conn:
            await note(conn, caller(), administration.PinSet(), "staff:1")
            raise Change

    with pytest.raises(Change):
        await fails()
    assert await lines(venue_house) == []


async def test_who_is_nobody_stands_in_the_book_as_public(venue_house: House) -> None:
    nobody = Caller(ANONYMOUS, "request-2", origin=ORIGIN)
    async with venue_house.db.begun(venue_house.db.auth) as conn:
        await note(conn, nobody, administration.SignInRefused("sign_in_refused"), "staff:unknown")
    assert (await row(venue_house, "venue", 1))["actor"] == "public"


async def test_a_bare_line_after_a_note_does_not_pass_for_one(venue_house: House) -> None:
    async with venue_house.db.begun() as conn:
        await note(conn, caller(), administration.PinSet(), "staff:1")
        await conn.execute(
            "INSERT INTO event (book, type, subject, payload)"
            " VALUES ('venue', 'PIN_SET', 'staff:2', '{\"removed\": true}')"
        )
    assert (await problems(venue_house))[0].startswith("line 2 (PIN_SET) was written by hand")


@pytest.mark.parametrize("role", ["app", "auth"])
async def test_an_audited_action_is_done_once_under_its_key(venue_house: House, role: str) -> None:
    house = venue_house
    pool = getattr(house.db, role)
    key = str(uuid4())
    first = await add(house, key, pool=pool)
    again = await add(house, key, pool=pool)
    assert (first.status, first.replayed, again.replayed) == (201, False, True)
    assert first.body == again.body == msgspec.json.encode(Named(name="Tablet", version=1))
    assert [line.type for line in await lines(house)] == ["DEVICE_ADDED"]
    assert (await row(house, "venue", 1))["made_by"] == "create_device"
    with pytest.raises(NotValid) as refused:
        await add(house, key, b"another body", pool=pool)
    assert refused.value.reason == "key_reused"
    assert await problems(house) == []


async def test_twins_of_an_audited_action_write_one_line(venue_house: House) -> None:
    key = str(uuid4())
    answers = await asyncio.gather(*(add(venue_house, key) for _ in range(4)))
    assert sorted(answer.replayed for answer in answers) == [False, True, True, True]
    assert len(await lines(venue_house)) == 1


async def test_without_a_key_each_twin_writes_its_own_line(venue_house: House) -> None:
    """The control: it is the key that makes one line of four requests."""
    answers = await asyncio.gather(*(add(venue_house, str(uuid4())) for _ in range(4)))
    assert sorted(answer.version or 0 for answer in answers) == [1, 2, 3, 4]
    assert len(await lines(venue_house)) == 4


async def test_an_action_of_a_night_may_leave_a_line_in_both_books(venue_house: House) -> None:
    house = venue_house
    booking = await house.booked([7])
    before = len(await lines(house, NIGHT))

    async def work(act: Act) -> tuple[int, Answer]:
        act.record(administration.PersonRevealed(["phone"], booking["booking_id"]), "person:1")
        act.record(events.NoShowMarked(booking["booking_id"]), "booking:1")
        return 200, Named(name="shown")

    answered = await perform(house.db, caller(str(uuid4())), "reveal", work, night=NIGHT)
    assert answered.version == before + 1, "the version is that of the night's book"
    (line,) = await lines(house)
    assert (line.type, line.correlation_id) == ("PERSON_REVEALED", "request-1")
    assert (await row(house, NIGHT, before + 1))["origin"] == ORIGIN
    assert (await row(house, "venue", 1))["made_by"] == "reveal"


async def test_the_origin_is_in_the_hash(venue_house: House) -> None:
    house = venue_house
    await add(house, str(uuid4()))
    assert await problems(house) == []
    for statement in ("origin = 'fedcba9876543210'", "origin = NULL"):
        await _past_the_guard(house, f"UPDATE event SET {statement} WHERE book = 'venue'")
        assert (await problems(house))[0] == "the hash chain breaks at line 1"


async def test_a_line_without_an_origin_has_the_hash_that_it_had_before_there_were_any(
    venue_house: House,
) -> None:
    async with venue_house.db.reading() as conn:
        same = await conn.fetchval(
            """
            SELECT hash = sha256(previous_hash || convert_to(jsonb_build_array(
                       book, version, type, subject, extract(epoch FROM at)::text, actor,
                       correlation_id, made_by, payload)::text, 'UTF8'))
              FROM event WHERE book = $1 AND origin IS NULL
            """,
            NIGHT,
        )
    assert same is True


async def test_an_address_cannot_stand_where_its_digest_does(venue_house: House) -> None:
    plain = caller(origin="203.0.113.9")
    async with venue_house.db.undecided() as conn:
        with pytest.raises(asyncpg.CheckViolationError) as refused:
            await note(conn, plain, administration.PinSet(), "staff:1")
    assert refused.value.constraint_name == "event_origin_is_a_digest"


async def _past_the_guard(house: House, statement: str) -> None:
    conn = await asyncpg.connect(house.settings.owner_database_url)
    await conn.execute("ALTER TABLE event DISABLE TRIGGER event_unchanged")
    await conn.execute(statement)
    await conn.close()


async def test_changed_settings_are_a_line_with_what_changed(venue_house: House) -> None:
    house = venue_house
    url = house.settings.owner_database_url
    first = {"PUBLIC_URL": "https://a.example", "TRUSTED_PROXIES": ""}
    second = first | {"TRUSTED_PROXIES": "10.0.0.0/8"}
    assert await note_settings(url, first) == 1
    assert await note_settings(url, first) is None
    assert await note_settings(url, second) == 2
    assert await note_settings(url, second) is None
    assert await note_settings(url, first) == 3
    found = [administration.administration_of(line) for line in await lines(house)]
    proxies = {"TRUSTED_PROXIES": "10.0.0.0/8"}
    assert found == [
        administration.SettingsChanged({}, first),
        administration.SettingsChanged({"TRUSTED_PROXIES": ""}, proxies),
        administration.SettingsChanged(proxies, {"TRUSTED_PROXIES": ""}),
    ]
    assert (await row(house, "venue", 1))["actor"] == "system:start"
    assert await problems(house) == []


async def test_of_nodes_that_start_at_once_one_writes_the_settings(venue_house: House) -> None:
    url = venue_house.settings.owner_database_url
    settings = {"PUBLIC_URL": "https://a.example"}
    written = await asyncio.gather(*(note_settings(url, settings) for _ in range(6)))
    assert sorted(written, key=str) == [1, None, None, None, None, None]


async def test_without_the_lock_each_would_write_them(
    venue_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: two nodes that looked before either wrote."""
    looked = asyncio.Barrier(2)

    async def wait(*_: object) -> None:
        return None

    async def after_both(*arguments: Any) -> int:
        await looked.wait()
        return await note(*arguments)

    monkeypatch.setattr("app.actions.administration.lock_book", wait)
    monkeypatch.setattr("app.actions.administration.note", after_both)
    url = venue_house.settings.owner_database_url
    settings = {"PUBLIC_URL": "https://a.example"}
    written = await asyncio.gather(*(note_settings(url, settings) for _ in range(2)))
    assert sorted(each or 0 for each in written) == [1, 2]
