"""Bans: who is not welcome is told at the door, by what finds them and not by what they are called.

Method: each test changes one thing of a party that is admitted.
"""

from typing import Any

import pytest

from app.actions import bans, persons
from app.db.bans import forget_ended_bans
from app.domain.principals import Principal
from app.errors import Conflict, NotFound, NotValid
from app.wire import Contact
from app.wire.persons import AddBan, LiftBan
from tests.integration.actions.test_persons import erase, person_of, told
from tests.integration.floor import MANAGER, House, read

ADA = Contact("Ada Lovelace", "0113 496 0000", "ada@example.com")
LATER = "2026-12-24T00:00:00.000Z"


async def ban(house: House, **what: Any) -> dict[str, Any]:
    request = AddBan(what.pop("reason", "violence"), **what)
    return read(await bans.add_ban(house.db, house.vault, house.caller(), request))


async def lift(house: House, ban_id: str, edition: int | None = None) -> dict[str, Any]:
    return read(await bans.lift_ban(house.db, house.caller(), ban_id, LiftBan(edition)))


async def seen(house: House, contact: Contact | None = ADA, *, id_checked: bool = False) -> str:
    """What the door is told of a party of two of this contact."""
    for table in (3, 5, 2, 4):
        try:
            booking = await house.confirm(await house.hold([table], 2, contact=contact))
        except Conflict:
            continue
        scanned = await house.scan(booking["code"], 2, id_checked=id_checked)
        return f"{scanned['verdict']}: {scanned['reason']}"
    raise AssertionError("no table is free")


async def test_nobody_is_banned_to_begin_with(venue_house: House) -> None:
    assert await seen(venue_house) == "admit: admitted"


@pytest.mark.parametrize(
    ("known", "verdict"),
    [
        ({"name": "Ada King", "phone": "+44 113 4960000"}, "refuse: banned"),
        ({"name": "Ada King", "email": "ADA@example.com"}, "refuse: banned"),
        ({"name": "ada  LOVELACE"}, "wait: banned_name"),
        ({"name": "ada lovelace", "phone": "0113 496 0001"}, "wait: banned_name"),
        ({"name": "Ada King", "phone": "0113 496 0001"}, "admit: admitted"),
    ],
)
async def test_the_door_is_told_by_number_address_or_name(
    venue_house: House, known: dict[str, str], verdict: str
) -> None:
    await ban(venue_house, **known)
    assert await seen(venue_house) == verdict


async def test_a_guest_of_a_banned_name_comes_in_when_the_id_is_somebody_elses(
    venue_house: House,
) -> None:
    await ban(venue_house, name="Ada Lovelace")
    assert await seen(venue_house, id_checked=True) == "admit: admitted"
    await ban(venue_house, name="Ada King", phone="0113 496 0000")
    assert await seen(venue_house, id_checked=True) == "refuse: banned"


async def test_the_person_of_a_booking_is_banned_with_it_and_by_what_they_gave(
    venue_house: House,
) -> None:
    booking = await venue_house.confirm(await venue_house.hold([3], 2, contact=ADA))
    made = await ban(venue_house, booking_id=booking["booking_id"], reason="theft", until=LATER)
    assert made["person_id"] == await person_of(venue_house, booking)
    scanned = await venue_house.scan(booking["code"], 2)
    assert (scanned["verdict"], scanned["reason"], scanned["people"]) == ("refuse", "banned", 0)
    assert await seen(venue_house, Contact("A. King", None, "ada@example.com")) == "refuse: banned"
    assert await told(venue_house) == [
        (
            "BAN_ADDED",
            f"ban:{made['ban_id']}",
            {
                "person_id": made["person_id"], "reason": "theft", "until": LATER,
                "booking_id": booking["booking_id"],
            },
        )
    ]  # fmt: skip
    await venue_house.agrees()


async def test_a_ban_ends_with_its_time(venue_house: House) -> None:
    await ban(venue_house, name="X", phone="0113 496 0000", until="2026-11-21T23:30:00.000Z")
    assert await seen(venue_house) == "refuse: banned"
    await venue_house.later(hours=1)
    assert await seen(venue_house) == "admit: admitted"


async def test_a_ban_that_is_over_loses_its_digests_when_the_house_is_tidied(
    venue_house: House,
) -> None:
    await ban(venue_house, name="X", until="2026-11-21T23:30:00.000Z")
    await ban(venue_house, name="Ada Lovelace")
    db = venue_house.db
    async with db.begun(db.jobs) as conn:
        assert await forget_ended_bans(conn) == 0
        await venue_house.later(hours=2)
        assert await forget_ended_bans(conn) == 1
        assert await forget_ended_bans(conn) == 0
    assert await seen(venue_house) == "wait: banned_name"


async def test_a_lifted_ban_is_told_no_more_and_keeps_no_digest(venue_house: House) -> None:
    made = await ban(venue_house, name="X", phone="0113 496 0000")
    with pytest.raises(Conflict) as caught:
        await lift(venue_house, made["ban_id"], edition=7)
    assert caught.value.reason == "edition_differs"
    lifted = await lift(venue_house, made["ban_id"], edition=0)
    assert (lifted["edition"], lifted["lifted_by"]) == (1, MANAGER.actor)
    assert await seen(venue_house) == "admit: admitted"
    async with venue_house.looking() as conn:
        row = await conn.fetchrow("SELECT name_index, email_index, phone_index FROM ban")
    assert row is not None
    assert tuple(row) == (None, None, None)
    with pytest.raises(Conflict) as caught:
        await lift(venue_house, made["ban_id"])
    assert caught.value.reason == "ban_lifted"
    assert [kind for kind, _, _ in await told(venue_house)] == ["BAN_ADDED", "BAN_LIFTED"]


async def test_a_ban_outlives_the_erasure_of_its_person_by_its_digests_alone(
    venue_house: House,
) -> None:
    booking = await venue_house.hold([7], 2, contact=ADA)
    made = await ban(venue_house, booking_id=booking["booking_id"], note="Threw a glass.")
    other = await ban(venue_house, booking_id=booking["booking_id"])
    await lift(venue_house, other["ban_id"])
    answer = await erase(venue_house, made["person_id"])
    assert answer["retained"] == ["financial_records", "ban"]
    assert await seen(venue_house) == "refuse: banned"
    listed = (await bans.list_bans(venue_house.db, venue_house.vault, MANAGER)).bans
    assert [(b.name, b.note, b.in_force) for b in listed] == [
        (None, None, True), (None, None, False),
    ]  # fmt: skip
    async with venue_house.looking() as conn:
        assert await conn.fetchval("SELECT count(*) FROM ban WHERE note IS NOT NULL") == 0
    with pytest.raises(NotFound) as caught:
        await ban(venue_house, booking_id=booking["booking_id"])
    assert caught.value.reason == "person_erased"


async def test_managers_read_bans_with_the_contact_masked(venue_house: House) -> None:
    await ban(
        venue_house, name="Ada Lovelace", phone="0113 496 0000", email="ada@example.com",
        note="Threw a glass.", reason="damage",
    )  # fmt: skip
    listed = (await bans.list_bans(venue_house.db, venue_house.vault, MANAGER)).bans[0]
    assert (listed.name, listed.phone, listed.email) == ("Ada Lovelace", "•••000", "a•••@e•••")
    assert (listed.reason, listed.note, listed.in_force) == ("damage", "Threw a glass.", True)
    async with venue_house.looking() as conn:
        assert b"glass" not in await conn.fetchval("SELECT note FROM ban")


async def test_door_staff_and_devices_read_no_ban_in_the_database_itself(
    venue_house: House,
) -> None:
    await ban(venue_house, name="Ada Lovelace")
    for role, kind in (("DOOR_STAFF", "staff"), ("DEVICE", "device"), ("OWNER", "owner")):
        who = Principal(kind, MANAGER.id, role)  # type: ignore[arg-type]
        assert (await bans.list_bans(venue_house.db, venue_house.vault, who)).bans == []
    assert len((await bans.list_bans(venue_house.db, venue_house.vault, MANAGER)).bans) == 1


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({}, "one_of_two"),
        ({"phone": "0113 496 0000"}, "one_of_two"),
        ({"name": "Ada", "until": "2026-11-21T22:00:00.000Z"}, "ban_is_over"),
        ({"name": "Ada", "phone": "12345"}, "contact_not_valid"),
    ],
)
async def test_a_ban_of_nobody_or_of_the_past_is_refused(
    venue_house: House, wrong: dict[str, Any], reason: str
) -> None:
    with pytest.raises(NotValid) as caught:
        await ban(venue_house, **wrong)
    assert caught.value.reason == reason
    async with venue_house.looking() as conn:
        assert await conn.fetchval("SELECT count(*) FROM person") == 0


async def test_a_booking_without_a_contact_bans_nobody(venue_house: House) -> None:
    booking = await venue_house.hold([3], 2, contact=None)
    with pytest.raises(Conflict) as caught:
        await ban(venue_house, booking_id=booking["booking_id"])
    assert caught.value.reason == "no_contact"


async def test_a_walk_in_who_gives_a_banned_number_is_not_seated(venue_house: House) -> None:
    await ban(venue_house, name="Ada Lovelace", phone="0113 496 0000")
    with pytest.raises(Conflict) as caught:
        await venue_house.walk_in([2], contact=ADA)
    assert caught.value.reason == "banned"
    namesake = Contact("Ada Lovelace", "0113 496 0001")
    with pytest.raises(Conflict) as caught:
        await venue_house.walk_in([2], contact=namesake)
    assert caught.value.reason == "banned_name"
    await venue_house.walk_in([2], contact=namesake, id_checked=True)
    await venue_house.walk_in([4], contact=Contact("Bob"))


async def test_an_export_tells_a_person_of_their_ban(venue_house: House) -> None:
    booking = await venue_house.hold([3], 2, contact=ADA)
    made = await ban(venue_house, booking_id=booking["booking_id"], note="Threw a glass.")
    export = await persons.export_person(
        venue_house.db, venue_house.vault, "x", venue_house.caller(), made["person_id"], "json"
    )
    assert [(b.reason, b.note) for b in export.bans] == [("violence", "Threw a glass.")]
