"""Guests whose names are nowhere else in the world: after an evening they are nowhere at all.

Goal: no copy of the database, of Redis, of a log, of the metrics or of what screens are sent tells
a guest's name, telephone or address, nor a code or token by which somebody could come in. Method:
guests with such names book, pay, come, are looked up, banned, exported and erased on a service
that logs all it can; then every place is searched, in plain and encoded. A word that must be in
each place (the night's name, an actor) shows that the search finds what is there.
"""

import asyncio
import base64
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
import redis
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.premises import Premises, key, wait_for

NIGHT_NAME = "Zwinglimond"  # the word that must be found
GUESTS = (
    ("Xanthippe Quorlfeder", "07700 900461", "xq.canary@roost-qzv.example"),
    ("Ulfhild Brzeczyszczykiewicz", "+44 7700 900462", "Ulfhild.B@roost-qzv.example"),
    ("Jo\u00e3o \u00d1u\u00f1ez-Vrkljan", "07700 900463", "vrkljan@roost-qzv.example"),
)
MEDDLER = ("Gwrtheyrn Pryftan", "07700 900464", "pryftan@roost-qzv.example")
NOTE = "threw a Jeroboam"


class Loud(Premises):
    """A service that logs all it can."""

    @property
    def environment(self) -> dict[str, str]:
        return super().environment | {"LOG_LEVEL": "debug"}


@pytest.fixture(scope="module")
def loud() -> Iterator[Premises]:
    service = Loud("canary")
    try:
        service.start()
        yield service
    finally:
        service.clear()


class Ear:
    """A screen that keeps every text it is sent."""

    def __init__(
        self, premises: Premises, audience: str, *, cookie: str = "", token: str = ""
    ) -> None:
        self.heard: list[str] = []
        self._url = f"ws://127.0.0.1:{premises.port}/ws"
        self._headers = {"Origin": premises.origin, **({"Cookie": cookie} if cookie else {})}
        hello = {"type": "hello", "audience": audience, **({"token": token} if token else {})}
        self._hello = json.dumps(hello)
        self._socket: ClientConnection | None = None
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        wait_for(lambda: any('"snapshot"' in text for text in self.heard), "a first picture")

    def _listen(self) -> None:
        with suppress(ConnectionClosed), connect(
            self._url, subprotocols=[Subprotocol("backroom.v1")], compression=None,
            additional_headers=self._headers,
        ) as self._socket:  # fmt: skip
            self._socket.send(self._hello)
            for text in self._socket:
                self.heard.append(text if isinstance(text, str) else text.decode())

    def close(self) -> None:
        assert self._socket is not None
        self._socket.close()
        self._thread.join(5)


class Evening:
    """What happened, and every secret that somebody was given on the way."""

    def __init__(self, premises: Premises) -> None:
        self.premises = premises
        self.secrets: list[str] = []
        self.actor = ""
        self.erased = ""

    def post(self, http: httpx.Client, path: str, body: Any = None, **headers: str) -> Any:
        answer = http.post(path, json=body, headers={**key(), **headers})
        assert answer.status_code in (200, 201), f"{path}: {answer.text}"
        return answer.json()

    def held(self, desk: httpx.Client, table: int, guest: tuple[str, str, str]) -> dict[str, Any]:
        name, phone, email = guest
        body = {
            "night": self.premises.night, "tables": [table], "party": 4,
            "contact": {"name": name, "phone": phone, "email": email},
        }  # fmt: skip
        with self.premises.client() as http:
            made: dict[str, Any] = self.post(http, "/v1/holds", body)
        self.secrets.append(made["token"])
        paid = {"method": "card", "amount_pence": made["deposit_pence"]}
        done = self.post(desk, f"/v1/holds/{made['booking_id']}/confirm", paid)
        self.secrets.append(done["code"])
        return {**made, **done}

    def run(self, desk: httpx.Client, tablet: httpx.Client) -> None:
        """Guests book, come, are looked up, banned, exported and erased; strangers try things."""
        night = self.premises.night
        bookings = [
            self.held(desk, table, guest) for table, guest in zip((2, 3, 5), GUESTS, strict=True)
        ]
        for booking in bookings[:2]:
            scan = {"scan_id": str(uuid4()), "door": "main", "code": booking["code"], "people": 4}
            verdict = self.post(tablet, "/v1/scans", scan)
            assert (verdict["verdict"], verdict["name"].split()[0]) == (
                "admit", GUESTS[bookings.index(booking)][0].split()[0],
            )  # fmt: skip
        forged = bookings[2]["code"][:-4] + "0000"
        refused = {"scan_id": str(uuid4()), "door": "main", "code": forged}
        assert self.post(tablet, "/v1/scans", refused)["verdict"] == "refuse"
        self.secrets.append(forged)
        found = self.post(desk, "/v1/people/find", {"phone": GUESTS[0][1]})["people"]
        person = found[0]["person_id"]
        assert self.post(desk, f"/v1/people/{person}/reveal")["email"] == GUESTS[0][2]
        ban = {"reason": "damage", "booking_id": bookings[2]["booking_id"], "note": NOTE}
        self.post(desk, "/v1/bans", ban)
        name, phone, email = MEDDLER
        known = {"name": name, "phone": phone, "email": email, "reason": "theft"}
        self.post(desk, "/v1/bans", known)
        walk_in = {"night": night, "tables": [7], "party": 2, "door": "main"}
        refused_at_door = desk.post(
            "/v1/walk-ins",
            json={**walk_in, "contact": {"name": name, "phone": phone}}, headers=key(),
        )  # fmt: skip
        assert refused_at_door.json()["reason"] == "banned"
        search = desk.get(f"/v1/nights/{night}/bookings", params={"search": GUESTS[1][0]})
        assert search.json()["bookings"][0]["name"] == GUESTS[1][0]
        desk.get(f"/v1/nights/{night}/guests").raise_for_status()
        with self.premises.client() as owner:
            bearer = {"Authorization": f"Bearer {bookings[1]['token']}"}
            for form in ("json", "html"):
                given = owner.get("/v1/me/export", params={"format": form}, headers=bearer)
                assert GUESTS[1][2] in given.text
            self.erased = self.post(owner, "/v1/me/erase", **bearer)["person_id"]
            # What is not taken must not be kept either, wherever somebody puts it.
            for wrong in (
                {"contact": {"name": name, "phone": f"{phone} 99999999999999"}},
                {"contact": {"name": name, "email": f"{email} "}},
                {"contact": {"name": name, "nick": email}},
                {name: email},
            ):
                body = {"night": night, "tables": [9], "party": 2, **wrong}
                assert owner.post("/v1/holds", json=body, headers=key()).status_code in (400, 422)
            owner.get(f"/v1/{email}/{phone}", params={"q": name})
            owner.get("/v1/nights", headers={"Authorization": f"Bearer {name.encode().hex()}"})
            owner.post("/v1/session", json={"username": email, "password": MEDDLER[0]})


def forms(word: str) -> set[bytes]:
    """The word as it may lie somewhere: as it is, without case, and in the usual encodings."""
    plain = {word, word.casefold(), word.upper()}
    digits = "".join(c for c in word if c.isdigit())
    if len(digits) > 9 and not any(c.isalpha() for c in word):
        plain |= {digits[-10:]}
    found = set()
    for one in plain:
        data = one.encode()
        found |= {data, data.hex().encode(), json.dumps(one)[1:-1].encode()}
        for shift in range(3):  # Base64 of a text that holds it, wherever in the text it begins
            whole = base64.b64encode(b"\0" * shift + data)[shift and 4 : -4]
            if len(whole) >= 12:
                found |= {whole, whole.replace(b"+", b"-").replace(b"/", b"_")}
    return found


def sought(evening: Evening) -> dict[str, set[bytes]]:
    """What must be nowhere."""
    words = [NOTE, *evening.secrets]
    for name, phone, email in (*GUESTS, MEDDLER):
        words += [name, name.split()[-1], phone, email, email.partition("@")[0]]
    return {word: forms(word) for word in words}


async def dump_database(url: str) -> dict[str, bytes]:
    """Every table of the database as COPY writes it."""
    conn = await asyncpg.connect(url)
    try:
        tables = await conn.fetch(
            "SELECT relname FROM pg_class WHERE relkind = 'r'"
            " AND relnamespace = 'public'::regnamespace"
        )
        found = {}
        for row in tables:
            lines: list[bytes] = []

            async def take(data: bytes, lines: list[bytes] = lines) -> None:
                lines.append(data)

            query = f'SELECT * FROM "{row["relname"]}"'
            await conn.copy_from_query(query, output=take)
            found[f"table {row['relname']}"] = b"".join(lines)
        return found
    finally:
        await conn.close()


def dump_redis(url: str) -> dict[str, bytes]:
    """Every key of Redis with what it holds."""
    found = {}
    with redis.Redis.from_url(url) as client:
        for name in client.scan_iter():
            kind = client.type(name).decode()
            value: Any
            match kind:
                case "string":
                    value = client.get(name)
                case "hash":
                    value = client.hgetall(name)
                case "stream":
                    value = client.xrange(name)
                case "list":
                    value = client.lrange(name, 0, -1)
                case "zset":
                    value = client.zrange(name, 0, -1, withscores=True)
                case "set":
                    value = client.smembers(name)
                case _:
                    raise AssertionError(f"what is a {kind}?")
            found[f"redis {name.decode()}"] = name + b"\n" + _flat(value)
    return found


def _flat(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, dict):
        return b"\n".join(_flat(k) + b"\n" + _flat(v) for k, v in value.items())
    if isinstance(value, (list, tuple, set)):
        return b"\n".join(_flat(one) for one in value)
    return str(value).encode()


def dump_files(data: Path) -> dict[str, bytes]:
    """Every file of the data directory: pages and log of Postgres, logs, anchors, erasures."""
    return {
        f"file {path.relative_to(data)}": path.read_bytes()
        for path in data.resolve().rglob("*")
        if path.is_file() and not path.is_socket() and path.name != "secrets.json"
    } | {
        f"file {path}": path.read_bytes()
        for path in (data / "servers").resolve().rglob("*")
        if path.is_file() and path.name != "secrets.json"
    }


def test_after_an_evening_no_guest_and_no_key_to_the_door_is_anywhere(loud: Premises) -> None:
    evening = Evening(loud)
    loud.open_night()
    with loud.desk() as desk:
        renamed = desk.patch(f"/v1/nights/{loud.night}", json={"name": NIGHT_NAME}, headers=key())
        assert renamed.status_code == 200, renamed.text
        evening.secrets += [value for value in desk.cookies.values() if len(value) >= 20]
        evening.actor = desk.get("/v1/session").json()["staff_id"]
        device = loud.added("tablet", "Canary tablet")
        with loud.client() as stranger:
            code = {"code": device["pairing"]["code"]}
            paired = evening.post(stranger, "/v1/devices/pair", code)
        evening.secrets += [paired["token"], device["pairing"]["code"]]
        cookie = "; ".join(f"{name}={value}" for name, value in desk.cookies.items())
        ears = [Ear(loud, "public"), Ear(loud, "manager", cookie=cookie),
                Ear(loud, "door", token=paired["token"])]  # fmt: skip
        with loud.client() as tablet:
            tablet.headers["Authorization"] = f"Bearer {paired['token']}"
            evening.run(desk, tablet)
        wait_for(
            lambda: all("NIGHT" in "".join(ear.heard) or len(ear.heard) > 5 for ear in ears[1:]),
            "what happened on the screens",
        )
        metrics = desk.get("/metrics").content
    for ear in ears:
        ear.close()

    urls = loud.urls()
    places = asyncio.run(dump_database(urls.owner))
    places |= dump_redis(urls.redis)
    places |= dump_files(loud.data)
    places["log"] = loud.said().encode()
    places["metrics"] = metrics
    for name, ear in zip(("public", "manager", "door"), ears, strict=True):
        places[f"screens {name}"] = "\n".join(ear.heard).encode()

    found = [
        (word, place)
        for word, shapes in sought(evening).items()
        for place, content in places.items()
        if any(shape in content for shape in shapes)
    ]
    assert found == []
    # The same search finds what is there.
    for word, place in (
        (NIGHT_NAME, "table event"), (NIGHT_NAME, "table night"), (NIGHT_NAME, "redis "),
        (NIGHT_NAME, "screens manager"), (NIGHT_NAME, "screens public"), (NIGHT_NAME, "pg_wal"),
        (evening.actor, "log"), ("http", "metrics"), (evening.erased, "erasures.log"),
    ):  # fmt: skip
        contents = [content for name, content in places.items() if place in name]
        shapes = forms(word)
        assert any(shape in content for content in contents for shape in shapes), (word, place)


def test_the_search_finds_a_word_however_it_is_hidden() -> None:
    word = "Xanthippe Quorlfeder"
    for hidden in (
        f"it is {word}.".encode(), word.casefold().encode(), word.encode().hex().encode(),
        base64.b64encode(f"it is {word}, indeed".encode()), base64.b64encode(b"a" + word.encode()),
        base64.urlsafe_b64encode(b"ab" + word.encode() + b"cd"),
    ):  # fmt: skip
        assert any(shape in hidden for shape in forms(word)), hidden
    assert any(shape in b"+447700900461" for shape in forms("07700 900461"))
    assert not any(shape in secrets.token_hex(5000).encode() for shape in forms(word))
