"""Ten thousand things that are no code of tonight: each is refused, at once, with a reason.

Goal: whatever is held before a camera, nobody gets in by it and nothing breaks. Method: a genuine
code is damaged in every way that the design names, each bit of it once; the reader and the rules
judge all of them without a database. Over HTTP `load.malformed` shows the same ten thousand.
"""

from collections import Counter
from datetime import UTC, datetime
from time import thread_time
from uuid import UUID

from app.domain.facts import Facts
from app.domain.sayings import SAYINGS
from app.domain.verdicts import Request, judge_scan
from load.malformed import malformed
from scanners.codes import CodeRefused, TicketClaims, generate_key, mint, read_claims

OWN = generate_key()
KEYS = {7: OWN.public_key()}
VENUE = 1
AT_LEAST = 10_000
P99_SECONDS = 0.05
GOOD = mint(
    TicketClaims(
        key_id=7, generation=1, ticket_id=UUID(int=1, version=4), venue=VENUE,
        not_before=datetime(2026, 11, 21, 6, tzinfo=UTC), valid_minutes=1440, party=4,
    ),
    OWN,
)  # fmt: skip


def test_ten_thousand_malformed_codes_are_refused_at_once() -> None:
    times, kinds, reasons = [], Counter[str](), set()
    for text, what, right in malformed(GOOD):
        began = thread_time()
        reason = None
        try:
            read_claims(text, KEYS, venue=VENUE)
        except CodeRefused as refused:
            reason = refused.reason
        assert reason in right, what
        assert reason is not None
        found = judge_scan(Request("in", None, "upstairs", refused=reason), None, Facts(), None)
        times.append(thread_time() - began)
        assert SAYINGS[found.reason].verdict == "refuse", what
        assert (found.reason, found.people) == (reason, 0), what
        kinds[what] += 1
        reasons.add(reason)
    assert len(times) == AT_LEAST
    assert sum(kinds[f"bit {bit}"] for bit in range(93 * 8)) == 93 * 8, "each bit once"
    assert reasons == {"not_our_code", "wrong_venue", "unknown_key", "bad_signature"}
    assert sorted(times)[int(len(times) * 0.99)] < P99_SECONDS
    assert read_claims(GOOD, KEYS, venue=VENUE).party == 4, "undamaged it is one"


def test_a_seed_gives_the_same_codes_and_no_text_of_them_is_shown() -> None:
    signed = {"other venue", "other key", "other key's number", "other format", "other type",
              "a larger party", "the next generation"}  # fmt: skip
    first, second = (
        [one for one in malformed(GOOD, 2000) if one.what not in signed] for _ in range(2)
    )
    assert first == second
    assert first != [one for one in malformed(GOOD, 2000, seed=2) if one.what not in signed]
    assert not any(GOOD[10:40] in repr(one) for one in first)
