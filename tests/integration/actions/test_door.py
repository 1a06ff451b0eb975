"""The door's counts: nobody is let in against a limit, and everybody inside can leave."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from app.actions import bookings, nights
from app.domain.principals import Principal
from app.errors import Conflict, NotAllowed
from app.wire import EditNight, LimitsBody
from tests.integration.floor import DEVICE, NIGHT, House

AT_THE_STAIRS = Principal(kind="device", id=str(uuid4()), role="DEVICE", door="stairs")
AFTER_LAST_ENTRY = datetime(2026, 11, 22, 3, 10, tzinfo=UTC)


async def limit(house: House, upstairs: int, downstairs: int, whole: int) -> None:
    await nights.edit_night(
        house.db, house.venue, house.caller(), NIGHT,
        EditNight(limits=LimitsBody(upstairs, downstairs, whole)),
    )  # fmt: skip


async def inside(house: House) -> dict[str, int]:
    async with house.db.reading() as conn:
        rows = await conn.fetch("SELECT floor, people FROM headcount WHERE night::text = $1", NIGHT)
    return {row["floor"]: row["people"] for row in rows}


async def test_a_party_on_both_floors_leaves_by_one_door(venue_house: House) -> None:
    house = venue_house
    party = await house.booked([7], 4)
    await house.scan(party["code"], 4)
    moved = await house.scan(party["code"], 2, by=AT_THE_STAIRS, at="stairs")
    assert moved["reason"] == "moved"
    assert await inside(house) == {"upstairs": 2, "downstairs": 2}
    assert (await house.scan(party["code"], 4, direction="out"))["reason"] == "out"
    assert await inside(house) == {"upstairs": 0, "downstairs": 0}
    await house.agrees()


async def test_a_party_that_a_head_count_missed_leaves_all_the_same(venue_house: House) -> None:
    house = venue_house
    party = await house.booked([7], 4)
    await house.scan(party["code"], 4)
    await house.click(people=1)
    assert (await house.scan(party["code"], 4, direction="out"))["reason"] == "out"
    assert await inside(house) == {"upstairs": 0, "downstairs": 0}
    await house.agrees()


@pytest.mark.parametrize(("floor", "change"), [("upstairs", -3), ("downstairs", 3)])
async def test_the_stairs_fill_no_floor_beyond_its_limit(
    venue_house: House, floor: str, change: int
) -> None:
    house = venue_house
    await limit(house, 10, 5, 15)
    await house.click(4, at="main", floor="upstairs")
    await house.click(3, at="basement", floor="downstairs")
    with pytest.raises(Conflict, match="downstairs has 3 of 5"):
        await house.click(change, at="stairs", floor=floor)
    assert await inside(house) == {"upstairs": 4, "downstairs": 3}
    await house.agrees()


async def test_after_last_entry_only_those_who_went_out_come_back(venue_house: House) -> None:
    house = venue_house
    party = await house.booked([7, 8], 6)
    await house.scan(party["code"], 3)
    await house.scan(party["code"], 2, direction="out")
    await house.at(AFTER_LAST_ENTRY)
    assert (await house.scan(party["code"], 5))["reason"] == "party_full"
    back = await house.scan(party["code"], 2)
    assert (back["reason"], back["admitted"], back["left_to_enter"]) == ("admitted", 3, 0)
    assert (await house.scan(party["code"], 1))["reason"] == "too_late"
    assert await inside(house) == {"upstairs": 3, "downstairs": 0}
    await house.agrees()


async def test_of_a_party_that_left_its_table_only_those_who_went_out_come_back(
    venue_house: House,
) -> None:
    house = venue_house
    party = await house.booked([7, 8], 6)
    await house.scan(party["code"], 2)
    await house.scan(party["code"], 1, direction="out")
    await bookings.complete_booking(house.db, house.caller(), party["booking_id"])
    assert (await house.scan(party["code"], 5))["reason"] == "party_full"
    assert (await house.scan(party["code"]))["reason"] == "admitted"
    assert (await house.scan(party["code"]))["reason"] == "finished"
    await house.agrees()


async def test_a_device_counts_at_its_own_door_alone(venue_house: House) -> None:
    with pytest.raises(NotAllowed, match="stands at main"):
        await venue_house.click(1, at="basement", floor="downstairs", by=DEVICE)
    await venue_house.click(1, at="main", by=DEVICE)
    assert await inside(venue_house) == {"upstairs": 1, "downstairs": 0}


async def test_a_walk_in_after_last_entry_is_of_people_who_are_inside(venue_house: House) -> None:
    house = venue_house
    await house.click(2)
    await house.at(AFTER_LAST_ENTRY)
    with pytest.raises(Conflict, match="Last entry is over"):
        await house.walk_in([2], 2)
    assert (await house.walk_in([2], 2, counted=True))["status"] == "seated"
    assert await inside(house) == {"upstairs": 2, "downstairs": 0}
    await house.agrees()


async def test_a_walk_in_stays_until_the_close_when_a_block_comes_later(
    venue_house: House,
) -> None:
    house = venue_house
    await house.block(2, blocked_from="2026-11-22T05:30:00.000Z")
    seated = await house.walk_in([2], 2)
    assert seated["until"] == "2026-11-22T05:00:00.000Z"
    await house.agrees()


async def test_a_scan_is_two_messages(venue_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house = venue_house
    party = await house.booked([7], 4)
    for _ in range(2):  # statements are prepared, the night's key is known
        await house.scan(party["code"], 1)
    sent = counted(monkeypatch)
    assert (await house.scan(party["code"], 1))["verdict"] == "admit"
    assert len(sent) == 2, sent
    assert "find_scanned" in sent[0]
    assert sent[1].endswith("COMMIT")


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What goes to Postgres from now on, message by message."""
    sent: list[str] = []

    def counting(plain: Callable[..., Any]) -> Callable[..., Any]:
        def send(conn: Any, sql: str, *arguments: Any) -> Any:
            sent.append(sql)
            return plain(conn, sql, *arguments)

        return send

    for name in ("execute", "fetch", "fetchrow", "fetchval"):
        monkeypatch.setattr(asyncpg.Connection, name, counting(getattr(asyncpg.Connection, name)))
    return sent
