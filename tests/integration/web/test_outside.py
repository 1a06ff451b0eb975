"""What surrounds every answer: headers, pages and their policies, the log, bugs, OpenAPI."""

import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest

from app.web.application import build
from app.web.logs import JsonLines
from app.web.operations import Call, Operation
from app.web.pages import PAGES, STATIC
from tests.integration.web.club import NIGHT, PASSWORD, Club, key

EVERYWHERE = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(self), microphone=(), geolocation=()",
    "x-frame-options": "DENY",
}


async def test_every_answer_has_the_headers_that_keep_a_browser_safe(club: Club) -> None:
    client = await club.client()
    for path in ("/", "/floor", "/v1/floor", "/v1/nights", "/nothing", "/v1/devices",
                 "/static/js/api.js", "/health/ready", "/openapi.json"):  # fmt: skip
        answer = await client.get(path)
        for name, value in EVERYWHERE.items():
            assert answer.headers[name] == value, (path, name)
        assert re.fullmatch(r"[0-9a-f-]{36}", answer.headers["x-request-id"])
        assert "server" not in answer.headers
        assert "strict-transport-security" not in answer.headers  # this is plain HTTP
        if not path.startswith("/static") and path not in PAGES:
            assert answer.headers["content-security-policy"].startswith("default-src 'none'")


STRIPE_JS = "https://js.stripe.com https://*.js.stripe.com"


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_allows_itself_nothing_inline_and_nobody_else(club: Club, path: str) -> None:
    client = await club.client()
    answer = await client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    parts = answer.headers["content-security-policy"].split("; ")
    policy = {name: rest for name, _, rest in (part.partition(" ") for part in parts)}
    assert policy["default-src"] == "'none'"
    stripe = path == "/pay"  # Stripe's script is allowed where a card is paid with, there alone
    scripts = {"/door": " 'wasm-unsafe-eval'", "/pay": f" {STRIPE_JS}"}.get(path, "")
    assert policy["script-src"] == f"'self'{scripts}"
    assert policy["style-src"] == "'self'"
    connections = "'self' ws://127.0.0.1:8000" + " https://api.stripe.com" * stripe
    assert policy["connect-src"] == connections
    frames = f"{STRIPE_JS} https://hooks.stripe.com" if stripe else None
    assert policy.get("frame-src") == frames
    assert policy.get("require-trusted-types-for") == (None if stripe else "'script'")
    assert ("stripe.com" in answer.headers["content-security-policy"]) is stripe
    assert "stripe.com" not in answer.text  # it is loaded when somebody pays by it, not before
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["object-src"] == "'none'"
    # And the page keeps to it: no inline script, style or handler.
    assert not re.search(
        r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=|javascript:", answer.text
    )
    for address in re.findall(r'(?:src|href)="(/static/[^"]+)"', answer.text):
        assert (await client.get(address)).status_code == 200, address


async def test_a_file_is_asked_for_again_and_sent_once(club: Club) -> None:
    client = await club.client()
    first = await client.get("/static/js/api.js")
    assert first.headers["cache-control"] == "no-cache"
    assert first.headers["content-encoding"] == "gzip"
    assert first.text == (STATIC / "js" / "api.js").read_text()
    plain = await client.get("/static/js/api.js", headers={"Accept-Encoding": "identity"})
    assert plain.content == (STATIC / "js" / "api.js").read_bytes()
    same = await client.get("/static/js/api.js", headers={"If-None-Match": first.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    head = await client.head("/static/js/api.js")
    assert head.status_code == 200
    assert (await client.post("/static/js/api.js")).status_code == 405


async def test_personal_answers_are_never_kept(club: Club) -> None:
    await club.open()
    client = await club.signed_in()
    held = await club.held(client, [2])
    for path in (
        "/v1/session", "/v1/devices", f"/v1/nights/{NIGHT}/guests", f"/v1/nights/{NIGHT}/bookings",
        f"/v1/nights/{NIGHT}/state", f"/v1/bookings/{held['booking_id']}",
    ):  # fmt: skip
        assert (await client.get(path)).headers["cache-control"] == "no-store", path


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """Every line that is logged, as it would be written."""
    lines: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.name != "httpx":  # the test's own client
                lines.append(self.format(record))

    handler = Kept()
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield lines
    root.removeHandler(handler)
    root.setLevel(before)


async def test_the_log_tells_each_request_and_none_of_its_secrets(
    club: Club, logged: list[str]
) -> None:
    await club.open()
    await club.staff("MANAGER", "mara")
    entrance = await club.client(Origin="http://127.0.0.1:8000")
    await entrance.post("/v1/session", json={"username": "mara", "password": PASSWORD})
    link = await club.link(await club.staff())
    await entrance.post("/v1/session", json={"link": link})
    client = await club.signed_in()
    held = await club.held(client, [2])
    paid = await client.post(
        f"/v1/holds/{held['booking_id']}/confirm",
        json={"method": "cash", "amount_pence": held["deposit_pence"]}, headers=key(),
    )  # fmt: skip
    code = paid.json()["code"]
    added = await club.added(client)
    pairing = added["pairing"]["code"]
    device = (await client.post("/v1/devices/pair", json={"code": pairing}, headers=key())).json()
    camera = await club.client(Authorization=f"Bearer {device['token']}")
    await camera.get(f"/v1/scans/{code}")
    await client.get(f"/v1/nights/{NIGHT}/bookings", params={"search": "Lovelace"})
    await client.get(f"/{code}/{held['token']}")
    await client.get(f"/v1/bookings/{held['booking_id']}", headers={"X-Secret": held["token"]})
    text = "\n".join(logged)
    secrets = (
        PASSWORD, link, held["token"], code, code[4:40], device["token"], client.cookies["sid"],
        pairing, pairing.replace("-", ""), "Lovelace", "ada@example.com", "Ada", "203.0.113.9",
        "mara",
    )  # fmt: skip
    assert [secret for secret in secrets if secret in text] == []
    assert held["booking_id"] in text  # the test would see what is logged
    lines = [json.loads(line) for line in logged]
    requests = [line for line in lines if line["logger"] == "backroom.access"]
    assert {line["route"] for line in requests} >= {"/v1/session", "/v1/holds", "other"}
    assert all({"request_id", "status", "milliseconds"} <= line.keys() for line in requests)


async def test_a_bug_is_logged_once_and_answered_without_its_inside(
    club: Club, logged: list[str]
) -> None:
    async def broken(call: Call) -> Any:
        raise ZeroDivisionError("the secret inside")

    table = (
        *club.table,
        Operation(
            method="GET", path="/v1/broken", handler=broken, permission=None, tag="health",
            summary="Breaks.",
        ),
    )  # fmt: skip
    club.app = build(club.parts, table)
    client = await club.client()
    answer = await client.get("/v1/broken")
    assert (answer.status_code, answer.json()["reason"]) == (500, "internal")
    assert "secret" not in answer.text
    found = [json.loads(line) for line in logged if "ZeroDivisionError" in line]
    assert len(found) == 1
    assert found[0]["request_id"] == answer.json()["request_id"]
    assert found[0]["level"] == "error"
    assert "the secret inside" in found[0]["traceback"]
    assert (await client.get("/v1/floor")).status_code == 200


async def test_the_interface_describes_itself_without_loose_ends(club: Club) -> None:
    client = await club.client()
    answer = await client.get("/openapi.json")
    document = answer.json()
    assert document["openapi"] == "3.1.0"
    described = {
        (method.upper(), path) for path, item in document["paths"].items() for method in item
    }
    assert described == {(one.method, one.path) for one in club.table}
    ids = []
    for operation in club.table:
        item = document["paths"][operation.path][operation.method.lower()]
        ids.append(item["operationId"])
        assert item["summary"].endswith(".")
        assert item.get("x-permission") == operation.permission
        names = re.findall(r"{(\w+)}", operation.path)
        in_path = [p["name"] for p in item.get("parameters", []) if p["in"] == "path"]
        assert in_path == names == list(operation.parameters), operation.id
        assert all(re.fullmatch(r"[1-5]\d\d", status) for status in item["responses"])
        assert any(status.startswith("2") for status in item["responses"])
        assert all(find(document, one)["description"] for one in item["responses"].values())
        keys = [p for p in item.get("parameters", []) if p["name"] == "Idempotency-Key"]
        assert bool(keys) == operation.idempotent
    assert len(set(ids)) == len(ids)
    pointers = references(document)
    assert len(pointers) > 50
    for pointer in pointers:
        assert find(document, {"$ref": pointer}), pointer
    used = set(references(document["paths"])) | set(references(document["components"]))
    for name in document["components"]["schemas"]:
        assert f"#/components/schemas/{name}" in used, f"{name} is described and never used"
    again = await client.get("/openapi.json", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [found for value in node.values() for found in references(value)]
    if isinstance(node, list):
        return [found for value in node for found in references(value)]
    return []


def find(document: Any, node: Any) -> Any:
    """What a `$ref` stands for, or the node itself."""
    if "$ref" not in node:
        return node
    for step in node["$ref"].removeprefix("#/").split("/"):
        document = document[step]
    return document
