"""The second factor over HTTP: enrolled once, each code once, and what it lets do afterwards.

Goal: a code or a recovery code counts once, whoever gives it at the same time, and what was seen of
a session before a step forward is worth nothing after it. The races run on two connections at once;
their negative controls take the one statement away that decides.
"""

import asyncio
from base64 import b32decode
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from app.db import staff as rows
from app.domain.patience import CODE
from app.domain.second_factor import code_at, step_of
from tests.integration.web.club import ORIGIN, PASSWORD, Club, key


class Member:
    """A manager, the app on their phone, and their recovery codes."""

    def __init__(self, club: Club, staff_id: str, username: str) -> None:
        self.club = club
        self.id = staff_id
        self.username = username
        self.seed = b""
        self.recovery_codes: list[str] = []

    async def now(self) -> datetime:
        """The database's clock: the one that codes are judged by."""
        async with self.club.parts.db.reading() as conn:
            found: datetime = await conn.fetchval("SELECT now()")
        return found

    async def code(self, steps: int = 0) -> str:
        """The code that the app shows, or showed so many steps before."""
        return code_at(self.seed, step_of(await self.now()) + steps)

    async def fresh(self) -> str:
        """A code that counts, as if the last one had been given long ago."""
        async with self.club.parts.db.begun(self.club.parts.db.auth) as conn:
            await conn.execute("UPDATE staff SET totp_step = 0 WHERE id = $1", self.id)
        return await self.code()

    async def browser(self) -> httpx.AsyncClient:
        """A browser in which the password was given, and no more."""
        client = await self.club.client(Origin=ORIGIN)
        await self.club.forget_limits()
        answer = await client.post(
            "/v1/session", json={"username": self.username, "password": PASSWORD}
        )
        assert answer.status_code == 201, answer.text
        return client

    async def complete(self) -> httpx.AsyncClient:
        """A browser in which they are signed in."""
        client = await self.browser()
        answer = await client.post("/v1/session/totp", json={"code": await self.fresh()})
        assert answer.status_code == 200, answer.text
        return client


@pytest.fixture
async def mara(club: Club) -> Member:
    """A manager who has not enrolled yet."""
    return Member(club, await club.staff("MANAGER", "mara"), "mara")


@pytest.fixture
async def enrolled(mara: Member) -> Member:
    client = await mara.browser()
    made = (await client.post("/v1/session/totp/enrolment", json={})).json()
    mara.seed = seed_of(made)
    answer = await client.post("/v1/session/totp", json={"code": await mara.code()})
    assert answer.status_code == 200, answer.text
    mara.recovery_codes = answer.json()["recovery_codes"]
    return mara


def seed_of(enrolment: dict[str, str]) -> bytes:
    return b32decode(enrolment["secret"])


async def lines(club: Club, *words: str) -> list[tuple[str, Any]]:
    """The venue's book: type and payload of the lines of these types."""
    async with club.parts.db.reading() as conn:
        found = await conn.fetch(
            "SELECT type, payload::text FROM event WHERE book = 'venue' AND type = ANY($1)"
            " ORDER BY version",
            list(words),
        )
    return [(row["type"], row["payload"]) for row in found]


# -- enrolling ------------------------------------------------------------------------------------


async def test_a_manager_can_do_nothing_before_the_second_factor(mara: Member) -> None:
    client = await mara.browser()
    session = (await client.get("/v1/session")).json()
    assert session["second_factor"] == "enrol"
    for path in ("/v1/devices", "/v1/staff", "/v1/sessions", "/v1/audit"):
        assert (await client.get(path)).status_code == 403, path
    assert (await client.get("/v1/nights")).status_code == 200
    left = datetime.fromisoformat(session["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=9) < left <= timedelta(minutes=10)


async def test_the_first_code_enrols_and_shows_the_recovery_codes_once(mara: Member) -> None:
    client = await mara.browser()
    made = (await client.post("/v1/session/totp/enrolment", json={})).json()
    assert made["svg"].startswith("<svg")
    mara.seed = seed_of(made)
    before = client.cookies["sid"]
    wrong = await client.post("/v1/session/totp", json={"code": await mara.code(-5)})
    assert (wrong.status_code, wrong.json()["reason"]) == (403, "code_refused")
    answer = await client.post("/v1/session/totp", json={"code": await mara.code()})
    assert len(answer.json()["recovery_codes"]) == 10
    assert (answer.json()["second_factor"], answer.json()["has_totp"]) == ("none", True)
    assert client.cookies["sid"] != before
    assert (await client.get("/v1/session")).json()["recovery_codes"] is None
    assert (await client.get("/v1/devices")).status_code == 200
    old = await mara.club.client(Cookie=f"sid={before}")
    assert (await old.get("/v1/session")).status_code == 401
    told = await lines(mara.club, "SECOND_FACTOR_ENROLLED", "SIGNED_IN")
    assert [word for word, _ in told] == ["SECOND_FACTOR_ENROLLED", "SIGNED_IN"]


async def test_the_seed_and_the_codes_stand_nowhere_in_the_database(enrolled: Member) -> None:
    async with enrolled.club.parts.db.reading(enrolled.club.parts.db.auth) as conn:
        sealed = await conn.fetchval("SELECT totp_sealed FROM staff WHERE id = $1", enrolled.id)
        hashes = await conn.fetch("SELECT code_hash FROM recovery_code")
        proposed = await conn.fetchval("SELECT totp_proposed FROM session")
    assert proposed is None
    assert enrolled.seed not in bytes(sealed)
    assert len(hashes) == 10
    stored = b"".join(bytes(row["code_hash"]) for row in hashes)
    assert not any(code.encode() in stored for code in enrolled.recovery_codes)


async def test_a_sealed_seed_opens_for_its_own_account_alone(enrolled: Member) -> None:
    """Bytes that somebody moves to another row of the database are worth nothing there."""
    other = await enrolled.club.staff("MANAGER", "dev")
    db = enrolled.club.parts.db
    async with db.begun(db.auth) as conn:
        await conn.execute(
            "UPDATE staff SET totp_sealed = (SELECT totp_sealed FROM staff WHERE id = $1)"
            " WHERE id = $2",
            enrolled.id, other,
        )  # fmt: skip
    client = await Member(enrolled.club, other, "dev").browser()
    answer = await client.post("/v1/session/totp", json={"code": await enrolled.fresh()})
    assert (answer.status_code, answer.json()["reason"]) == (503, "keys_missing")


async def test_an_account_that_is_enrolled_is_not_enrolled_again_by_its_password(
    enrolled: Member,
) -> None:
    """A password that was stolen does not replace the phone."""
    thief = await enrolled.browser()
    assert (await thief.get("/v1/session")).json()["second_factor"] == "needed"
    answer = await thief.post("/v1/session/totp/enrolment", json={})
    assert (answer.status_code, answer.json()["reason"]) == (409, "enrolled_already")


async def test_of_two_who_enrol_at_once_one_has_the_account(mara: Member) -> None:
    browsers = [await mara.browser() for _ in range(2)]
    seeds = [
        seed_of((await one.post("/v1/session/totp/enrolment", json={})).json()) for one in browsers
    ]
    step = step_of(await mara.now())
    answers = await asyncio.gather(
        *(
            one.post("/v1/session/totp", json={"code": code_at(seed, step)})
            for one, seed in zip(browsers, seeds, strict=True)
        )
    )
    # The other's session ended with the enrolment, or finds the account enrolled.
    first, second = sorted(answer.status_code for answer in answers)
    assert first == 200
    assert second in (401, 409)


async def test_a_new_phone_is_enrolled_in_an_elevated_session(enrolled: Member) -> None:
    client = await enrolled.complete()
    other = await enrolled.complete()
    refused = await client.post("/v1/session/totp/enrolment", json={})
    assert refused.json()["reason"] == "enrolled_already"
    code = {"recovery_code": enrolled.recovery_codes[0]}
    assert (await client.post("/v1/session/elevate", json=code)).status_code == 200
    before = enrolled.seed
    made = (await client.post("/v1/session/totp/enrolment", json={})).json()
    enrolled.seed = seed_of(made)
    answer = await client.post("/v1/session/totp", json={"code": await enrolled.code()})
    codes = answer.json()["recovery_codes"]
    assert not set(codes) & set(enrolled.recovery_codes)
    assert (await client.get("/v1/devices")).status_code == 200
    assert (await other.get("/v1/session")).status_code == 401
    again = await enrolled.browser()
    old = code_at(before, step_of(await enrolled.now()))
    assert (await again.post("/v1/session/totp", json={"code": old})).status_code == 403
    old_recovery = {"recovery_code": enrolled.recovery_codes[1]}
    assert (await again.post("/v1/session/totp", json=old_recovery)).status_code == 403


async def test_door_staff_may_enrol_and_then_need_it_too(club: Club) -> None:
    dev = Member(club, await club.staff("DOOR_STAFF", "dev"), "dev")
    client = await dev.browser()
    assert (await client.get("/v1/session")).json()["second_factor"] == "none"
    dev.seed = seed_of((await client.post("/v1/session/totp/enrolment", json={})).json())
    answer = await client.post("/v1/session/totp", json={"code": await dev.code()})
    assert answer.status_code == 200
    again = await dev.browser()
    assert (await again.get("/v1/session")).json()["second_factor"] == "needed"


async def test_a_role_that_needs_it_asks_for_it_at_the_next_request(club: Club) -> None:
    client = await club.signed_in("DOOR_STAFF")
    assert (await client.get("/v1/session")).json()["second_factor"] == "none"
    async with club.parts.db.begun(club.parts.db.auth) as conn:
        await conn.execute("UPDATE staff SET role = 'MANAGER'")
    assert (await client.get("/v1/session")).json()["second_factor"] == "enrol"
    assert (await client.get("/v1/devices")).status_code == 403


# -- each code once -------------------------------------------------------------------------------


async def test_a_code_counts_once(enrolled: Member) -> None:
    code = await enrolled.fresh()
    first, second = await enrolled.browser(), await enrolled.browser()
    assert (await first.post("/v1/session/totp", json={"code": code})).status_code == 200
    again = await second.post("/v1/session/totp", json={"code": code})
    assert (again.status_code, again.json()["reason"]) == (403, "code_used")


async def test_a_code_from_before_the_last_one_does_not_count_any_more(enrolled: Member) -> None:
    await enrolled.fresh()
    first, second = await enrolled.browser(), await enrolled.browser()
    before, code = await enrolled.code(-1), await enrolled.code()
    assert (await first.post("/v1/session/totp", json={"code": code})).status_code == 200
    late = await second.post("/v1/session/totp", json={"code": before})
    assert late.json()["reason"] == "code_used"


async def at_once(enrolled: Member, proof: dict[str, str]) -> list[int]:
    """The answers to the proof in six browsers at the same time."""
    browsers = [await enrolled.browser() for _ in range(6)]
    answers = await asyncio.gather(*(one.post("/v1/session/totp", json=proof) for one in browsers))
    return sorted(answer.status_code for answer in answers)


# Six wrong proofs at once are throttled beyond the fifth, which the races are not about.
@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.actions.guessing.judge_patience", lambda past, proof: None)


async def test_of_two_sign_ins_with_one_code_exactly_one_wins(
    enrolled: Member, patient: None
) -> None:
    assert await at_once(enrolled, {"code": await enrolled.fresh()}) == [200] + [403] * 5


async def test_without_comparing_the_step_every_one_of_them_would(
    enrolled: Member, patient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the statement that compares and sets is what refuses."""
    monkeypatch.setattr(
        rows, "USE_STEP", "UPDATE staff SET totp_step = $2 WHERE id = $1 RETURNING totp_step"
    )
    assert await at_once(enrolled, {"code": await enrolled.fresh()}) == [200] * 6


async def test_of_two_uses_of_one_recovery_code_exactly_one_wins(
    enrolled: Member, patient: None
) -> None:
    proof = {"recovery_code": enrolled.recovery_codes[4]}
    assert await at_once(enrolled, proof) == [200] + [403] * 5
    told = await lines(enrolled.club, "RECOVERY_CODE_USED")
    assert told == [("RECOVERY_CODE_USED", '{"left": 9}')]
    again = await enrolled.browser()
    assert (await again.post("/v1/session/totp", json=proof)).status_code == 403


async def test_without_asking_whether_it_was_used_every_one_of_them_would(
    enrolled: Member, patient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control of the test above."""
    careless = rows.USE_RECOVERY_CODE.replace("AND used_at IS NULL", "")
    assert careless != rows.USE_RECOVERY_CODE
    monkeypatch.setattr(rows, "USE_RECOVERY_CODE", careless)
    proof = {"recovery_code": enrolled.recovery_codes[4]}
    assert await at_once(enrolled, proof) == [200] * 6


async def test_wrong_codes_are_throttled_and_a_recovery_code_still_helps(
    enrolled: Member,
) -> None:
    browsers = [await enrolled.browser() for _ in range(CODE.free)]
    for client in browsers:
        assert (await client.post("/v1/session/totp", json={"code": "000000"})).status_code == 403
    client = browsers[0]
    await enrolled.club.just_failed()
    throttled = await client.post("/v1/session/totp", json={"code": await enrolled.fresh()})
    assert (throttled.status_code, throttled.json()["reason"]) == (429, "code_throttled")
    assert int(throttled.headers["retry-after"]) >= 1
    proof = {"recovery_code": enrolled.recovery_codes[0]}
    assert (await client.post("/v1/session/totp", json=proof)).status_code == 200
    told = await lines(enrolled.club, "SIGN_IN_REFUSED")
    assert [payload for _, payload in told] == ['{"reason": "code_refused", "device_id": null}'] * 5


async def test_a_recovery_code_lets_the_codes_of_this_browser_count_again(
    enrolled: Member,
) -> None:
    client = await enrolled.complete()  # and known from now on
    assert (await client.delete("/v1/session")).status_code == 204
    right = {"username": enrolled.username, "password": PASSWORD}
    assert (await client.post("/v1/session", json=right)).status_code == 201
    assert (await client.post("/v1/session/totp", json={"code": "000000"})).status_code == 403
    async with enrolled.club.parts.db.begun(enrolled.club.parts.db.auth) as conn:
        await conn.execute(
            "UPDATE guess SET failures = $1 WHERE subject LIKE 'code:%:known:%'", CODE.most
        )
    stopped = await client.post("/v1/session/totp", json={"code": await enrolled.fresh()})
    assert (stopped.status_code, stopped.json()["reason"]) == (429, "code_locked")
    proof = {"recovery_code": enrolled.recovery_codes[0]}
    assert (await client.post("/v1/session/totp", json=proof)).status_code == 200
    step_up = await client.post("/v1/session/elevate", json={"code": await enrolled.fresh()})
    assert step_up.status_code == 200, step_up.text


@pytest.mark.parametrize(
    "body",
    [{}, {"code": "123456", "recovery_code": "A" * 24}, {"code": "12345"}, {"code": "１２３４５６"},
     {"pin": "1234"}],
)  # fmt: skip
async def test_half_a_proof_or_two_are_not_valid(enrolled: Member, body: dict[str, str]) -> None:
    client = await enrolled.browser()
    assert (await client.post("/v1/session/totp", json=body)).status_code == 422


async def test_a_complete_session_is_not_completed_again(enrolled: Member) -> None:
    client = await enrolled.complete()
    answer = await client.post("/v1/session/totp", json={"code": await enrolled.fresh()})
    assert (answer.status_code, answer.json()["reason"]) == (409, "complete_already")


# -- the step-up ----------------------------------------------------------------------------------


async def owner(club: Club) -> Member:
    """Somebody who may administer, enrolled."""
    noor = Member(club, await club.staff("SUPER_ADMIN", "noor"), "noor")
    client = await noor.browser()
    noor.seed = seed_of((await client.post("/v1/session/totp/enrolment", json={})).json())
    answer = await client.post("/v1/session/totp", json={"code": await noor.code()})
    noor.recovery_codes = answer.json()["recovery_codes"]
    return noor


ADDED = {"username": "dev", "display_name": "Dev Okafor", "role": "DOOR_STAFF"}


async def test_a_right_that_needs_a_step_up_is_refused_without_and_says_what_to_do(
    club: Club,
) -> None:
    noor = await owner(club)
    client = await noor.complete()
    assert (await client.get("/v1/staff")).status_code == 200
    refused = await client.post("/v1/staff", json=ADDED, headers=key())
    assert (refused.status_code, refused.json()["reason"]) == (403, "step_up_needed")
    assert "/v1/session/elevate" in refused.json()["detail"]
    before = client.cookies["sid"]
    elevated = await client.post("/v1/session/elevate", json={"code": await noor.fresh()})
    until = datetime.fromisoformat(elevated.json()["elevated_until"])
    assert timedelta(minutes=4) < until - datetime.now(UTC) <= timedelta(minutes=5)
    assert client.cookies["sid"] != before
    assert (await client.post("/v1/staff", json=ADDED, headers=key())).status_code == 201
    old = await club.client(Cookie=f"sid={before}", Origin=ORIGIN)
    assert (await old.get("/v1/session")).status_code == 401


async def test_a_step_up_ends_after_its_time(club: Club) -> None:
    client = await club.signed_in("SUPER_ADMIN", elevated=True)
    assert (await client.get("/v1/session")).json()["elevated_until"] is not None
    async with club.parts.db.begun(club.parts.db.auth) as conn:
        await conn.execute("UPDATE session SET elevated_until = now() - interval '1 second'")
    refused = await client.post("/v1/staff", json=ADDED, headers=key())
    assert refused.json()["reason"] == "step_up_needed"
    assert (await client.get("/v1/session")).json()["elevated_until"] is None


async def test_a_step_up_takes_a_code_that_was_not_used(club: Club) -> None:
    noor = await owner(club)
    client = await noor.browser()
    code = await noor.fresh()
    assert (await client.post("/v1/session/totp", json={"code": code})).status_code == 200
    refused = await client.post("/v1/session/elevate", json={"code": code})
    assert refused.json()["reason"] == "code_used"
    recovery = {"recovery_code": noor.recovery_codes[0]}
    assert (await client.post("/v1/session/elevate", json=recovery)).status_code == 200
    told = await lines(club, "ELEVATED", "RECOVERY_CODE_USED")
    assert [word for word, _ in told] == ["RECOVERY_CODE_USED", "ELEVATED"]


async def test_a_pin_is_no_step_up_for_real_people(club: Club) -> None:
    client = await club.signed_in("MANAGER")
    answer = await client.post("/v1/session/elevate", json={"pin": "7394"})
    assert (answer.status_code, answer.json()["reason"]) == (403, "pin_refused")


async def test_a_pending_session_cannot_step_up(mara: Member) -> None:
    client = await mara.browser()
    answer = await client.post("/v1/session/elevate", json={"code": "123456"})
    assert (answer.status_code, answer.json()["reason"]) == (403, "not_allowed")
