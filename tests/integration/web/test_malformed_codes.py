"""What is no code of tonight, shown over HTTP: refused with its reason, and nothing moves by it."""

import random
from uuid import uuid4

from load.malformed import UNCHANGED, malformed, singles
from tests.integration.web.basement import Basement
from tests.integration.web.club import NIGHT

SHOWN = 300
BURST = 25  # of the 30 scans that a device may make at once


async def test_hundreds_of_malformed_codes_are_refused_each_for_its_reason(
    basement: Basement,
) -> None:
    """Each kind of damage, and some of all the rest; `load.malformed` shows the ten thousand."""
    await basement.here.scan(basement.code, 1)
    every = list(malformed(basement.code))
    kinds = len(list(singles(basement.code)))
    shown = every[:kinds] + random.Random(5).sample(every[kinds:], SHOWN - kinds)
    async with basement.club.looking() as conn:
        before = await conn.fetchval(UNCHANGED)
        assert before, "somebody's rows are seen"
        for number, one in enumerate(shown):
            if number % BURST == 0:
                await basement.club.forget_limits()
            answer = await basement.there.scan(one.text)
            assert answer["verdict"] == "refuse", one.what
            assert answer["reason"] in one.reasons, one.what
        assert await conn.fetchval(UNCHANGED) == before
        refused = await conn.fetchval(
            "SELECT count(*) FROM event WHERE book = $1 AND type = 'ENTRY_REFUSED'", NIGHT
        )
        assert refused == SHOWN, "each stands in the book"
        # A code is a secret, and so is a stranger's Wi-Fi: neither is in the book or a verdict.
        kept = await conn.fetchval(
            "SELECT (SELECT string_agg(payload::text, ' ') FROM event)"
            " || (SELECT string_agg(s::text, ' ') FROM scan s)"
        )
    assert not any(word in kept for word in ("WIFI", "eyJ", "BR1:", "example.org"))
    await basement.club.forget_limits()
    undamaged = await basement.there.scan(basement.code, 1)
    assert undamaged["verdict"] == "admit"
    await basement.agrees()


async def test_a_refusal_of_what_is_no_code_is_the_same_bytes_when_it_is_asked_again(
    basement: Basement,
) -> None:
    """Its NUL as well: what a stranger holds up is judged, and no fault of the tablet's request."""
    for text in ("", "\0", basement.code[:-1] + "\0"):
        body = {"scan_id": str(uuid4()), "door": "main", "code": text}
        first, again = [await basement.here.client.post("/v1/scans", json=body) for _ in range(2)]
        assert (first.status_code, first.json()["reason"]) == (200, "not_our_code")
        assert again.json() == {**first.json(), "replayed": True}
    # Elsewhere in the request it is still the device's own mistake.
    wrong = {"scan_id": str(uuid4()), "door": "main\0", "code": basement.code}
    answer = await basement.here.client.post("/v1/scans", json=wrong)
    assert (answer.status_code, answer.json()["reason"]) == (404, "door_not_found")
