"""What each answer means; the proper one is changed in one thing at a time."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanners.answers import AskAgain, Decided, Dismissed, Meaning, Rejected, meaning_of

ANSWER = {
    "replayed": False,
    "name": "Ada L.",
    "scan_id": "s-1",
    "verdict": "admit",
    "reason": "admitted",
    "title": "Come in",
    "instruction": "Table 7",
    "people": 1,
}


def meaning(status: int, body: bytes, retry_after: str | None = None) -> Meaning:
    return meaning_of(status, body, scan_id="s-1", retry_after=retry_after)


def changed(**fields: object) -> bytes:
    return json.dumps(ANSWER | fields).encode()


@pytest.mark.parametrize("verdict", ["admit", "wait", "refuse"])
def test_a_verdict_is_taken_as_it_is(verdict: str) -> None:
    found = meaning(200, changed(verdict=verdict, replayed=True))
    assert isinstance(found, Decided)
    assert (found.verdict, found.replayed, found.title) == (verdict, True, "Come in")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Welcome to the hotel's Wi-Fi</html>",
        b"[]",
        b"\xff\xfe",
        changed(verdict="yes"),
        changed(scan_id="s-2"),
        changed(title=None),
        json.dumps({"verdict": "admit"}).encode(),
    ],
)
def test_what_is_no_proper_verdict_is_never_one(body: bytes) -> None:
    assert isinstance(meaning(200, body), AskAgain)


@pytest.mark.parametrize("status", [401, 403])
def test_a_device_that_is_not_known_is_told_what_to_do(status: int) -> None:
    found = meaning(status, b'{"reason": "device_revoked"}')
    assert isinstance(found, Dismissed)
    assert "device_revoked" in found.why
    assert "pair the camera again" in found.why


def test_a_camera_of_another_night_is_not_dismissed() -> None:
    found = meaning(403, b'{"reason": "out_of_scope"}')
    assert isinstance(found, Rejected)
    assert "another night" in found.why


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again(status: int) -> None:
    assert meaning(status, b"") == AskAgain(f"server busy ({status})")


@pytest.mark.parametrize(
    ("wish", "seconds"),
    [("2", 2.0), ("3600", 5.0), ("-1", None), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("", None)],
)
def test_the_servers_wish_to_wait_is_kept_within_bounds(wish: str, seconds: float | None) -> None:
    assert meaning(429, b"", wish) == AskAgain("server busy (429)", seconds)


@pytest.mark.parametrize("status", [400, 409, 413, 422])
def test_a_scan_that_is_refused_as_a_request_is_over(status: int) -> None:
    found = meaning(status, b'{"reason": "scan_id_reused", "detail": "..."}')
    assert isinstance(found, Rejected)
    assert "scan_id_reused" in found.why


def test_a_wrong_address_is_named_as_such() -> None:
    for status in (301, 302, 404, 405):
        found = meaning(status, b"")
        assert isinstance(found, AskAgain | Rejected)
        assert "check --server" in found.why


def test_words_of_the_server_cannot_forge_a_line() -> None:
    found = meaning(200, changed(title="Wait\r\n23:41:07  ADMIT\x1b[2J", instruction="x" * 9999))
    assert isinstance(found, Decided)
    assert found.title == "Wait  23:41:07  ADMIT [2J"
    assert len(found.instruction) == 160


@given(st.integers(100, 599), st.binary(max_size=300), st.none() | st.text(max_size=10))
def test_no_answer_at_all_raises_or_admits(status: int, body: bytes, wish: str | None) -> None:
    assert not isinstance(meaning(status, body, wish), Decided)
