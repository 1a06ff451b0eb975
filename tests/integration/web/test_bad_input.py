"""Whatever is sent, the answer is a 4xx problem document that says what to do, and nothing changes.

Goal: no request can break the service or write by accident. Method: every operation of the table is
sent every kind of bad request by somebody who may use it; before and after, all rows are counted. A
new operation is in the tests without being named.
"""

import itertools
import json
import re
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.domain.principals import ROLES
from app.web.bodies import BODY_BYTES
from app.web.operations import Operation
from tests.integration.web.club import NIGHT, Club, key

VALUES = {
    "night": NIGHT, "number": "7", "booking_id": str(uuid4()), "scan_id": str(uuid4()),
    "device_id": str(uuid4()), "quarantine_id": str(uuid4()), "staff_id": str(uuid4()),
    "session_id": str(uuid4()), "person_id": str(uuid4()), "ban_id": str(uuid4()),
    "message_id": str(uuid4()), "payment_id": str(uuid4()), "refund_id": str(uuid4()),
    "lease_id": str(uuid4()), "task_id": str(uuid4()), "waitlist_id": str(uuid4()),
    "series_id": str(uuid4()),
}  # fmt: skip


def address(operation: Operation, **changed: str) -> str:
    return operation.path.format(**{**VALUES, **changed})


def writes(club: Club) -> list[Operation]:
    found = [one for one in club.table if one.request is not None]
    assert len(found) > 20, "the table has lost its writes"
    return found


def judge(
    answer: httpx.Response, status: int, reason: str, about: str, request: Any = ""
) -> dict[str, Any]:
    """The answer is that problem, complete; returns it."""
    assert answer.status_code == status, f"{about}: {answer.status_code} {answer.text} {request}"
    assert answer.headers["content-type"] == "application/problem+json", about
    problem: dict[str, Any] = answer.json()
    assert problem["reason"] == reason, f"{about}: {problem}"
    assert problem["status"] == status
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert {"type", "title", "detail"} <= problem.keys()
    # A sentence for people: a capital letter, a full stop.
    assert re.fullmatch(r"[A-Z`].*[.)]", problem["detail"], re.DOTALL), problem["detail"]
    return problem


@pytest.fixture
async def manager(club: Club) -> httpx.AsyncClient:
    """Somebody who may do everything; what only a device or an owner may do, one of these asks."""
    await club.open()
    client = await club.signed_in("SUPER_ADMIN", elevated=True)
    tokens: list[tuple[str, re.Pattern[str], str]] = []
    for role in ("DEVICE", "OWNER"):
        token = (await club.acting_as(role)).headers["Authorization"]
        own = ROLES[role] - ROLES["SUPER_ADMIN"]
        for one in club.table:
            if one.permission in own:
                path = re.compile(re.sub(r"\{[a-z_]+\}", ".*", one.path), re.DOTALL)
                tokens.append((one.method, path, token))

    async def as_others(request: httpx.Request) -> None:
        for method, path, token in tokens:
            if request.method == method and path.fullmatch(request.url.path):
                request.headers["Authorization"] = token

    client.event_hooks = {"request": [as_others], "response": []}
    return client


async def test_a_body_that_is_no_json_is_malformed(club: Club, manager: httpx.AsyncClient) -> None:
    before = await club.counts()
    for operation in writes(club):
        await club.forget_limits()
        for body in (b"{", b'{"a":}', b"\xff\xfe", b"[" * 40_000, b'{"a":"\x00"}', b"{}x"):
            answer = await send(manager, operation, body)
            judge(answer, 400, "malformed_json", operation.id, body[:20])
    assert await club.counts() == before


async def test_a_field_that_does_not_exist_is_named(club: Club, manager: httpx.AsyncClient) -> None:
    before = await club.counts()
    for operation in writes(club):
        answer = await send(manager, operation, {"surprise": 1})
        problem = judge(answer, 422, "not_valid", operation.id)
        assert problem["unknown_field"] == "surprise", operation.id
        assert problem["place"] == "$"
    assert await club.counts() == before


async def test_a_value_of_the_wrong_type_is_pointed_at(
    club: Club, manager: httpx.AsyncClient
) -> None:
    before = await club.counts()
    asked = 0
    for operation in writes(club):
        assert operation.request is not None
        for field in operation.request.__struct_encode_fields__:
            answer = await send(manager, operation, {field: {"no": "such shape"}})
            problem = judge(answer, 422, "not_valid", f"{operation.id} {field}")
            assert problem["place"].startswith(f"$.{field}"), (operation.id, problem)
            assert "xpected" in problem["detail"] or "no field" in problem["detail"]
            asked += 1
    assert asked > 40
    assert await club.counts() == before


async def test_only_json_is_taken(club: Club, manager: httpx.AsyncClient) -> None:
    before = await club.counts()
    kinds = (None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data")
    for kind, operation in itertools.product(kinds, writes(club)):
        await club.forget_limits()
        headers = {**key(), **({"Content-Type": kind} if kind else {})}
        answer = await manager.request(
            operation.method, address(operation), content=b"{}", headers=headers
        )
        judge(answer, 415, "not_json", f"{operation.id} {kind}")
    assert await club.counts() == before


async def test_a_huge_body_is_refused_whether_or_not_it_says_its_length(
    club: Club, manager: httpx.AsyncClient
) -> None:
    before = await club.counts()
    body = b'{"name":"' + b"a" * BODY_BYTES + b'"}'

    async def pieces() -> Any:
        for start in range(0, len(body), 16_384):
            yield body[start : start + 16_384]

    for told, operation in itertools.product((True, False), writes(club)):
        await club.forget_limits()
        answer = await manager.request(
            operation.method, address(operation), content=body if told else pieces(),
            headers={**key(), "Content-Type": "application/json"},
        )  # fmt: skip
        problem = judge(answer, 413, "body_too_large", operation.id)
        assert problem["limit_bytes"] == BODY_BYTES
    assert await club.counts() == before


async def test_another_method_is_told_which_ones_there_are(
    club: Club, manager: httpx.AsyncClient
) -> None:
    paths: dict[str, set[str]] = {}
    for operation in club.table:
        paths.setdefault(operation.path, set()).add(operation.method)
    for path, methods in paths.items():
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} - methods:
            answer = await manager.request(method, path.format(**VALUES), headers=key())
            judge(answer, 405, "method_not_allowed", f"{method} {path}")
            told = set(answer.headers["allow"].split(", "))
            assert told == methods | ({"HEAD"} if "GET" in methods else set()), path


async def test_the_socket_s_address_tells_plain_http_what_it_speaks(
    club: Club, manager: httpx.AsyncClient
) -> None:
    for method in ("GET", "HEAD"):
        answer = await manager.request(method, "/ws")
        assert (answer.status_code, answer.headers["upgrade"]) == (426, "websocket")
        assert answer.headers["connection"] == "Upgrade"
    told = judge(await (await club.client()).get("/ws"), 426, "upgrade_required", "GET /ws")
    assert "WebSocket client" in told["detail"]
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
        answer = await manager.request(method, "/ws", headers=key())
        judge(answer, 405, "method_not_allowed", f"{method} /ws")
        assert answer.headers["allow"] == "GET, HEAD"
    judge(await manager.get("/ws/"), 404, "route_not_found", "/ws/")


async def test_an_address_that_leads_nowhere_is_not_found(
    club: Club, manager: httpx.AsyncClient
) -> None:
    for path in ("/v1", "/v1/", "/v1/floor/", "/v2/floor", "/v1//floor", "/%2e%2e/etc/passwd"):
        judge(await manager.get(path), 404, "route_not_found", path)
    for path in (
        "/static/nothing.css", "/static/%2e%2e/app/main.py", "/static/..%2fapp", "/static/",
        "/static/pages/floor.html", "/static/js/%2e%2e/pages/floor.html", "/static/js",
        "/static/%00.js",
    ):  # fmt: skip
        judge(await manager.get(path), 404, "file_not_found", path)


async def test_a_nul_is_refused_wherever_it_stands(club: Club, manager: httpx.AsyncClient) -> None:
    before = await club.counts()
    for operation in club.table:
        await club.forget_limits()
        for name in operation.parameters:
            answer = await manager.request(
                operation.method, address(operation, **{name: "7%00"}),
                content=b"{}", headers={**key(), "Content-Type": "application/json"},
            )  # fmt: skip
            problem = judge(answer, 422, "not_valid", f"{operation.id} {name}")
            assert problem["place"] == f"{{{name}}}"
        if operation.query is not None:
            for field in operation.query.__struct_encode_fields__:
                answer = await manager.get(address(operation) + f"?{field}=%00")
                judge(answer, 422, "not_valid", f"{operation.id} {field}")
        if operation.request is not None:
            for field in operation.request.__struct_encode_fields__ or ("x",):
                answer = await send(manager, operation, {field: "a\x00b"})
                judge(answer, 422, "not_valid", f"{operation.id} {field}")
    assert await club.counts() == before


async def test_a_path_that_names_nothing_possible_is_not_valid(
    club: Club, manager: httpx.AsyncClient
) -> None:
    before = await club.counts()
    texts = ("x", "", "0", "-1", "NaN", "1e999", "%f0%9f%8d%b8", "7%0a", "a" * 900)
    for text, operation in itertools.product(texts, club.table):
        await club.forget_limits()
        for name in operation.parameters:
            answer = await manager.request(
                operation.method, address(operation, **{name: text}),
                content=b"{}", headers={**key(), "Content-Type": "application/json"},
            )  # fmt: skip
            assert answer.status_code in (404, 405, 422), (operation.id, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
    assert await club.counts() == before


async def test_a_date_that_no_calendar_has_is_not_valid(
    club: Club, manager: httpx.AsyncClient
) -> None:
    before = await club.counts()
    nights = ("2027-02-30", "2027-13-01", "0000-01-01", "9999-12-31", "2027-06-19%0a")
    for night, operation in itertools.product(nights, club.table):
        if "night" in operation.parameters:
            answer = await manager.request(
                operation.method, address(operation, night=night) + query_of(operation),
                content=b"{}", headers={**key(), "Content-Type": "application/json"},
            )  # fmt: skip
            judge(answer, 422, "not_valid", f"{operation.id} {night}")
    for night, (path, body) in itertools.product(("2027-02-30", "9999-12-31"), OF_NIGHT.items()):
        answer = await manager.post(path, json={**body, "night": night}, headers=key())
        assert judge(answer, 422, "not_valid", path)["place"] == "$.night"
    for wrong in ("2027-02-30T22:00:00.000Z", "9999-12-31T23:59:59.999Z"):
        body = {**OF_NIGHT["/v1/holds"], "night": NIGHT, "from": wrong}
        answer = await manager.post("/v1/holds", json=body, headers=key())
        assert judge(answer, 422, "not_valid", wrong)["place"] == "$.from"
    assert await club.counts() == before


async def test_a_night_that_does_not_exist_is_not_found(
    club: Club, manager: httpx.AsyncClient
) -> None:
    before = await club.counts()
    night = "2031-01-04"
    asked = []
    for operation in club.table:
        # Of a series each date says by itself what is wrong with it.
        if "night" in operation.parameters and operation.id != "get_nights_series":
            answer = await manager.request(
                operation.method, address(operation, night=night) + query_of(operation),
                content=b"{}" if operation.request else None,
                headers={**key(), "Content-Type": "application/json"},
            )  # fmt: skip
            judge(answer, 404, "night_not_found", operation.id)
            asked.append(operation.id)
    for path, body in OF_NIGHT.items():
        answer = await manager.post(path, json={**body, "night": night}, headers=key())
        judge(answer, 404, "night_not_found", path)
    assert len(asked) + 1 == sum("night" in one.parameters for one in club.table)
    assert await club.counts() == before


OF_NIGHT: dict[str, dict[str, Any]] = {
    "/v1/holds": {"tables": [2], "party": 4, "contact": {"name": "Ada"}},
    "/v1/walk-ins": {"tables": [2], "party": 4, "door": "main"},
    "/v1/tables/7/vacate": {},
    "/v1/tables/7/reset": {},
    "/v1/tables/7/block": {"reason": "spill"},
    "/v1/tables/7/unblock": {},
    "/v1/headcount": {"door": "main", "floor": "upstairs", "change": 1},
}


async def test_what_does_not_exist_is_not_found(club: Club, manager: httpx.AsyncClient) -> None:
    before = await club.counts()
    bodies = {
        "confirm": {"method": "cash", "amount_pence": 1},
        "move": {"tables": [3]},
        "swap": {"other_id": str(uuid4())},
        "merge": {"other_id": str(uuid4())},
        "split": {"party": 2, "tables": [3]},
    }
    for operation in club.table:
        if {"booking_id", "scan_id", "device_id"} & set(operation.parameters):
            if operation.permission == "scan:supervise":
                continue  # the PIN is asked for before anything is looked up
            body = bodies.get(operation.path.rsplit("/", 1)[1], {})
            answer = await send(manager, operation, body)
            assert answer.status_code == 404, (operation.id, answer.text)
    assert await club.counts() == before


QUERIES = (
    ("availability", "?"),
    ("availability?party=0", "?party"),
    ("availability?party=six", "?party"),
    ("availability?party=6&party=7", "?party"),
    ("availability?party=6&colour=red", "?"),
    ("availability?party=6&floor=attic", "?floor"),
    ("availability?party=6&feature=pool", "?feature"),
    ("availability?party=6&from=2027-06-19T99:00:00.000Z", "?from"),
    ("availability?party=99999999999999999999", "?party"),
    ("availability?%ff=1", "?"),
    ("state?version=-1", "?version"),
    ("state?version=1&at=2027-06-19T22:00:00.000Z", "?at"),
    ("state?at=yesterday", "?at"),
    ("state?at=24:00", "?at"),
    ("inside?at=23:60", "?at"),
    ("inside?at=2027-02-31T22:00:00.000Z", "?at"),
    ("state?audience=public", "?audience"),
    ("events?after=x", "?after"),
    ("events?limit=0", "?limit"),
    ("events?limit=501", "?limit"),
    ("bookings?search=", "?search"),
)


async def test_a_query_that_cannot_be_is_pointed_at(club: Club, manager: httpx.AsyncClient) -> None:
    for path, place in QUERIES:
        answer = await manager.get(f"/v1/nights/{NIGHT}/{path}")
        assert judge(answer, 422, "not_valid", path)["place"] == place, path


async def test_a_search_for_wildcards_finds_only_what_has_them(
    club: Club, manager: httpx.AsyncClient
) -> None:
    await club.held(manager, [2])
    found = {}
    for search in ("ada", "LOVELACE", "%", "_", "\\", "nobody of that name"):
        answer = await manager.get(f"/v1/nights/{NIGHT}/bookings", params={"search": search})
        found[search] = len(answer.json()["bookings"])
    assert found == {"ada": 1, "LOVELACE": 1, "%": 0, "_": 0, "\\": 0, "nobody of that name": 0}


KEYS: tuple[tuple[list[str], str], ...] = (
    ([], "idempotency_key_missing"),
    ([""], "idempotency_key_not_valid"),
    (["a b"], "idempotency_key_not_valid"),
    (["a" * 201], "idempotency_key_not_valid"),
    (["one", "two"], "idempotency_key_not_valid"),
)


async def test_a_write_without_one_good_key_is_refused(
    club: Club, manager: httpx.AsyncClient
) -> None:
    before = await club.counts()
    for (keys, reason), operation in itertools.product(KEYS, writes(club)):
        if not operation.idempotent:
            continue
        answer = await manager.request(
            operation.method, address(operation), content=b"{}",
            headers=[("Content-Type", "application/json"), *(("Idempotency-Key", k) for k in keys)],
        )  # fmt: skip
        judge(answer, 400, reason, f"{operation.id} {keys}")
    assert await club.counts() == before


async def test_the_same_key_gives_the_same_answer_and_another_body_is_refused(
    club: Club, manager: httpx.AsyncClient
) -> None:
    body = {"night": NIGHT, "tables": [2], "party": 4, "contact": {"name": "Ada"}}
    same = key()
    first = await manager.post("/v1/holds", json=body, headers=same)
    again = await manager.post("/v1/holds", json=body, headers=same)
    other = await manager.post("/v1/holds", json={**body, "tables": [3]}, headers=same)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    judge(other, 422, "key_reused", "another body")
    assert (await club.counts())["booking"] == 1


async def send(client: httpx.AsyncClient, operation: Operation, body: Any) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    query = "?tables=3" if operation.id == "get_bookings_move" else ""
    return await client.request(
        operation.method, address(operation) + query, content=content,
        headers={**key(), "Content-Type": "application/json"},
    )  # fmt: skip


def query_of(operation: Operation) -> str:
    needed = {"availability": "?party=4", "move": "?tables=3", "series": "?times=2&party=4"}
    return needed.get(operation.path.rsplit("/", 1)[1], "") if operation.query else ""
