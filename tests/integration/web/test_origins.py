"""Other sites' pages, other host names, addresses behind proxies, and how often one may ask."""

import ipaddress
from collections.abc import AsyncIterator

import httpx
import pytest

from app.settings import Settings
from app.web.limits import STRANGER_READS, STRANGER_WRITES, Bucket, Window
from tests.integration.web.club import ORIGIN, Club, key, opened

BODY = {"name": "Camera", "kind": "camera", "door": "main"}


@pytest.mark.parametrize(
    ("headers", "passes"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": ORIGIN}, False),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"}, True),
        ({"Origin": ORIGIN}, True),
        ({"Origin": ORIGIN.upper()}, True),
        ({"Origin": "http://127.0.0.1:9999"}, False),
        ({"Origin": "https://127.0.0.1:8000"}, False),
        ({"Origin": "http://127.0.0.1:8000.evil.example"}, False),
        ({"Origin": "null"}, False),
        ({}, False),
    ],
)
async def test_a_write_with_a_cookie_comes_from_our_own_pages(
    club: Club, headers: dict[str, str], passes: bool
) -> None:
    client = await club.signed_in()
    del client.headers["Origin"]
    before = await club.counts()
    answer = await client.post("/v1/devices", json=BODY, headers={**key(), **headers})
    if passes:
        assert answer.status_code == 201
    else:
        assert (answer.status_code, answer.json()["reason"]) == (403, "cross_site")
        assert await club.counts() == before


async def test_another_site_cannot_sign_a_visitor_in_either(club: Club) -> None:
    link = await club.link(await club.staff())
    client = await club.client()
    evil = {"Origin": "https://evil.example"}
    refused = await client.post("/v1/session", json={"link": link}, headers=evil)
    assert (refused.status_code, refused.json()["reason"]) == (403, "cross_site")
    # A program without a cookie needs no Origin.
    assert (await client.post("/v1/session", json={"link": link})).status_code == 201


async def test_reads_need_no_origin_and_no_site_may_read_across(club: Club) -> None:
    client = await club.signed_in()
    answer = await client.get("/v1/nights", headers={"Origin": "https://evil.example"})
    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "evil.example:8000",
        "",
        "[::1",
        "127.0.0.1@evil.example",
    ],
)
async def test_a_foreign_host_is_refused(club: Club, host: str) -> None:
    client = await club.client()
    assert (await client.get("/v1/nights")).status_code == 200
    for path in ("/v1/nights", "/", "/floor", "/static/js/api.js"):
        answer = await client.get(path, headers={"Host": host})
        assert (answer.status_code, answer.json()["reason"]) == (421, "wrong_host")


async def test_our_own_hosts_are_answered(settings: Settings) -> None:
    changed = {"public_url": "https://tables.example.com", "allowed_hosts": ("10.0.0.8",)}
    async with opened(settings, **changed) as club:
        client = await club.client()
        for host in ("tables.example.com", "Tables.Example.Com:443", "10.0.0.8", "localhost:80"):
            assert (await client.get("/v1/nights", headers={"Host": host})).status_code == 200


@pytest.fixture
async def proxied(settings: Settings) -> AsyncIterator[Club]:
    proxies = (ipaddress.ip_network("10.1.0.0/16"),)
    async with opened(settings, trusted_proxies=proxies) as club:
        yield club


async def spend(client: httpx.AsyncClient, count: int) -> list[int]:
    return [(await client.get("/v1/nights")).status_code for _ in range(count)]


async def test_strangers_are_counted_by_their_address(
    club: Club, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.web.endpoint.STRANGER_READS", lower(STRANGER_READS, 3))
    one, other = await club.client(), await club.client(("198.51.100.7", 1))
    assert await spend(one, 5) == [200, 200, 200, 429, 429]
    assert await spend(other, 1) == [200]
    refused = await one.get("/v1/nights")
    assert 1 <= int(refused.headers["retry-after"]) <= 24 * 3600
    # What a stranger writes into a header changes nothing: no proxy is trusted here.
    refused = await one.get("/v1/nights", headers={"X-Forwarded-For": "192.0.2.55"})
    assert refused.status_code == 429


async def test_a_trusted_proxy_names_the_address_and_nobody_else_does(
    proxied: Club, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.web.endpoint.STRANGER_READS", lower(STRANGER_READS, 2))
    proxy = await proxied.client(("10.1.2.3", 1))

    async def through(chain: str) -> int:
        return (await proxy.get("/v1/nights", headers={"X-Forwarded-For": chain})).status_code

    assert [await through("192.0.2.1") for _ in range(3)] == [200, 200, 429]
    assert await through("192.0.2.2") == 200
    # The client wrote the left part itself: the address next to the proxy counts.
    assert await through("192.0.2.99, 192.0.2.1") == 429
    # One of ours in between is passed over.
    assert await through("192.0.2.1, 10.1.9.9") == 429
    # All addresses of one IPv6 network are one person.
    assert [await through(f"2001:db8::{n}") for n in range(1, 4)] == [200, 200, 429]
    assert await through("2001:db8:0:1::1") == 200


async def test_devices_have_a_bucket_of_their_own(
    club: Club, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.web.endpoint.DEVICE_CALLS", Bucket("device", 3, 0.001))
    one, other = await club.device(), await club.device()
    assert await spend(one, 5) == [200, 200, 200, 429, 429]
    assert await spend(other, 1) == [200]


async def test_without_redis_strangers_write_little_and_staff_go_on(
    club: Club, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = lower(STRANGER_WRITES, 3)
    monkeypatch.setattr("app.web.endpoint.STRANGER_WRITES", limit)
    staff, stranger = await club.signed_in(), await club.client()

    async def away(*_: object) -> int:
        raise ConnectionError("refused")

    monkeypatch.setattr(club.parts.limiter, "_ask", away)
    writes = [await stranger.post("/v1/holds", json={}, headers=key()) for _ in range(5)]
    assert [answer.status_code for answer in writes] == [422, 422, 422, 429, 429]
    assert await spend(stranger, 2) == [200, 200]
    for _ in range(6):
        answer = await staff.post("/v1/holds", json={}, headers=key())
        assert answer.status_code == 422


def lower(limit: Window, most: int) -> Window:
    """The limit with a small number; a day long, so that no test sees a window begin."""
    return Window(limit.name, most, 24 * 3600)
