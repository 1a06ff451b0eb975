"""Nothing that opens a door is in a log: not at the lowest level, and not when something breaks.

Method: a whole evening of secrets is sent through a worker that logs as it is served, at debug
level: a password, a second factor, recovery codes, a link, a PIN, a pairing, tokens, a code, names.
Each is then looked for in everything that was written.
"""

import logging
from base64 import b32decode
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from app.domain.second_factor import code_at, step_of
from app.web.application import build
from app.web.logs import configure_logs
from app.web.operations import Call, Operation
from app.wire import HoldTables
from tests.integration.web.club import NIGHT, ORIGIN, PASSWORD, Club, key

GUEST = {"name": "Zebedee Quux", "email": "zebedee.quux@example.com", "phone": "+447700900456"}


@pytest.fixture(autouse=True)
def as_served() -> Iterator[None]:
    """Loggers are afterwards as they were."""
    root = logging.getLogger()
    before = {name: logging.getLogger(name).level for name in list(root.manager.loggerDict)}
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in list(root.manager.loggerDict):
        logging.getLogger(name).setLevel(before.get(name, logging.NOTSET))


async def sign_in(club: Club) -> tuple[Any, list[str]]:
    """A manager by password and second factor; everything that they gave or were given."""
    await club.staff("MANAGER", "zebra-manager")
    client = await club.client(Origin=ORIGIN)
    wrong = {"username": "zebra-manager", "password": "a-wrong-guess-of-somebody"}
    assert (await client.post("/v1/session", json=wrong)).status_code == 401
    right = {"username": "zebra-manager", "password": PASSWORD}
    assert (await client.post("/v1/session", json=right)).status_code == 201
    given = [wrong["password"], PASSWORD, "zebra-manager", client.cookies["sid"]]
    enrolment = (await client.post("/v1/session/totp/enrolment", json={})).json()
    async with club.parts.db.reading() as conn:
        now = await conn.fetchval("SELECT now()")
    code = code_at(b32decode(enrolment["secret"]), step_of(now))
    done = await client.post("/v1/session/totp", json={"code": code})
    assert done.status_code == 200, done.text
    given += [enrolment["secret"], *done.json()["recovery_codes"], client.cookies["sid"]]
    return client, given


async def test_no_secret_and_no_name_is_in_any_line(
    club: Club, capfd: pytest.CaptureFixture[str]
) -> None:
    configure_logs("debug", "n-1")
    await club.open()
    manager, secrets = await sign_in(club)
    stranger = await club.client()

    body = {"night": NIGHT, "tables": [2], "party": 4, "contact": GUEST}
    held = (await stranger.post("/v1/holds", json=body, headers=key())).json()
    paid = {"method": "cash", "amount_pence": held["deposit_pence"]}
    confirm = f"/v1/holds/{held['booking_id']}/confirm"
    code = (await manager.post(confirm, json=paid, headers=key())).json()["code"]
    secrets += [*GUEST.values(), "Zebedee", "Quux", "7700900456", held["token"], code, code[4:60]]
    owner = await club.client(Authorization=f"Bearer {held['token']}")
    link = await owner.post(
        f"/v1/bookings/{held['booking_id']}/link", json={}, headers={**key(), "Origin": ORIGIN}
    )
    assert link.status_code in (200, 201), link.text
    secrets.append(link.json()["token"])

    added = await club.added(manager, "main", kind="tablet")
    pairing = added["pairing"]["code"]
    paired = await stranger.post("/v1/devices/pair", json={"code": pairing}, headers=key())
    tablet = await club.client(Authorization=f"Bearer {paired.json()['token']}")
    secrets += [pairing, pairing.replace("-", ""), paired.json()["token"]]
    pin = "58213907"
    answer = await manager.post("/v1/session/pin/set", json={"pin": pin}, headers=key())
    assert answer.status_code < 300 or answer.json()["reason"] == "step_up_needed", answer.text
    for text in (code, code[:-1] + "A", "BR1:NOT-A-CODE-OF-OURS"):
        scan = {"scan_id": str(uuid4()), "door": "main", "code": text}
        assert (await tablet.post("/v1/scans", json=scan)).status_code == 200
    secrets += [pin, "NOT-A-CODE-OF-OURS"]

    # In places where they do not belong.
    await manager.get(f"/v1/nights/{NIGHT}/bookings", params={"search": "Zebedee"})
    await stranger.get(f"/{code}/{held['token']}")
    await stranger.get("/v1/session", headers={"Authorization": f"Bearer {code}"})
    await stranger.get(f"/v1/bookings/{held['token']}", headers={"X-Name": GUEST["name"]})
    await stranger.post("/v1/holds", content=GUEST["name"].encode(), headers=key())

    written = capfd.readouterr().err
    assert held["booking_id"] in written  # what is logged would be seen
    assert '"logger":"backroom.access"' in written
    assert [one for one in [*secrets, "203.0.113.9"] if one in written] == []


async def test_what_breaks_tells_nothing_of_the_request_that_broke_it(
    club: Club, capfd: pytest.CaptureFixture[str]
) -> None:
    async def broken(call: Call) -> Any:
        async with call.parts.db.reading() as conn:
            # The driver quotes the value that it cannot send.
            await conn.fetchval("SELECT $1::int", call.body.contact.name)

    operation = Operation(
        method="POST", path="/v1/broken", handler=broken, permission=None, request=HoldTables,
        tag="health", summary="Breaks.",
    )  # fmt: skip
    club.app = build(club.parts, (*club.table, operation))
    configure_logs("debug", "n-1")
    client = await club.client()
    body = {"night": NIGHT, "tables": [2], "party": 4, "contact": GUEST}
    assert (await client.post("/v1/broken", json=body)).status_code == 500
    written = capfd.readouterr().err
    assert "a request failed" in written
    assert "asyncpg.exceptions" in written
    assert [value for value in GUEST.values() if value in written] == []
