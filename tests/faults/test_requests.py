"""Everything bad that can be sent, over TCP, to every operation that `/openapi.json` describes.

What each refusal says is held by `tests/integration/web/test_bad_input.py`; here the whole service
with its HTTP parser is asked, and the books of all nights are compared before and after.
"""

import json
import re
import socket
from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.premises import Premises, address
from tests.probes import query

NIGHT = "2030-01-05"  # a Saturday that is not open
# The nights of earlier tests are sealed meanwhile, by the sweeper.
HEADS = """
SELECT string_agg(name || ':' || version, ' ' ORDER BY name) FROM book
 WHERE name >= '{tonight}' OR name <= '{night}'
"""
TWO_LENGTHS = b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}"
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"}


def operations(http: httpx.Client) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path with values that name nothing, method, description."""
    for path, methods in http.get("/openapi.json").json()["paths"].items():
        filled = path.replace("{night}", NIGHT).replace("{number}", "7")
        filled = re.sub(r"\{\w+_id\}", lambda _: str(uuid4()), filled)
        for method, description in methods.items():
            if method in ("get", "post", "patch", "delete", "put"):
                yield filled, method.upper(), description


def heads(premises: Premises) -> object:
    return query(premises.urls().owner, HEADS.format(tonight=premises.night, night=NIGHT))


BAD_BODIES: dict[str, bytes] = {
    "malformed": b'{"night": ',
    "not an object": b'["night"]',
    "unknown field": b'{"surprise": true}',
    "not UTF-8": b'{"night": "\xff\xfe"}',
    "NUL": b'{"night": "2030\\u000001-05", "name": "\\u0000"}',
    "deep": b"[" * 30_000,
    "absurd": json.dumps(
        {"night": NIGHT, "party": 10**30, "tables": [-1, 1e300], "people": -5, "change": 2**63}
    ).encode(),
    "wrong types": json.dumps(
        {"night": 7, "tables": "7", "party": [], "door": {}, "scan_id": 1, "method": None,
         "token": False, "username": 1, "kind": 2, "reason": []}
    ).encode(),
    "huge": json.dumps({"name": "x" * 100_000}).encode(),
}  # fmt: skip


# What only a tablet, or only a customer, may do.
NOT_OF_STAFF = {"device:self", "pin:use", "lease:use", "own:export", "own:erase", "own:link"}


def test_no_bad_body_is_a_fault_of_the_service_or_writes_a_line(
    premises: Premises, night: str
) -> None:
    answers: Counter[int] = Counter()
    with premises.office() as office, premises.desk() as manager:
        before = heads(premises)
        assert f"{night}:1" in str(before)
        theirs = manager.get("/v1/session").json()["permissions"]
        for path, method, description in operations(office):
            if "requestBody" not in description:
                continue
            # One person alone would meet the limit of writes in a minute.
            by_manager = description.get("x-permission") in theirs and not description["x-step-up"]
            desk = manager if by_manager else office
            for kind, body in BAD_BODIES.items():
                answer = desk.request(
                    method, path, content=body,
                    headers={
                        "Content-Type": "application/json",
                        "Idempotency-Key": str(uuid4()),
                        "X-Forwarded-For": address(),
                    },
                )  # fmt: skip
                judge(answer, f"{method} {path} {kind}")
                if description.get("x-permission") in NOT_OF_STAFF:
                    assert answer.status_code == 403
                    continue
                answers[answer.status_code] += 1
    assert set(answers) == {400, 413, 422}, answers
    assert sum(answers.values()) > 180, answers
    assert heads(premises) == before


def test_no_address_or_method_is_a_fault_of_the_service_or_writes_a_line(
    premises: Premises, night: str
) -> None:
    with premises.office() as desk:
        before = heads(premises)
        assert f"{night}:1" in str(before)
        table = list(operations(desk))
        taken: dict[str, set[str]] = {}
        for path, method, _ in table:
            taken.setdefault(re.sub(r"[0-9a-f-]{36}", "{id}", path), set()).add(method)
        asked = 0
        for path, method, description in table:
            others = METHODS - taken[re.sub(r"[0-9a-f-]{36}", "{id}", path)]
            for other in others:
                judge(ask(desk, other, path), f"{other} {path}", 405)
            bad = [path + "/%00", path + "%00", path + "/../../x"]
            if NIGHT in path:
                bad += [path.replace(NIGHT, text) for text in ("tonight", "9" * 400, "2030-13-45")]
            if method == "GET" and "parameters" in description:
                bad += [f"{path}?%00=%00", f"{path}?party=-1&party=2", f"{path}?party={10**40}"]
            for address_ in bad:
                answer = ask(desk, method, address_)
                # A query that an operation does not read is no concern of it.
                if not (answer.status_code == 200 and "?" in address_ and "{" not in path):
                    judge(answer, f"{method} {address_}")
                asked += 1
    assert asked > 100
    assert heads(premises) == before


def ask(desk: httpx.Client, method: str, path: str) -> httpx.Response:
    headers = {"Idempotency-Key": str(uuid4()), "X-Forwarded-For": address()}
    content = None if method == "GET" else b"{}"
    if content is not None:
        headers["Content-Type"] = "application/json"
    return desk.request(method, path, content=content, headers=headers)


def judge(answer: httpx.Response, about: str, status: int | None = None) -> None:
    """It is a problem document of 4xx that says what to do."""
    assert 400 <= answer.status_code < 500, f"{about}: {answer.status_code} {answer.text[:300]}"
    if status is not None:
        assert answer.status_code == status, f"{about}: {answer.text[:300]}"
    assert answer.headers["content-type"] == "application/problem+json", about
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["reason"], about
    assert re.fullmatch(r"[A-Z`].*[.)]", problem["detail"], re.DOTALL), f"{about}: {problem}"


@pytest.mark.parametrize(
    ("request_", "statuses"),
    [
        (b"GET /v1/floor\x00 HTTP/1.1\r\nHost: {host}\r\n\r\n", {400, 404}),
        (b"\x16\x03\x01\x02\x00\x01\x00", {400}),
        (b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", {421}),
        (b"GET / HTTP/1.1\r\n\r\n", {400, 421}),
        (b"POST /v1/holds HTTP/1.1\r\nHost: {host}\r\nContent-Length: -5\r\n\r\n", {400}),
        (b"POST /v1/holds HTTP/1.1\r\nHost: {host}\r\n" + TWO_LENGTHS, {400}),
        (b"BREW / HTTP/1.1\r\nHost: {host}\r\n\r\n", {400}),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: {host}\r\n\r\n", {400, 404, 414, 431}),
        (b"GET / HTTP/1.1\r\nHost: {host}\r\nCookie: sid=" + b"\xff" * 50 + b"\r\n\r\n", {200}),
        (b"GET /v1/session HTTP/1.1\r\nHost: {host}\r\nCookie: sid=\xff\x01\r\n\r\n", {400, 401}),
        (
            b"GET /v1/session HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer \xff\r\n\r\n",
            {400, 401},
        ),
    ],
    ids=[
        "NUL in the line", "TLS", "another host", "no host", "negative length",
        "two lengths", "no method", "long line", "odd cookie to a page", "odd cookie", "odd token",
    ],
)  # fmt: skip
def test_bytes_that_are_no_request_of_ours_are_refused_and_the_service_goes_on(
    premises: Premises, request_: bytes, statuses: set[int]
) -> None:
    host = f"127.0.0.1:{premises.port}".encode()
    with socket.create_connection(("127.0.0.1", premises.port), timeout=5) as plain:
        plain.sendall(request_.replace(b"{host}", host))
        answer = plain.recv(65_536)
    assert re.match(rb"HTTP/1\.1 \d{3} ", answer), answer[:200]
    assert int(answer[9:12]) in statuses, answer[:300]
    assert premises.is_ready()
