"""Requests that no honest client sends, byte for byte over a port.

Goal: what a proxy in front and this service could read differently is refused, nothing that is
refused does any work, and no connection is kept for somebody who owes the rest.
"""

import re
from ipaddress import ip_network

from app.settings import Settings
from tests.integration.web.served import Served, serving

JSON = b"Content-Type: application/json\r\nIdempotency-Key: hostile-1\r\n"
CLOSE = b"Connection: close\r\n"
UPGRADE = (
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
# Every one asks for the list of nights; `%` stands for the right Host line.
HEADS: dict[str, tuple[bytes, int]] = {
    "as a browser asks": (b"GET /v1/nights HTTP/1.1\r\n%\r\n", 200),
    "its own name in the target": (b"GET http://@/v1/nights HTTP/1.1\r\n%\r\n", 200),
    "another name in the target": (b"GET http://evil.example/v1/nights HTTP/1.1\r\n%\r\n", 421),
    "a path in the host": (b"GET /v1/nights HTTP/1.1\r\nHost: @/health?y=\r\n\r\n", 421),
    "two hosts": (b"GET /v1/nights HTTP/1.1\r\n%Host: evil.example\r\n\r\n", 421),
    "no host": (b"GET /v1/nights HTTP/1.1\r\n\r\n", 421),
    "a host that is read by forwarding": (
        b"GET /v1/nights HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: @\r\n\r\n", 421,
    ),
    "another server's tunnel": (b"CONNECT evil.example:443 HTTP/1.1\r\n%\r\n", 400),
    "the server itself": (b"OPTIONS * HTTP/1.1\r\n%\r\n", 404),
    "an echo": (b"TRACE /v1/nights HTTP/1.1\r\n%X-Secret: s3cr3t\r\n\r\n", 405),
    "a method of its own": (b"PROPFIND /v1/nights HTTP/1.1\r\n%\r\n", 405),
    "no slash first": (b"GET v1/nights HTTP/1.1\r\n%\r\n", 400),
    "two slashes first": (b"GET //v1/nights HTTP/1.1\r\n%\r\n", 404),
    "dots": (b"GET /v1/x/../nights HTTP/1.1\r\n%\r\n", 404),
    "written dots": (b"GET /v1/x/%2e%2e/nights HTTP/1.1\r\n%\r\n", 404),
    "a parameter of the path": (b"GET /v1/nights;a=b HTTP/1.1\r\n%\r\n", 404),
    "bytes that are no text": (b"GET /\xff HTTP/1.1\r\n%\r\n", 400),
    "escapes that are no text": (b"GET /%ff%zz HTTP/1.1\r\n%\r\n", 404),
    "a space before the colon": (b"GET /v1/nights HTTP/1.1\r\n%X-A : b\r\n\r\n", 400),
    "a folded line": (b"GET /v1/nights HTTP/1.1\r\n%X-A: b\r\n c\r\n\r\n", 400),
    "a line without a name": (b"GET /v1/nights HTTP/1.1\r\n%: c\r\n\r\n", 400),
    "a carriage return alone": (b"GET /v1/nights HTTP/1.1\r\n%X-A: b\rX-B: c\r\n\r\n", 400),
    "a NUL": (b"GET /v1/nights HTTP/1.1\r\n%X-A: b\x00c\r\n\r\n", 400),
    "line feeds alone": (b"GET /v1/nights HTTP/1.1\n%\n", 400),
    "HTTP/2 without asking": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "a word in place of a method": (b"A" * 100 + b" / HTTP/1.1\r\n%\r\n", 400),
}  # fmt: skip
# What follows a POST's head: 0 is a connection that is closed without an answer.
BODIES: dict[str, tuple[bytes, int]] = {
    "as a program sends it": (b"Content-Length: 2\r\n\r\n{}", 422),
    "in chunks": (b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 422),
    "length and chunks": (
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        400,
    ),
    "chunks twice": (
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", 400
    ),
    "chunks of something else": (
        b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 400,
    ),
    "nearly chunks": (b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 0),
    "chunks ended by line feeds": (b"Transfer-Encoding: chunked\r\n\r\n2\n{}\n0\n\n", 0),
    "two lengths": (b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x", 400),
    "a list of lengths": (b"Content-Length: 2, 2\r\n\r\n{}", 400),
    "a signed length": (b"Content-Length: +2\r\n\r\n{}", 400),
    "a negative length": (b"Content-Length: -2\r\n\r\n{}", 400),
}  # fmt: skip


def status_of(answer: bytes) -> int:
    """0: there was none. A second answer would be somebody else's."""
    starts = re.findall(rb"^HTTP/1\.1 (\d{3}) ", answer, re.MULTILINE)
    assert len(starts) <= 1, answer
    return int(starts[0]) if starts else 0


async def test_a_head_that_can_be_read_in_two_ways_is_refused(served: Served) -> None:
    wrong, name = [], served.address.encode()
    for about, (head, expected) in HEADS.items():
        host = b"Host: " + name + b"\r\n" + CLOSE
        sent = head.replace(b"%\r\n", host + b"\r\n").replace(b"%X", host + b"X")
        sent = sent.replace(b"%:", host + b":").replace(b"%\n", host + b"\n")
        sent = sent.replace(b"%Host", host + b"Host").replace(b"@", name)
        answer = await served.raw(sent.replace(b"\r\n\r\n", b"\r\n" + CLOSE + b"\r\n", 1))
        if status_of(answer) != expected or b"s3cr3t" in answer:
            wrong.append((about, expected, answer[:300]))
    assert wrong == []


async def test_a_body_whose_end_can_be_seen_in_two_places_is_refused(served: Served) -> None:
    before = await served.club.counts()
    wrong = []
    for about, (rest, expected) in BODIES.items():
        head = b"POST /v1/holds HTTP/1.1\r\nHost: " + served.address.encode() + b"\r\n"
        answer = await served.raw(head + CLOSE + JSON + rest)
        if status_of(answer) != expected:
            wrong.append((about, expected, answer[:300]))
    assert wrong == []
    assert await served.club.counts() == before


async def test_nobody_who_may_not_is_asked_for_a_body(served: Served) -> None:
    head = b" HTTP/1.1\r\nHost: " + served.address.encode() + b"\r\n" + CLOSE + JSON
    expecting = head + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    assert status_of(await served.raw(b"POST /v1/devices" + expecting)) == 401
    # The same request where it is allowed is asked to go on: the test would see it.
    answer = await served.raw(b"POST /v1/holds" + expecting, b"{}")
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 422 ")


async def test_an_upgrade_that_is_not_ours_hides_no_second_request(served: Served) -> None:
    host = b"Host: " + served.address.encode() + b"\r\n"
    hidden = b"GET /v1/session HTTP/1.1\r\n" + host + CLOSE + b"\r\n"
    for word in (b"h2c", b"foo"):
        first = b"GET /health/live HTTP/1.1\r\n" + host + b"Connection: Upgrade\r\nUpgrade: "
        answer = await served.raw(first + word + b"\r\n\r\n" + hidden)
        assert status_of(answer) == 200
        assert b"connection: close" in answer.lower()


# The start of a handshake, what it has besides, and the answer.
HANDSHAKES = (
    (b"GET /ws", b"", 101),
    (b"POST /ws", b"", 405),
    (b"GET /v1/nights", b"", 403),
    (b"GET /nothing", b"", 403),
    (b"GET /ws", b"Origin: https://evil.example\r\n", 403),
    (b"GET /ws", b"Origin: null\r\n", 403),
    (b"GET /ws", b"Origin: http://@\r\nOrigin: http://@\r\n", 400),
    (b"GET /ws", b"Content-Length: 2\r\n", 400),
    (b"GET /ws", b"Cookie: " + b"a" * 9000 + b"\r\n", 400),
    (b"GET /ws", b"X-A: b\r\n" * 200, 400),
)


async def test_a_handshake_is_answered_or_its_connection_ends(served: Served) -> None:
    name = served.address.encode()
    for start, more, status in HANDSHAKES:
        head = start + b" HTTP/1.1\r\nHost: " + name + b"\r\n" + UPGRADE
        # The masked close frame ends the one that is a socket.
        end = b"\x88\x80\x00\x00\x00\x00" if status == 101 else b""
        answer = await served.raw(head + more.replace(b"@", name) + b"\r\n", end)
        assert status_of(answer) == status, (start, more[:40], answer[:200])


async def test_a_cookie_that_is_hard_to_read_costs_nobody_else_anything(served: Served) -> None:
    # The standard library's parser takes longer for it than an answer is waited for here: 17 s.
    cookie = b'Cookie: sid="' + rb"\a" * 30_000 + b'"\r\n'
    head = b"GET /v1/session HTTP/1.1\r\nHost: " + served.address.encode() + b"\r\n" + CLOSE
    assert status_of(await served.raw(head + cookie + b"\r\n")) == 401


async def test_over_tls_a_cookie_that_a_neighbour_could_have_set_does_not_count(
    settings: Settings,
) -> None:
    proxies = (ip_network("127.0.0.1"),)
    async with serving(settings, trusted_proxies=proxies) as served:
        sid = served.manager.cookies["sid"]
        forwarded = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"}
        asked = {}
        for cookie in (f"sid={sid}", f"__Host-sid={sid}", f"sid=x; __Host-sid={sid}; sid=y"):
            client = await served.club.client(("127.0.0.1", 1), Cookie=cookie, **forwarded)
            asked[cookie] = (await client.get("/v1/session")).status_code
        assert list(asked.values()) == [401, 200, 200]
