"""The ground of a Saturday under load: a service, its nights, its tablets, guests with codes."""

import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import httpx
from msgspec import Struct

from load.house import House

TONIGHT: Final = "2030-06-15"  # a Saturday to come: tonight, as no earlier one is open
NIGHTS: Final = (TONIGHT, "2030-06-22", "2030-06-29")
FULL_NIGHT: Final = "2030-07-06"
CROWD_NIGHT: Final = "2030-07-13"
SHOWN_AT: Final = f"{TONIGHT}T21:30:00.000Z"  # half past ten there; the doors are open
DOORS: Final = (("main", 3), ("basement", 2))  # how many tablets stand at each
BOOKED: Final = ({"tables": [n], "party": 4} for n in (1, 2, 4, 5, 6, 9, 11, 12, 13, 14))
MANAGERS: Final = 2


class Ground(Struct, frozen=True):
    """What the users of the load need to know; made once, handed on as JSON."""

    origin: str
    port: int
    nights: tuple[str, ...]
    full_night: str  # nothing is free: who wants it waits
    crowd_night: str  # nobody looks at it until everybody wants it at once
    takes_cards: bool  # something stands in for Stripe
    tonight: str
    managers: list[str]  # cookies
    tablets: list[dict[str, str]]  # door, token
    codes: list[dict[str, Any]]  # code, party, door
    booked: list[dict[str, Any]]  # booking_id, tables
    seconds: int


def key() -> dict[str, str]:
    return {"Idempotency-Key": secrets.token_hex(16)}


@contextmanager
def served(seconds: int, workers: int) -> Iterator[tuple[House, Ground]]:
    """The service with everything in place."""
    token = secrets.token_hex(32)
    house = House(
        BACKROOM_DEMO="1",
        BACKROOM_DEMO_TOKEN=token,
        TRUSTED_PROXIES="127.0.0.1",
        WORKERS=str(workers),
    )
    try:
        house.wait_until_ready()
        yield house, prepared(house, token, seconds)
    finally:
        house.stop()


def prepared(house: House, token: str, seconds: int) -> Ground:
    """Nights are open, managers signed in, tablets paired, and ten parties have their codes."""
    headers = {"Origin": house.origin, "X-Forwarded-For": "10.255.0.1"}
    managers = []
    with httpx.Client(base_url=house.origin, headers=headers, timeout=20) as http:
        for _ in range(MANAGERS):
            http.cookies.clear()
            links = _good(http.post("/v1/demo/links", json={"token": token}))["links"]
            link = next(one["link"] for one in links if one["role"] == "MANAGER")
            _good(http.post("/v1/session", json={"link": link}))
            managers.append("; ".join(f"{name}={value}" for name, value in http.cookies.items()))
        clock = {"token": token, "shown_at": SHOWN_AT, "speed": 1}
        _good(http.post("/v1/demo/clock", json=clock))
        for night in (*NIGHTS, FULL_NIGHT, CROWD_NIGHT):
            _good(http.post("/v1/nights", json={"night": night}, headers=key()))
        while _good(http.get("/v1/nights"))["tonight"] != TONIGHT:
            time.sleep(0.1)
        for table in range(1, 17):
            body = {"night": FULL_NIGHT, "reason": "spill"}
            _good(http.post(f"/v1/tables/{table}/block", json=body, headers=key()))
        takes_cards = (
            "/v1/bookings/{booking_id}/test-card" in _good(http.get("/openapi.json"))["paths"]
        )
        tablets = [_paired(http, door, n) for door, count in DOORS for n in range(count)]
        booked = [_booked(http, one) for one in BOOKED]
    codes = [
        {"code": one["code"], "party": one["party"], "door": door_of(one["tables"])}
        for one in booked
    ]
    return Ground(
        origin=house.origin,
        port=house.port,
        nights=NIGHTS,
        full_night=FULL_NIGHT,
        crowd_night=CROWD_NIGHT,
        takes_cards=takes_cards,
        tonight=TONIGHT,
        managers=managers,
        tablets=tablets,
        codes=codes,
        booked=[{"booking_id": one["booking_id"], "tables": one["tables"]} for one in booked],
        seconds=seconds,
    )


def door_of(tables: list[int]) -> str:
    """The street door of the tables' floor."""
    return "main" if tables[0] <= 8 else "basement"


def _paired(http: httpx.Client, door: str, number: int) -> dict[str, str]:
    body = {"name": f"Load {door} {number}", "kind": "tablet", "door": door}
    code = _good(http.post("/v1/devices", json=body, headers=key()))["pairing"]["code"]
    made = _good(http.post("/v1/devices/pair", json={"code": code}, headers=key()))
    return {"door": door, "token": made["token"]}


def _booked(http: httpx.Client, wanted: dict[str, Any]) -> dict[str, Any]:
    body = {"night": TONIGHT, "contact": {"name": "Load Guest"}, **wanted}
    held = _good(http.post("/v1/holds", json=body, headers=key()))
    paid = {"method": "card", "amount_pence": held["deposit_pence"]}
    path = f"/v1/holds/{held['booking_id']}/confirm"
    return _good(http.post(path, json=paid, headers=key()))


def _good(answer: httpx.Response) -> dict[str, Any]:
    if not answer.is_success:
        told = answer.text[:300]
        raise SystemExit(f"{answer.request.method} {answer.request.url.path}: {told}")
    document: dict[str, Any] = json.loads(answer.content) if answer.content else {}
    return document
