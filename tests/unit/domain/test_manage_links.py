"""A manage link: one spelling, one purpose, one booking, for a time."""

import base64
import hmac
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.manage_links import (
    GENERATIONS_MAX,
    PREFIX,
    LinkRefused,
    ManageLink,
    expiry_of,
    link_key,
    mint_link,
    read_link,
)
from app.domain.tokens import derived_token

SECRET = "5a" * 32
KEY = link_key(SECRET)
NOW = datetime(2026, 11, 21, 23, 0, tzinfo=UTC)
LINK = ManageLink("2f1c9f5e-0a6b-4c58-9a54-0d6d1f1d2e3c", 1, datetime(2026, 11, 29, 6, tzinfo=UTC))
TOKEN = mint_link(KEY, LINK)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def refused(token: str, now: datetime = NOW, key: bytes = KEY) -> str:
    with pytest.raises(LinkRefused) as caught:
        read_link(key, token, now)
    return str(caught.value)


@given(
    booking=st.uuids(),
    generation=st.integers(1, GENERATIONS_MAX),
    seconds=st.integers(int(NOW.timestamp()) + 1, 0xFFFF_FFFF),
)
def test_a_link_says_what_was_put_into_it(booking: UUID, generation: int, seconds: int) -> None:
    link = ManageLink(str(booking), generation, datetime.fromtimestamp(seconds, UTC))
    token = mint_link(KEY, link)
    assert len(token) == 60
    assert read_link(KEY, token, NOW) == link


def test_no_character_can_be_another_one() -> None:
    assert read_link(KEY, TOKEN, NOW) == LINK
    for place in range(len(PREFIX), len(TOKEN)):
        for other in ALPHABET:
            if other != TOKEN[place]:
                refused(TOKEN[:place] + other + TOKEN[place + 1 :])


@pytest.mark.parametrize(
    "token",
    [
        "",
        PREFIX,
        TOKEN[:-1],
        TOKEN[: len(PREFIX)] + TOKEN[len(PREFIX) + 4 :],
        TOKEN + "A",
        TOKEN + "\n",
        TOKEN + "==",
        " " + TOKEN,
        TOKEN.upper(),
        TOKEN.removeprefix(PREFIX),
        "dev_" + TOKEN.removeprefix(PREFIX),
        TOKEN[:20] + " " + TOKEN[20:],
        TOKEN[:20] + "\u0661" + TOKEN[21:],
        TOKEN.replace("_", "/") if "_" in TOKEN[4:] else TOKEN[:-1] + "/",
        TOKEN[:-1] + "+",
    ],
)
def test_another_spelling_is_refused(token: str) -> None:
    refused(token)


def test_what_is_signed_for_another_purpose_or_by_another_service_is_refused() -> None:
    body = base64.urlsafe_b64decode(TOKEN.removeprefix(PREFIX))[:22]
    for key in (bytes.fromhex(SECRET), link_key("5b" * 32)):
        mac = hmac.digest(key, body, "sha256")[:20]
        forged = PREFIX + base64.urlsafe_b64encode(body + mac).decode()
        assert refused(forged) == "not signed by this service"
    refused(PREFIX + derived_token(SECRET, "owner", LINK.booking_id))
    # The same with the right key is the link itself: the difference above is the key's.
    mac = hmac.digest(KEY, body, "sha256")[:20]
    assert PREFIX + base64.urlsafe_b64encode(body + mac).decode() == TOKEN


def test_a_link_ends_at_its_second() -> None:
    assert read_link(KEY, TOKEN, LINK.expires_at - timedelta(microseconds=1)) == LINK
    assert refused(TOKEN, LINK.expires_at) == "over"


def test_a_link_lasts_a_week_after_the_night_or_after_today() -> None:
    night_ends = datetime(2026, 11, 22, 6, tzinfo=UTC)
    assert expiry_of(night_ends, NOW) == night_ends + timedelta(days=7)
    later = night_ends + timedelta(days=30, microseconds=5)
    assert expiry_of(night_ends, later) == night_ends + timedelta(days=37)


@pytest.mark.parametrize(
    "link",
    [
        ManageLink(LINK.booking_id, 0, LINK.expires_at),
        ManageLink(LINK.booking_id, GENERATIONS_MAX + 1, LINK.expires_at),
        ManageLink(LINK.booking_id, 1, datetime(2107, 1, 1, tzinfo=UTC)),
        ManageLink(LINK.booking_id, 1, LINK.expires_at + timedelta(milliseconds=1)),
    ],
)
def test_what_a_link_cannot_hold_is_not_minted(link: ManageLink) -> None:
    with pytest.raises(ValueError, match="a link"):
        mint_link(KEY, link)
