"""Ten thousand things that are no code of tonight: each is refused, at once, with a reason.

Goal: whatever is held before a camera, nobody gets in by it and nothing breaks. Method: a genuine
code is damaged in every way that the design names, each bit of it once; the reader and the rules
judge all of them without a database, and their slowest hundredth is measured.
"""

import base64
import random
import string
from collections.abc import Iterator
from datetime import UTC, datetime
from time import perf_counter
from uuid import UUID

from app.domain.facts import Facts
from app.domain.sayings import SAYINGS
from app.domain.verdicts import Request, judge_scan
from scanners.codes import (
    CodeRefused,
    TicketClaims,
    base45,
    generate_key,
    mint,
    read_claims,
)

OWN, OTHER = generate_key(), generate_key()
KEYS = {7: OWN.public_key()}
VENUE = 1
AT_LEAST = 10_000
P99_SECONDS = 0.05


def claims(**changed: int) -> TicketClaims:
    return TicketClaims(
        **{  # type: ignore[arg-type]
            "key_id": 7, "generation": 1, "ticket_id": UUID(int=1, version=4), "venue": VENUE,
            "not_before": datetime(2026, 11, 21, 6, tzinfo=UTC), "valid_minutes": 1440, "party": 4,
            **changed,
        }
    )  # fmt: skip


GOOD = mint(claims(), OWN)


def malformed() -> Iterator[tuple[str, str]]:
    """What is shown, and what it is."""
    body = base45.decode(GOOD.removeprefix("BR1:"))
    yield from (("", "empty"), ("A" * 4096, "4 KB"), ("\0", "NUL"), (GOOD + "\0", "NUL behind"))
    yield from ((GOOD.lower(), "lower case"), (GOOD + " ", "space behind"), (" " + GOOD, "before"))
    yield from ((GOOD + "\n", "newline"), (GOOD[:-1], "cut"), (GOOD * 2, "twice"), ("é" * 144, "é"))
    yield mint(claims(venue=2), OWN), "other venue"
    yield mint(claims(), OTHER), "other key"
    yield mint(claims(key_id=8), OWN), "other key id"
    yield mint(claims(format=2), OWN), "other format"
    yield mint(claims(type=9), OWN), "other type"
    yield "https://backroom.example/t/" + GOOD, "URL"
    yield "eyJhbGciOiJFZERTQSJ9." + base64.urlsafe_b64encode(body).decode() + ".x", "JWT"
    yield "WIFI:T:WPA;S:Backroom;P:dance;;", "Wi-Fi"
    for bit in range(len(body) * 8):
        flipped = bytearray(body)
        flipped[bit // 8] ^= 1 << bit % 8
        yield "BR1:" + base45.encode(bytes(flipped)), f"bit {bit}"
    for place in range(len(GOOD)):
        for character in "0Z:é\0":
            if GOOD[place] != character:
                yield GOOD[:place] + character + GOOD[place + 1 :], f"character {place}"
    chance = random.Random(1)
    alphabet = string.printable + "ÅßЖ漢\U0001f378"
    for number in range(AT_LEAST):
        length = chance.choice((1, 16, 143, 144, 145, 300))
        text = "".join(chance.choices(alphabet, k=length))
        yield (f"BR1:{text}"[:144] if number % 2 else text), "chance"


def test_ten_thousand_malformed_codes_are_refused_at_once() -> None:
    seen, times = 0, []
    for text, what in malformed():
        began = perf_counter()
        reason = None
        try:
            read_claims(text, KEYS, venue=VENUE)
        except CodeRefused as refused:
            reason = refused.reason
        assert reason is not None, f"{what} was read as a code"
        found = judge_scan(Request("in", None, "upstairs", refused=reason), None, Facts(), None)
        times.append(perf_counter() - began)
        assert SAYINGS[found.reason].verdict == "refuse", what
        assert (found.reason, found.people) == (reason, 0), what
        seen += 1
    assert seen >= AT_LEAST
    assert sorted(times)[int(seen * 0.99)] < P99_SECONDS
    assert read_claims(GOOD, KEYS, venue=VENUE).party == 4, "undamaged it is one"
