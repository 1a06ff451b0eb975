"""Outer keys are changed while requests run, and nobody notices.

Goal: no read and no hold fails while every key is wrapped anew, and afterwards the old key opens
nothing. Method: readers and holders run until the rotation ended; the negative control is the same
with workers that were not given the new key.
"""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import uuid4

import asyncpg
import pytest

from app.actions import holds, keys, persons, tickets
from app.actions.administration import at_the_terminal
from app.actions.keys import KeysUnknown, begin_sealing, rotate_keys
from app.actions.second_factor import staff_place
from app.db import keys as rows
from app.domain.sealing import KeyUnknown, OuterKey, Vault, parse_keys, signing_key_place
from app.errors import NotReady
from app.wire import Contact, HoldTables
from scanners.codes import private_bytes, private_key
from tests.integration.actions.test_persons import person_of, told
from tests.integration.floor import MANAGER, NIGHT, House

NEW = OuterKey("new", b"n" * 32)
TABLES = (1, 2, 3, 4, 5, 6)


def with_new_key(house: House, *, old: bool = True) -> Vault:
    olds = parse_keys(house.settings.person_keys) if old else ()
    return Vault([NEW, *olds], house.settings.secret)


async def rotate(house: House, vault: Vault) -> keys.Rotated:
    async with house.looking() as conn:
        return await rotate_keys(conn, vault, at_the_terminal())


async def kids(house: House) -> set[str]:
    async with house.looking() as conn:
        rows = await conn.fetch("SELECT kid FROM person_key UNION ALL SELECT kid FROM signing_key")
    return {row["kid"] for row in rows}


async def test_everything_is_under_the_new_key_and_the_old_one_opens_nothing(
    venue_house: House,
) -> None:
    booking = await venue_house.booked([3], 2)
    ada = await person_of(venue_house, booking)
    rotated = await rotate(venue_house, with_new_key(venue_house))
    assert (rotated.persons, rotated.signing_keys, rotated.unopened) == (1, 1, [])
    assert await kids(venue_house) == {"new"}
    venue_house.vault = with_new_key(venue_house, old=False)
    shown = await persons.reveal_person(
        venue_house.db, venue_house.vault, venue_house.caller(), ada
    )
    assert shown.name == "Ada Lovelace"
    again = await tickets.code_of(
        venue_house.db, venue_house.venue, venue_house.vault, MANAGER, booking["booking_id"]
    )
    assert again == booking["code"]
    assert (await told(venue_house))[0] == (
        "KEYS_ROTATED", "keys", {"kid": "new", "persons": 1, "signing_keys": 1},
    )  # fmt: skip


async def test_second_factors_go_under_the_new_key_too(venue_house: House) -> None:
    staff_id = str(uuid4())
    place = staff_place(staff_id)
    async with venue_house.looking() as conn:
        await conn.execute(
            "INSERT INTO staff (id, username, display_name, role, totp_sealed)"
            " VALUES ($1, 'mara', 'Mara', 'MANAGER', $2)",
            staff_id,
            venue_house.vault.seal(place, b"seed"),
        )
        assert (await rotate(venue_house, with_new_key(venue_house))).seeds == 1
        sealed = await conn.fetchval("SELECT totp_sealed FROM staff WHERE id = $1", staff_id)
        assert with_new_key(venue_house, old=False).open(place, sealed) == b"seed"
        assert (await rotate(venue_house, with_new_key(venue_house))).seeds == 0
        with pytest.raises(KeysUnknown, match="new"):
            await begin_sealing(conn, venue_house.vault)


async def test_a_second_rotation_has_nothing_to_do_and_writes_nothing(venue_house: House) -> None:
    await venue_house.booked([3], 2)
    await rotate(venue_house, with_new_key(venue_house))
    rotated = await rotate(venue_house, with_new_key(venue_house))
    assert (rotated.persons, rotated.signing_keys) == (0, 0)
    assert [kind for kind, _, _ in await told(venue_house)] == ["KEYS_ROTATED"]


async def _busy_while(house: House, work: Callable[[], Awaitable[object]]) -> list[Exception]:
    """What failed of reads and holds that ran from before the work until after it."""
    failed: list[Exception] = []
    done = asyncio.Event()
    ada = await person_of(house, await house.hold([7], 2))
    rounds: asyncio.Queue[None] = asyncio.Queue()  # one thing for each round that ended

    async def one(number: int) -> None:
        while not done.is_set():
            try:
                request = HoldTables(NIGHT, [number], 2, Contact("Bob", "0113 496 0000"))
                held = await house.hold([number], 2, contact=request.contact)
                await holds.release_hold(house.db, house.caller(), held["booking_id"])
                await persons.reveal_person(house.db, house.vault, house.caller(), ada)
            except Exception as error:  # noqa: BLE001 - whatever it is, it must not be
                failed.append(error)
                return
            finally:
                rounds.put_nowait(None)

    async with asyncio.TaskGroup() as tasks:
        for number in TABLES:
            tasks.create_task(one(number))
        async with asyncio.timeout(30):
            for _ in TABLES:
                await rounds.get()
            await work()
            # Those that were under way, and as many that began afterwards.
            for _ in range(2 * len(TABLES)):
                if not failed:
                    await rounds.get()
        done.set()
    return failed


async def test_nothing_fails_while_the_keys_change(
    venue_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "BATCH", 3)
    for number in (8, 9, 10, 11):
        await venue_house.hold([number], 2)
    venue_house.vault = Vault(
        [*parse_keys(venue_house.settings.person_keys), NEW], venue_house.settings.secret
    )

    async def change() -> None:
        await rotate(venue_house, with_new_key(venue_house))
        venue_house.vault = with_new_key(venue_house)

    assert await _busy_while(venue_house, change) == []


async def test_workers_without_the_new_key_would_fail(venue_house: House) -> None:
    """The negative control of the test above: they know the old key alone."""

    async def change() -> None:
        await rotate(venue_house, with_new_key(venue_house))

    failed = await _busy_while(venue_house, change)
    assert failed
    assert all(isinstance(error, NotReady) for error in failed)
    assert {error.reason for error in failed if isinstance(error, NotReady)} == {"key_missing"}


async def test_a_person_erased_while_keys_change_stays_erased(
    venue_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await person_of(venue_house, await venue_house.hold([3], 2))
    vault = with_new_key(venue_house)
    async with venue_house.looking() as conn, venue_house.looking() as eraser:
        whole = rows.wrap_person_keys

        async def after_an_erasure(
            conn: asyncpg.Connection, kid: str, wrapped: list[tuple[rows.PersonKey, bytes]]
        ) -> None:
            await eraser.execute("DELETE FROM person_key")
            await whole(conn, kid, wrapped)

        monkeypatch.setattr(rows, "wrap_person_keys", after_an_erasure)
        await rotate_keys(conn, vault, at_the_terminal())
        assert not await conn.fetchval("SELECT count(*) FROM person_key WHERE person_id = $1", ada)


async def test_what_does_not_open_is_named_and_stops_nothing(venue_house: House) -> None:
    broken = await person_of(venue_house, await venue_house.hold([3], 2))
    await venue_house.hold([5], 2)
    async with venue_house.looking() as conn:
        await conn.execute(
            "UPDATE person_key SET wrapped = set_byte(wrapped, 40, 255 - get_byte(wrapped, 40))"
            " WHERE person_id = $1",
            broken,
        )
    rotated = await rotate(venue_house, with_new_key(venue_house))
    assert (rotated.persons, rotated.unopened) == (1, [f"person|key|{broken}"])


async def test_a_plain_signing_key_from_before_is_wrapped_at_the_start(venue_house: House) -> None:
    booking = await venue_house.booked([3], 2)
    vault = venue_house.vault
    async with venue_house.looking() as conn:
        sealed = await conn.fetchval("SELECT private FROM signing_key")
        plain = vault.open(signing_key_place(NIGHT), sealed)
        assert private_bytes(private_key(plain)) == plain
        await conn.execute("UPDATE signing_key SET private = $1, kid = NULL", plain)
        assert await begin_sealing(conn, vault) == 1
        assert plain not in await conn.fetchval("SELECT private FROM signing_key")
        assert await begin_sealing(conn, vault) == 0
    assert (await venue_house.scan(booking["code"], 2))["verdict"] == "admit"
    again = await tickets.code_of(
        venue_house.db, venue_house.venue, vault, MANAGER, booking["booking_id"]
    )
    assert again == booking["code"]


async def test_a_start_without_the_keys_of_the_database_is_refused(venue_house: House) -> None:
    await venue_house.hold([3], 2)
    async with venue_house.looking() as conn:
        await begin_sealing(conn, venue_house.vault)
        with pytest.raises(KeysUnknown, match="test") as caught:
            await begin_sealing(conn, with_new_key(venue_house, old=False))
    assert caught.value.kids == ["test"]


async def test_a_name_whose_key_is_missing_keeps_no_party_at_the_door(
    venue_house: House, caplog: pytest.LogCaptureFixture
) -> None:
    booking = await venue_house.booked([3], 2)
    venue_house.vault = with_new_key(venue_house, old=False)
    scanned = await venue_house.scan(booking["code"], 2)
    assert (scanned["verdict"], scanned["name"]) == ("admit", None)
    assert "the outer key 'test' is not among PERSON_KEYS" in caplog.text
    with pytest.raises(KeyUnknown):
        venue_house.vault.open("x", Vault([OuterKey("test", b"o" * 32)], "5e" * 32).seal("x", b""))
