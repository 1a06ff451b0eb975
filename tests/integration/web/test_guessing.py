"""Guessing, from the one address that the whole venue has.

Goal: whoever guesses passwords from the dance floor's network gets into no account, and keeps
nobody out who belongs in: not the tablets at the doors, and not the manager at a screen that the
account was signed in on before.
"""

import asyncio

import httpx
import pytest

from app.db import staff as rows
from app.domain.patience import PASSWORD as PATIENCE
from app.web.limits import KNOWN_SIGN_INS
from tests.integration.web.club import ORIGIN, PASSWORD, Club
from tests.integration.web.test_pins import MARAS, take, with_pin

VENUE = ("198.51.100.20", 40_000)  # the venue's one address, as the service sees it
GUESSES = 1000
WRONG = {"username": "mara", "password": "a guess at it"}
RIGHT = {"username": "mara", "password": PASSWORD}


async def known_browser(club: Club, username: str = "mara") -> httpx.AsyncClient:
    """A browser at the venue on which the account was signed in, some other night."""
    client = await club.client(VENUE, Origin=ORIGIN)
    answer = await client.post("/v1/session", json={"username": username, "password": PASSWORD})
    assert answer.status_code == 201, answer.text
    assert "known" in client.cookies
    await client.delete("/v1/session")
    await club.forget_limits()
    return client


async def guess(club: Club, times: int) -> dict[int, int]:
    """So many guesses from the venue's address, eight at a time: how many of each answer."""
    clients = [await club.client(VENUE) for _ in range(8)]
    counted: dict[int, int] = {}

    async def some(client: httpx.AsyncClient) -> None:
        for _ in range(times // len(clients)):
            answer = await client.post("/v1/session", json=WRONG)
            counted[answer.status_code] = counted.get(answer.status_code, 0) + 1

    await asyncio.gather(*(some(client) for client in clients))
    return counted


async def failures(club: Club) -> int:
    async with club.parts.db.reading(club.parts.db.auth) as conn:
        found: int = await conn.fetchval(
            "SELECT coalesce(max(failures), 0) FROM guess WHERE subject NOT LIKE '%known%'"
        )
    return found


async def reason(client: httpx.AsyncClient, body: dict[str, str] = RIGHT) -> str:
    answer = await client.post("/v1/session", json=body)
    return "in" if answer.status_code == 201 else str(answer.json()["reason"])


# Door staff: their password is all they show, so a guess that is right is a session.
@pytest.fixture
async def mara(club: Club) -> str:
    return await with_pin(club, "DOOR_STAFF", MARAS, "mara")


async def test_a_thousand_guesses_from_the_venues_address_keep_nobody_out(
    club: Club, mara: str
) -> None:
    known = await known_browser(club)
    device = await club.device("main")
    tablet = await club.client(VENUE, Origin=ORIGIN, Authorization=device.headers["Authorization"])
    await club.forget_limits()
    counted = await guess(club, GUESSES)
    assert sum(counted.values()) == GUESSES
    assert set(counted) == {401, 429}
    # Only the free ones, and the few that the growing delay lets through, were looked at.
    assert PATIENCE.free <= counted[401] <= PATIENCE.free + 5
    assert await failures(club) == counted[401]
    stranger = await club.client(VENUE)
    assert await reason(stranger) == "too_many_requests"
    assert await reason(known) == "in"
    assert (await tablet.get("/v1/session")).status_code == 200
    assert (await tablet.get("/v1/session/pins")).status_code == 200
    assert (await take(tablet, mara, MARAS)).status_code == 201


async def test_without_being_known_the_same_browser_would_be_kept_out(
    club: Club, mara: str
) -> None:
    """The negative control of the test above."""
    known = await known_browser(club)
    await guess(club, 80)
    async with club.parts.db.begun(club.parts.db.auth) as conn:
        await conn.execute("DELETE FROM known_device")
    assert await reason(known) == "too_many_requests"
    await club.forget_limits()
    await club.just_failed(PATIENCE.free + 8)
    assert await reason(known) == "sign_in_throttled"


async def test_emptying_redis_forgets_no_guess_of_an_account(club: Club, mara: str) -> None:
    await guess(club, 8)
    assert await failures(club) >= PATIENCE.free
    await club.just_failed(PATIENCE.free + 8)
    before = await failures(club)
    await club.parts.redis.flushall()
    stranger = await club.client(VENUE)
    assert await reason(stranger) == "sign_in_throttled"
    assert await failures(club) == before


async def test_an_account_that_was_stopped_opens_on_a_known_browser_and_on_no_other(
    club: Club, mara: str
) -> None:
    known, stranger = await known_browser(club), await club.client(VENUE)
    await reason(stranger, WRONG)
    async with club.parts.db.begun(club.parts.db.auth) as conn:
        await conn.execute(
            "UPDATE guess SET failures = $1, failed_at = now() - interval '1 day'", PATIENCE.most
        )
    assert await reason(stranger) == "account_locked"
    assert await reason(known) == "in"
    # What was guessed elsewhere is not forgotten by it.
    assert await reason(stranger) == "account_locked"


async def test_a_browser_that_another_account_is_known_on_is_a_stranger_to_this_one(
    club: Club, mara: str
) -> None:
    await club.staff("DOOR_STAFF", "dev")
    devs = await known_browser(club, "dev")
    for _ in range(PATIENCE.free):
        assert await reason(devs, WRONG) == "sign_in_refused"
    assert await reason(await club.client(VENUE)) == "sign_in_throttled"
    assert await reason(devs) == "sign_in_throttled"


async def test_guesses_on_a_known_browser_wait_too(club: Club, mara: str) -> None:
    known = await known_browser(club)
    for _ in range(PATIENCE.free):
        assert await reason(known, WRONG) == "sign_in_refused"
    assert await reason(known) == "sign_in_throttled"
    assert await reason(await club.client(VENUE)) == "in"


async def test_a_known_browser_is_counted_by_itself(club: Club, mara: str) -> None:
    known = await known_browser(club)
    told = [
        await reason(known, {"link": f"{number:040d}"}) for number in range(KNOWN_SIGN_INS.most + 1)
    ]
    assert told == ["link_refused"] * KNOWN_SIGN_INS.most + ["too_many_requests"]


async def test_a_cookie_that_somebody_made_up_makes_no_browser_known(club: Club, mara: str) -> None:
    stranger = await club.client(VENUE, Origin=ORIGIN)
    stranger.cookies.set("known", "x" * 43, domain="127.0.0.1", path="/")
    assert await reason(stranger) == "in"
    assert stranger.cookies["known"] != "x" * 43


async def test_an_account_is_known_on_its_last_twenty_browsers(club: Club, mara: str) -> None:
    for _ in range(22):
        await known_browser(club)
        async with club.parts.db.begun(club.parts.db.auth) as conn:
            await conn.execute("UPDATE known_device SET seen_at = seen_at - interval '1 minute'")
    async with club.parts.db.reading(club.parts.db.auth) as conn:
        assert await conn.fetchval("SELECT count(*) FROM known_device") == 20


async def test_a_password_typed_as_a_name_is_not_kept(club: Club, mara: str) -> None:
    await reason(await club.client(VENUE), {"username": PASSWORD, "password": "mara"})
    async with club.parts.db.reading(club.parts.db.auth) as conn:
        kept = await conn.fetch("SELECT subject FROM guess")
    assert len(kept) == 1
    assert PASSWORD not in kept[0]["subject"]


async def test_without_the_statement_that_uses_it_a_link_would_sign_in_everybody(
    club: Club, mara: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control of the links' race in `test_people`."""
    careless = rows.USE_LINK.replace("AND used_at IS NULL", "")
    assert careless != rows.USE_LINK
    monkeypatch.setattr(rows, "USE_LINK", careless)
    link = await club.link(mara)
    clients = [await club.client() for _ in range(6)]
    answers = await asyncio.gather(*(c.post("/v1/session", json={"link": link}) for c in clients))
    assert [answer.status_code for answer in answers] == [201] * 6
