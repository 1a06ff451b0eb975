"""Signing in and out, links: who gets in, who does not, and when it ends."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from app.actions.sign_in import REFUSAL_STEP_SECONDS, pause_seconds
from app.db.pool import Database
from app.domain.patience import PASSWORD as PATIENCE
from app.domain.patience import delay_seconds
from app.domain.tokens import token_hash
from app.web.limits import SIGN_INS
from tests.integration.web.club import ORIGIN, PASSWORD, Club

FREE_FAILURES, FAILURES_MAX = PATIENCE.free, PATIENCE.most
WRONG = {"username": "mara", "password": "wrong"}
RIGHT = {"username": "mara", "password": PASSWORD}


async def sign_in(club: Club, body: dict[str, Any]) -> Any:
    client = await club.client()
    await club.forget_limits()
    return await client.post("/v1/session", json=body)


async def long_ago(db: Database) -> None:
    """The failures so far happened an hour ago."""
    async with db.begun(db.auth) as conn:
        await conn.execute("UPDATE guess SET failed_at = now() - interval '1 hour'")


async def test_a_password_signs_in_and_the_cookie_is_out_of_reach(club: Club) -> None:
    await club.staff("MANAGER", "mara")
    client = await club.client(Origin=ORIGIN)
    answer = await client.post("/v1/session", json={"username": " MARA ", "password": PASSWORD})
    assert answer.status_code == 201
    assert answer.json()["role"] == "MANAGER"
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("sid=")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert answer.json()["second_factor"] == "enrol"
    token = client.cookies["sid"]
    assert len(token) == 43  # 256 bits
    assert token not in answer.text
    async with club.parts.db.reading(club.parts.db.auth) as conn:
        stored = await conn.fetchval("SELECT id_hash FROM session")
    assert stored == token_hash(token)
    assert (await client.get("/v1/session")).json()["name"] == "Mara Quill"
    assert (await client.get("/v1/devices")).status_code == 403


async def test_behind_tls_the_cookie_has_the_guarded_name(club: Club) -> None:
    link = await club.link(await club.staff())
    near = await club.client(Origin=ORIGIN)
    near._transport.app = with_scheme(near._transport.app)  # type: ignore[attr-defined]
    answer = await near.post("/v1/session", json={"link": link}, headers={"Origin": TLS_ORIGIN})
    assert answer.status_code == 201, answer.text
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-sid=")
    assert cookie.split(", ")[0].endswith("; Secure")
    assert answer.headers["strict-transport-security"].startswith("max-age=31536000")


TLS_ORIGIN = ORIGIN.replace("http:", "https:")


def with_scheme(app: Any) -> Any:
    """The application as uvicorn calls it when it ends TLS itself."""

    async def served(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "scheme": "https"}, receive, send)

    return served


@pytest.mark.parametrize(
    "body",
    [WRONG, {"username": "nobody", "password": PASSWORD}, {"username": "mara", "password": ""}],
)
async def test_a_wrong_name_and_a_wrong_password_are_answered_alike(
    club: Club, body: dict[str, str]
) -> None:
    await club.staff("MANAGER", "mara")
    assert (await sign_in(club, RIGHT)).status_code == 201
    answer = await sign_in(club, body)
    if body["password"] == "":
        assert answer.status_code == 422
        return
    assert answer.status_code == 401
    assert answer.json()["reason"] == "sign_in_refused"
    assert "set-cookie" not in answer.headers


async def test_a_refusal_takes_the_same_time_whether_somebody_has_the_name(
    club: Club, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that exists costs a line of the book more; every refusal ends on a step of its own."""
    await club.staff("MANAGER", "mara")
    taken: list[float] = []

    def pause(seconds: float) -> float:
        taken.append(seconds)
        return 0.0

    monkeypatch.setattr("app.actions.sign_in.pause_seconds", pause)
    for count, name in enumerate(("mara", "nobody"), 1):
        refused = await sign_in(club, {"username": name, "password": "guess"})
        assert (refused.status_code, len(taken)) == (401, count)
    assert (await sign_in(club, RIGHT)).status_code == 201
    assert len(taken) == 2


def test_a_refusal_waits_for_the_next_step() -> None:
    for taken in (0.0, 0.031, 0.099, 0.1, 0.234):
        whole = (taken + pause_seconds(taken)) / REFUSAL_STEP_SECONDS
        assert whole == pytest.approx(round(whole))
        assert pause_seconds(taken) > 0


async def test_somebody_disabled_cannot_sign_in_and_is_out_at_once(club: Club) -> None:
    staff_id = await club.staff("MANAGER", "mara")
    client = await club.client(Origin=ORIGIN)
    await client.post("/v1/session", json=RIGHT)
    assert (await client.get("/v1/session")).status_code == 200
    link = await club.link(staff_id)
    async with club.parts.db.begun(club.parts.db.auth) as conn:
        await conn.execute("UPDATE staff SET disabled_at = now() WHERE id = $1", staff_id)
    assert (await client.get("/v1/session")).status_code == 401
    assert (await sign_in(club, RIGHT)).json()["reason"] == "sign_in_refused"
    assert (await sign_in(club, {"link": link})).json()["reason"] == "sign_in_refused"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"username": "mara"},
        {"password": PASSWORD},
        {**RIGHT, "link": "a" * 43},
        {"link": "a" * 43, "username": "mara"},
    ],
)
async def test_half_a_sign_in_is_not_valid(club: Club, body: dict[str, str]) -> None:
    assert (await sign_in(club, body)).status_code == 422


async def test_failures_in_a_row_make_the_next_try_wait_ever_longer(club: Club) -> None:
    await club.staff("MANAGER", "mara")
    for _ in range(FREE_FAILURES):
        assert (await sign_in(club, WRONG)).status_code == 401
    await club.just_failed()
    throttled = await sign_in(club, RIGHT)
    assert (throttled.status_code, throttled.json()["reason"]) == (429, "sign_in_throttled")
    assert int(throttled.headers["retry-after"]) >= 1
    await long_ago(club.parts.db)
    assert (await sign_in(club, RIGHT)).status_code == 201
    # A success forgets the failures: five more are free.
    assert (await sign_in(club, WRONG)).status_code == 401
    assert (await sign_in(club, RIGHT)).status_code == 201


async def test_a_throttle_is_of_the_account_and_not_of_the_others(club: Club) -> None:
    await club.staff("MANAGER", "mara")
    await club.staff("MANAGER", "dev")
    for _ in range(FREE_FAILURES):
        await sign_in(club, WRONG)
    await club.just_failed()
    assert (await sign_in(club, RIGHT)).status_code == 429
    assert (await sign_in(club, {**RIGHT, "username": "dev"})).status_code == 201


async def test_names_that_nobody_has_are_throttled_like_those_of_somebody(club: Club) -> None:
    body = {"username": "nobody", "password": "guess"}
    answers = [(await sign_in(club, body)).status_code for _ in range(FREE_FAILURES)]
    await club.just_failed()
    assert [*answers, (await sign_in(club, body)).status_code] == [401] * FREE_FAILURES + [429]


async def test_guesses_at_the_same_time_are_counted_one_by_one(club: Club) -> None:
    await club.staff("MANAGER", "mara")
    clients = [await club.client() for _ in range(12)]
    answers = await asyncio.gather(*(c.post("/v1/session", json=WRONG) for c in clients))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [401] * FREE_FAILURES + [429] * (12 - FREE_FAILURES)


async def test_without_counting_first_all_guesses_would_get_through(
    club: Club, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control of the test above: the guard is what refuses, not chance."""
    await club.staff("MANAGER", "mara")
    monkeypatch.setattr("app.actions.guessing.judge_patience", lambda past, proof: None)
    clients = [await club.client() for _ in range(12)]
    answers = await asyncio.gather(*(c.post("/v1/session", json=WRONG) for c in clients))
    assert [answer.status_code for answer in answers] == [401] * 12


async def test_after_a_hundred_failures_only_a_link_helps(club: Club) -> None:
    staff_id = await club.staff("MANAGER", "mara")
    await sign_in(club, WRONG)
    async with club.parts.db.begun(club.parts.db.auth) as conn:
        await conn.execute("UPDATE guess SET failures = $1", FAILURES_MAX)
    await long_ago(club.parts.db)
    assert (await sign_in(club, RIGHT)).json()["reason"] == "account_locked"
    assert (await sign_in(club, {"link": await club.link(staff_id)})).status_code == 201
    assert (await sign_in(club, RIGHT)).status_code == 201


async def test_a_link_signs_in_once_also_when_it_is_used_twice_at_once(club: Club) -> None:
    link = await club.link(await club.staff())
    clients = [await club.client() for _ in range(6)]
    answers = await asyncio.gather(*(c.post("/v1/session", json={"link": link}) for c in clients))
    assert sorted(answer.status_code for answer in answers) == [201] + [401] * 5
    refused = await sign_in(club, {"link": link})
    assert refused.json()["reason"] == "link_refused"


async def test_a_link_that_is_over_signs_nobody_in(club: Club) -> None:
    staff_id = await club.staff()
    fresh = await club.link(staff_id)
    over = await club.link(staff_id, timedelta(seconds=-1))
    assert (await sign_in(club, {"link": over})).status_code == 401
    assert (await sign_in(club, {"link": fresh})).status_code == 201


async def test_signing_in_again_ends_the_session_before(club: Club) -> None:
    client = await club.signed_in()
    before = client.cookies["sid"]
    somebody = await club.staff("DOOR_STAFF")
    again = await client.post("/v1/session", json={"link": await club.link(somebody)})
    assert again.status_code == 201
    assert client.cookies["sid"] != before
    old = await club.client(Cookie=f"sid={before}")
    assert (await old.get("/v1/session")).status_code == 401


async def test_signing_out_ends_the_session_everywhere(club: Club) -> None:
    client = await club.signed_in()
    token = client.cookies["sid"]
    answer = await client.delete("/v1/session")
    assert answer.status_code == 204
    assert "Max-Age=0" in answer.headers["set-cookie"]
    thief = await club.client(Cookie=f"sid={token}")
    assert (await thief.get("/v1/session")).status_code == 401


@pytest.mark.parametrize(
    ("role", "column", "ago", "lasts"),
    [
        ("MANAGER", "seen_at", "29 minutes", True),
        ("MANAGER", "seen_at", "31 minutes", False),
        ("SUPER_ADMIN", "seen_at", "14 minutes", True),
        ("SUPER_ADMIN", "seen_at", "16 minutes", False),
        ("DOOR_STAFF", "expires_at", "1 second", False),
    ],
)
async def test_a_session_ends_when_it_was_idle_and_at_its_limit(
    club: Club, role: str, column: str, ago: str, lasts: bool
) -> None:
    client = await club.signed_in(role)
    assert (await client.get("/v1/session")).status_code == 200
    async with club.parts.db.begun(club.parts.db.auth) as conn:
        await conn.execute(f"UPDATE session SET {column} = now() - interval '{ago}'")
    assert (await client.get("/v1/session")).status_code == (200 if lasts else 401)


async def test_a_change_of_role_counts_at_the_next_request(club: Club) -> None:
    client = await club.signed_in("MANAGER")
    assert (await client.get("/v1/devices")).status_code == 200
    async with club.parts.db.begun(club.parts.db.auth) as conn:
        await conn.execute("UPDATE staff SET role = 'DOOR_STAFF'")
    assert (await client.get("/v1/devices")).status_code == 403


async def test_a_flood_of_sign_ins_from_one_address_is_limited(club: Club) -> None:
    client = await club.client()
    statuses = []
    for number in range(SIGN_INS.most + 2):
        body = {"link": f"{number:040d}"}
        statuses.append((await client.post("/v1/session", json=body)).status_code)
    assert statuses == [401] * SIGN_INS.most + [429, 429]
    other = await club.client(("198.51.100.7", 40_000))
    assert (await other.post("/v1/session", json={"link": "b" * 40})).status_code == 401


def test_the_delay_doubles_from_a_second_to_a_quarter_of_an_hour() -> None:
    delays = [delay_seconds(failures) for failures in range(20)]
    assert delays[: FREE_FAILURES + 4] == [0] * FREE_FAILURES + [1, 2, 4, 8]
    assert delays[-1] == PATIENCE.seconds_max
