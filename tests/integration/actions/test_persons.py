"""People's rights over their data: found, shown, exported, erased; and what stays.

Goal: nobody reads a person who was erased, whenever they ask, and nothing of a night changes by it.
Method: the actions on real rows; the races meet at a barrier, and run once more with the guard off.
"""

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest

from app.actions import holds, nights, persons
from app.actions.administration import at_the_terminal
from app.actions.erasures import remember_erasure, replay_erasures
from app.db import persons as rows
from app.domain.contacts import open_person
from app.domain.erasures import Erasure, read_erasures
from app.domain.principals import Principal, Scope
from app.domain.sealing import Unopened
from app.errors import NotAllowed, NotFound, NotReady, NotValid
from app.verify import verify_book
from app.wire import Contact
from app.wire.persons import FindPeople
from tests.integration.floor import MANAGER, NIGHT, House, read

SUPER = Principal(kind="staff", id=MANAGER.id, role="SUPER_ADMIN")
ADA = Contact("Ada Lovelace", "0113 496 0000", "Ada@example.com")


async def person_of(house: House, booking: dict[str, Any]) -> str:
    async with house.looking() as conn:
        found: str = await conn.fetchval(
            "SELECT person_id::text FROM booking WHERE id = $1", booking["booking_id"]
        )
    return found


async def erase(house: House, person_id: str, by: Principal = SUPER) -> dict[str, Any]:
    file = house.settings.erasures_file
    return read(await persons.erase_person(house.db, file, house.caller(by), person_id))


async def find(house: House, **what: str) -> list[str]:
    found = await persons.find_people(house.db, house.vault, MANAGER, FindPeople(**what))
    return [person.person_id for person in found.people]


async def told(house: House) -> list[tuple[str, str, dict[str, Any]]]:
    """The lines of the venue's book."""
    async with house.looking() as conn:
        lines = await conn.fetch(
            "SELECT type, subject, payload::text FROM event WHERE book = 'venue' ORDER BY version"
        )
    return [(row["type"], row["subject"], msgspec.json.decode(row["payload"])) for row in lines]


async def test_a_person_is_found_by_number_or_address_however_they_are_typed(
    venue_house: House,
) -> None:
    ada = await person_of(venue_house, await venue_house.hold([3], 2, contact=ADA))
    again = await person_of(venue_house, await venue_house.hold([5], 2, contact=ADA))
    await venue_house.hold([7], 2, contact=Contact("Ada Lovelace", "0113 496 0001"))
    assert set(await find(venue_house, phone="+44 (113) 496-0000")) == {ada, again}
    assert set(await find(venue_house, email="ada@EXAMPLE.com")) == {ada, again}
    assert await find(venue_house, phone="0113 496 0009") == []


async def test_who_is_found_is_masked_and_shown_unmasked_only_with_a_line_in_the_book(
    venue_house: House,
) -> None:
    booking = await venue_house.hold([3], 2, contact=ADA)
    found = await persons.find_people(
        venue_house.db, venue_house.vault, MANAGER, FindPeople(phone="0113 496 0000")
    )
    shown = found.people[0]
    assert (shown.name, shown.phone, shown.email) == ("Ada Lovelace", "•••000", "A•••@e•••")
    assert [b.reference for b in shown.bookings] == [booking["reference"]]
    assert await told(venue_house) == []
    whole = await persons.reveal_person(
        venue_house.db, venue_house.vault, venue_house.caller(), shown.person_id
    )
    assert (whole.name, whole.phone, whole.email) == (
        "Ada Lovelace", "+441134960000", "Ada@example.com",
    )  # fmt: skip
    assert await told(venue_house) == [
        (
            "PERSON_REVEALED",
            f"person:{shown.person_id}",
            {"fields": ["name", "phone", "email"], "booking_id": None},
        )
    ]


async def test_a_manager_of_one_night_is_shown_the_guests_of_that_night_alone(
    venue_house: House,
) -> None:
    ada = await person_of(venue_house, await venue_house.hold([3], 2, contact=ADA))
    db, vault, phone = venue_house.db, venue_house.vault, FindPeople(phone="0113 496 0000")
    file = venue_house.settings.erasures_file

    def of(night: str) -> Principal:
        return Principal("staff", MANAGER.id, "SUPER_ADMIN", scope=Scope(night=night))

    other = venue_house.caller(of("2026-11-28"))
    assert (await persons.find_people(db, vault, other.principal, phone)).people == []
    for refused in (
        persons.reveal_person(db, vault, other, ada),
        persons.export_person(db, vault, "x", other, ada, "json"),
        persons.erase_person(db, file, other, ada),
    ):
        with pytest.raises(NotAllowed) as caught:
            await refused
        assert caught.value.reason == "out_of_scope"
    own = venue_house.caller(of(NIGHT))
    assert len((await persons.find_people(db, vault, own.principal, phone)).people) == 1
    assert (await persons.reveal_person(db, vault, own, ada)).name == "Ada Lovelace"
    await persons.erase_person(db, file, own, ada)
    kinds = [kind for kind, _, _ in await told(venue_house)]
    assert kinds == ["PERSON_REVEALED", "PERSON_ERASED"]


async def test_a_look_up_needs_one_of_the_two(venue_house: House) -> None:
    for wrong in ({}, {"phone": "0113 496 0000", "email": "a@b"}):
        with pytest.raises(NotValid) as caught:
            await find(venue_house, **wrong)
        assert caught.value.reason == "one_of_two"
    with pytest.raises(NotValid) as caught:
        await find(venue_house, phone="00000")
    assert (caught.value.reason, caught.value.fields) == ("contact_not_valid", {"place": "$.phone"})


async def test_a_contact_that_is_none_claims_no_table(venue_house: House) -> None:
    with pytest.raises(NotValid) as caught:
        await venue_house.hold([3], 2, contact=Contact("Ada", "12345"))
    assert (caught.value.reason, caught.value.fields["place"]) == (
        "contact_not_valid", "$.contact.phone",
    )  # fmt: skip
    async with venue_house.looking() as conn:
        assert await conn.fetchval("SELECT count(*) FROM person") == 0
    await venue_house.hold([3], 2, contact=Contact("Ada", "0113 496 0000"))


async def test_an_erased_person_is_nowhere_and_the_booking_stands(venue_house: House) -> None:
    booking = await venue_house.confirm(await venue_house.hold([3], 2, contact=ADA))
    ada = await person_of(venue_house, booking)
    answer = await erase(venue_house, ada)
    assert answer["retained"] == ["financial_records"]
    assert await find(venue_house, phone="0113 496 0000") == []
    with pytest.raises(NotFound) as caught:
        await _revealed(venue_house, ada)
    assert caught.value.reason == "person_erased"
    scanned = await venue_house.scan(booking["code"], 2)
    assert (scanned["verdict"], scanned["name"]) == ("admit", None)
    async with venue_house.looking() as conn:
        row = await conn.fetchrow("SELECT * FROM person WHERE id = $1", ada)
        assert row is not None
        assert [n for n, v in row.items() if v is not None] == ["id", "created_at", "erased_at"]
        assert await conn.fetchval("SELECT count(*) FROM person_key") == 0
        assert await conn.fetchval("SELECT count(*) FROM payment") == 1
    assert (await told(venue_house))[-1][:2] == ("PERSON_ERASED", f"person:{ada}")
    await venue_house.agrees()


async def test_an_erasure_asked_for_again_says_the_same_and_is_told_once(
    venue_house: House,
) -> None:
    ada = await person_of(venue_house, await venue_house.hold([3], 2, contact=ADA))
    first = await erase(venue_house, ada)
    second = await erase(venue_house, ada)
    assert (first["erased_at"], first["retained"]) == (second["erased_at"], second["retained"])
    assert [kind for kind, _, _ in await told(venue_house)] == ["PERSON_ERASED"]
    logged = read_erasures(venue_house.settings.erasures_file.read_bytes())
    assert logged == [Erasure(first["erased_at"], ada)]
    with pytest.raises(NotFound):
        await erase(venue_house, "00000000-0000-4000-8000-000000000000")


async def test_an_owner_exports_and_erases_their_own_booking_and_no_other(
    venue_house: House,
) -> None:
    mine = await venue_house.hold([3], 2, contact=ADA)
    theirs = await person_of(venue_house, await venue_house.hold([5], 2))
    owner = Principal("owner", hashlib.sha256(mine["token"].encode()).hexdigest(), "OWNER")
    ada = await persons.find_own_person(venue_house.db, owner)
    assert ada == await person_of(venue_house, mine)
    export = await persons.export_person(
        venue_house.db, venue_house.vault, "The Backroom", venue_house.caller(owner), ada, "json"
    )
    assert (export.name, export.phone, export.email) == (
        "Ada Lovelace", "+441134960000", "Ada@example.com",
    )  # fmt: skip
    assert [b.reference for b in export.bookings] == [mine["reference"]]
    with pytest.raises(NotFound):
        await persons.export_person(
            venue_house.db, venue_house.vault, "x", venue_house.caller(owner), theirs, "json"
        )
    with pytest.raises(NotFound):
        await erase(venue_house, theirs, owner)
    assert (await erase(venue_house, ada, owner))["person_id"] == ada
    linked = Principal("owner", "", "OWNER", booking_id=mine["booking_id"])
    assert await persons.find_own_person(venue_house.db, linked) == ada
    stranger = Principal("owner", "ab" * 32, "OWNER")
    with pytest.raises(NotFound):
        await persons.find_own_person(venue_house.db, stranger)


async def test_an_export_of_somebody_erased_has_what_is_left_and_no_name(
    venue_house: House,
) -> None:
    booking = await venue_house.confirm(await venue_house.hold([3], 2, contact=ADA))
    ada = await person_of(venue_house, booking)

    async def export() -> Any:
        return await persons.export_person(
            venue_house.db, venue_house.vault, "x", venue_house.caller(SUPER), ada, "html"
        )

    before = await export()
    await erase(venue_house, ada)
    after = await export()
    assert before.name == "Ada Lovelace"
    assert (after.name, after.phone, after.email) == (None, None, None)
    assert after.payments == before.payments != []
    assert [kind for kind, _, _ in await told(venue_house)] == [
        "PERSON_EXPORTED", "PERSON_ERASED", "PERSON_EXPORTED",
    ]  # fmt: skip


async def test_without_the_log_nothing_is_erased(venue_house: House, tmp_path: Path) -> None:
    ada = await person_of(venue_house, await venue_house.hold([3], 2, contact=ADA))
    caller = venue_house.caller(SUPER)
    with pytest.raises(NotReady) as caught:
        await persons.erase_person(venue_house.db, tmp_path, caller, ada)  # a folder is no file
    assert caught.value.reason == "erasure_log_away"
    assert await find(venue_house, phone="0113 496 0000") == [ada]
    file = tmp_path / "erasures.log"
    answered = await persons.erase_person(venue_house.db, file, caller, ada)
    assert not answered.replayed
    assert await find(venue_house, phone="0113 496 0000") == []


async def test_a_line_cut_off_by_a_crash_spoils_no_other(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "erasures.log"
    one, two = (Erasure("2026-11-21T22:00:00.000Z", f"{n}" * 8 + "-0000-4000-8000-" + "0" * 12)
                for n in (1, 2))  # fmt: skip
    remember_erasure(file, one)
    with file.open("ab") as stream:
        stream.write(b'{"at":"2026')
    remember_erasure(file, two)
    content = file.read_bytes()
    assert content.splitlines()[1] == b'{"at":"2026'
    assert read_erasures(b"\n".join(content.splitlines()[::2]) + b"\n") == [one, two]
    assert file.stat().st_mode & 0o777 == 0o600


async def test_a_sealed_nights_figures_and_chain_are_the_same_after_an_erasure(
    venue_house: House,
) -> None:
    booking = await venue_house.confirm(await venue_house.hold([3], 2, contact=ADA))
    await venue_house.scan(booking["code"], 2)
    ada = await person_of(venue_house, booking)
    await nights.seal_night(venue_house.db, venue_house.caller(), NIGHT)

    async def look() -> Any:
        async with venue_house.looking() as conn:
            checked = await verify_book(conn, "", NIGHT)
            figures = await conn.fetchval(
                "SELECT payload FROM event WHERE type = 'NIGHT_SEALED' AND book = $1", NIGHT
            )
            head = await conn.fetchrow("SELECT version, hash FROM book WHERE name = $1", NIGHT)
        assert head is not None
        return checked.problems, figures, tuple(head)

    before = await look()
    assert before[0] == []
    await erase(venue_house, ada)
    assert await look() == before


async def test_after_a_restore_the_replay_erases_again(venue_house: House) -> None:
    ada = await person_of(venue_house, await venue_house.hold([3], 2, contact=ADA))
    bob = await person_of(venue_house, await venue_house.hold([5], 2, contact=Contact("Bob")))
    async with venue_house.looking() as conn:
        await conn.execute("CREATE TABLE dump_person AS SELECT * FROM person")
        await conn.execute("CREATE TABLE dump_key AS SELECT * FROM person_key")
        await erase(venue_house, ada)
        # The dump is of a time before the erasure.
        await conn.execute(
            "UPDATE person p SET (sealed, name_index, email_index, phone_index, erased_at) ="
            " (SELECT sealed, name_index, email_index, phone_index, erased_at"
            "    FROM dump_person d WHERE d.id = p.id)"
        )
        await conn.execute("INSERT INTO person_key SELECT * FROM dump_key ON CONFLICT DO NOTHING")
        assert await find(venue_house, phone="0113 496 0000") == [ada]
        erasures = read_erasures(venue_house.settings.erasures_file.read_bytes())
        unknown = Erasure("2026-11-21T22:00:00.000Z", "00000000-0000-4000-8000-000000000000")
        caller = at_the_terminal()
        assert await replay_erasures(conn, caller, [*erasures, unknown]) == (1, 0)
        assert await find(venue_house, phone="0113 496 0000") == []
        assert await conn.fetchval("SELECT person_id::text FROM person_key") == bob
        assert await replay_erasures(conn, caller, erasures) == (0, 1)
    kinds = [kind for kind, _, _ in await told(venue_house)]
    assert kinds == ["PERSON_ERASED", "PERSON_ERASED"]


READERS = 12


async def _revealed(house: House, person_id: str) -> tuple[str, str | None, str | None]:
    shown = await persons.reveal_person(house.db, house.vault, house.caller(), person_id)
    return shown.name, shown.phone, shown.email


async def _race_readers_with_erasure(house: House, person_id: str) -> list[object]:
    """What readers got who read again and again until the erasure came in between."""
    barrier = asyncio.Barrier(READERS + 1)
    results: list[object] = []

    async def reader() -> None:
        await barrier.wait()
        while not results or results[-1] != "person_erased":
            try:
                results.append(await _revealed(house, person_id))
            except NotFound as refusal:
                results.append(refusal.reason)

    async def eraser() -> None:
        await barrier.wait()
        await erase(house, person_id)

    results.append(await _revealed(house, person_id))
    async with asyncio.timeout(30):
        await asyncio.gather(*(reader() for _ in range(READERS)), eraser())
    return results


async def test_who_reads_while_a_person_is_erased_gets_all_or_nothing(venue_house: House) -> None:
    ada = await person_of(venue_house, await venue_house.hold([3], 2, contact=ADA))
    results = await _race_readers_with_erasure(venue_house, ada)
    whole = ("Ada Lovelace", "+441134960000", "Ada@example.com")
    assert set(results) == {whole, "person_erased"}, "the two did not meet, or something was halved"


async def test_with_data_and_key_read_apart_the_same_race_halves_a_person(
    venue_house: House,
) -> None:
    """The negative control: what one statement reads together is read by two."""
    ada = await person_of(venue_house, await venue_house.hold([3], 2, contact=ADA))
    halved = 0
    async with venue_house.looking() as conn:
        sealed = await conn.fetchval("SELECT sealed FROM person WHERE id = $1", ada)
        await erase(venue_house, ada)
        wrapped = await conn.fetchval("SELECT wrapped FROM person_key WHERE person_id = $1", ada)
        try:
            open_person(venue_house.vault, ada, sealed, wrapped or b"")
        except Unopened:
            halved = 1
    assert halved == 1


async def test_two_erasures_at_once_are_one(venue_house: House) -> None:
    ada = await person_of(venue_house, await venue_house.hold([3], 2, contact=ADA))
    answers = await asyncio.gather(*(erase(venue_house, ada) for _ in range(6)))
    assert len({answer["erased_at"] for answer in answers}) == 1
    assert [kind for kind, _, _ in await told(venue_house)] == ["PERSON_ERASED"]
    assert len(read_erasures(venue_house.settings.erasures_file.read_bytes())) == 1


async def test_without_the_lock_of_the_person_an_erasure_is_written_down_twice(
    venue_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control of the test above."""
    ada = await person_of(venue_house, await venue_house.hold([3], 2, contact=ADA))
    barrier = asyncio.Barrier(2)

    async def unlocked(conn: asyncpg.Connection, person_id: str) -> tuple[str | None]:
        await barrier.wait()
        return (None,)

    monkeypatch.setattr(rows, "lock_person", unlocked)
    results = await asyncio.gather(
        erase(venue_house, ada), erase(venue_house, ada), return_exceptions=True
    )
    assert any(isinstance(result, AssertionError) for result in results)


async def test_a_replayed_hold_makes_no_second_person(venue_house: House) -> None:
    first = await venue_house.hold([3], 2, key="one", contact=ADA)
    second = await venue_house.hold([3], 2, key="one", contact=ADA)
    assert first == second
    async with venue_house.looking() as conn:
        assert await conn.fetchval("SELECT count(*) FROM person") == 1
    assert holds.owner_token(venue_house.settings.secret, first["booking_id"]) == first["token"]
