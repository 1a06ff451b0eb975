"""Nobody locks the house for free: one unpaid hold a customer, and a few from one address."""

import hashlib
from collections import Counter
from typing import Any

import asyncpg
import msgspec
import pytest

from app.actions import holds
from app.db.pool import Database
from app.domain.principals import ANONYMOUS, Principal
from app.errors import Conflict
from app.wire import Contact, HoldTables
from tests.integration.floor import MANAGER, NIGHT, House, read
from tests.integration.racing import at_once

HOME = "0123456789abcdef"


async def held(
    house: House, number: int, contact: Contact, origin: str = HOME, by: Principal = ANONYMOUS
) -> dict[str, Any]:
    """A customer's hold of one table, from the address of the digest."""
    request = HoldTables(NIGHT, [number], 4, contact)
    caller = msgspec.structs.replace(house.caller(by, None, request), origin=origin)
    return read(
        await holds.hold_tables(
            house.db, house.venue, house.vault, house.settings.secret, caller, request
        )
    )


async def reason(work: Any) -> str:
    try:
        await work
    except Conflict as refused:
        return refused.reason
    return "held"


def guest(number: int, **more: str) -> Contact:
    return Contact(f"Guest {number}", phone=f"+44 113 496 0{number:03d}", **more)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (Contact("Ada", phone="0113 496 0001"), Contact("Eve", phone="+44 113 496 0001")),
        (Contact("Ada", email="ada@example.com"), Contact("Eve", email="ADA@example.com")),
    ],
)
async def test_a_customer_has_one_unpaid_hold(
    venue_house: House, first: Contact, second: Contact
) -> None:
    made = await held(venue_house, 1, first)
    assert await reason(held(venue_house, 2, second, "f" * 16)) == "hold_exists"
    assert await reason(held(venue_house, 2, guest(7), "f" * 16)) == "held", "somebody else may"
    await venue_house.confirm(made)
    assert await reason(held(venue_house, 4, second, "f" * 16)) == "held", "a paid one counts not"
    await venue_house.agrees()


async def test_who_has_the_token_of_a_hold_is_the_same_customer(venue_house: House) -> None:
    made = await held(venue_house, 1, Contact("Ada"))
    digest = hashlib.sha256(made["token"].encode()).hexdigest()
    owner = Principal("owner", digest, "OWNER")
    assert await reason(held(venue_house, 2, Contact("Ada"), "f" * 16, owner)) == "hold_exists"
    await venue_house.later(minutes=11)
    assert await reason(held(venue_house, 2, Contact("Ada"), "f" * 16, owner)) == "held", (
        "one whose time is over counts not, whether or not it was swept"
    )


async def test_an_address_has_a_few_and_staff_as_many_as_they_need(venue_house: House) -> None:
    most = venue_house.venue.rules.holds_per_address
    for number in range(1, most + 1):
        await held(venue_house, [1, 2, 4, 5, 6, 7][number - 1], guest(number))
    assert await reason(held(venue_house, 8, guest(20))) == "too_many_holds"
    assert await reason(held(venue_house, 8, guest(20), "f" * 16)) == "held"
    for number in (9, 10, 11, 12):
        assert await reason(held(venue_house, number, guest(1), HOME, MANAGER)) == "held"


async def test_one_customer_at_many_tables_at_once_gets_one(venue_house: House) -> None:
    found = Counter(await everywhere_at_once(venue_house))
    assert found == {"held": 1, "hold_exists": 5}
    await venue_house.agrees()


async def test_without_the_lock_one_customer_gets_several(venue_house: House) -> None:
    """The negative control: the race is real."""
    owner = await asyncpg.connect(venue_house.settings.owner_database_url)
    source = await owner.fetchval("SELECT pg_get_functiondef('judge_holder'::regproc)")
    guard = "PERFORM pg_advisory_xact_lock(key)"
    assert guard in source, "the guard to switch off has moved"
    await owner.execute(source.replace(guard, "PERFORM key"))
    await owner.close()
    assert Counter(await everywhere_at_once(venue_house))["held"] > 1


async def everywhere_at_once(house: House) -> list[str]:
    """The same customer holds six tables at one moment, by two workers, whose first ones meet."""
    other = await Database.open(house.settings)
    both = (house, House(other, house.settings, house.venue))
    try:
        return await at_once(
            house,
            *(
                reason(held(both[turn % 2], number, guest(1), f"{number:016x}"))
                for turn, number in enumerate((1, 2, 4, 5, 6, 7))
            ),
            meeting=2,
        )
    finally:
        await other.close()
