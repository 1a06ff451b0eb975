"""Ten thousand things that are no code of tonight, shown to the door: `python -m load.malformed`.

Everything is real: `backroom serve` with its embedded Postgres (fsync on) and Redis, limits on. A
genuine code is damaged in every way that the design names, each bit of it once, and strangers'
codes are held up beside it. A hundred paired devices scan a hundred of these a second, whatever the
answers do (the time runs from when a scan was due). Each is refused with the reason that its damage
has, p99 within 50 ms, and no other status than 200; afterwards tickets, bookings, payments and the
people inside are what they were, the book has one refusal for each, and the undamaged code is
admitted.

Exit code 1 when one of these is missed. The same codes are shown to the rules, to the interface and
to a camera in the tests: `malformed` is their one source, the same for the same seed.
"""

import argparse
import asyncio
import base64
import json
import random
import secrets
import string
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4

import asyncpg
import uvloop

from load.attempts import judged
from load.door_rush import DOOR, Rush, percentiles, set_up
from load.event_rate import NIGHT, Customer
from load.house import House
from load.options import whole
from scanners.codes import FORMAT, PREFIX, TYPE_PARTY, TicketClaims, base45, generate_key, mint

CODES: Final = 10_000
SEED: Final = 20261121
PER_SECOND: Final = 100
CONNECTIONS: Final = 16
P99_MS: Final = 50.0
# What no refusal may change: every row of it in one text, the owner's eyes open to all of them.
UNCHANGED: Final = """
SELECT (SELECT md5(string_agg(t::text, '|' ORDER BY t.id)) FROM ticket t)
    || (SELECT md5(string_agg(b::text, '|' ORDER BY b.id)) FROM booking b)
    || (SELECT md5(string_agg(p::text, '|' ORDER BY p::text)) FROM payment p)
    || (SELECT md5(string_agg(h::text, '|' ORDER BY h::text)) FROM headcount h)
"""
REFUSED: Final = """
SELECT count(*) FROM event WHERE type = 'ENTRY_REFUSED' AND book = $1
"""
NOT_OURS: Final = frozenset({"not_our_code"})
# A key's number that another night has is known, and then the signature is not of that key.
KEY: Final = frozenset({"unknown_key", "bad_signature"})
FORGED: Final = frozenset({"bad_signature"})
VENUE: Final = frozenset({"wrong_venue"})


class Malformed(NamedTuple):
    """What is held up, what is wrong with it, and the reasons of which one is right."""

    text: str
    what: str
    reasons: frozenset[str]

    def __repr__(self) -> str:
        return f"Malformed({self.what!r})"


def reasons_at(byte: int) -> frozenset[str]:
    """Why a code is refused whose body or signature differs in this byte."""
    if byte in (0, 2):  # format, type
        return NOT_OURS
    if byte == 1:
        return KEY
    return VENUE if byte in (20, 21) else FORGED


def flips(good: str) -> Iterator[Malformed]:
    """The code with each single bit of what it encodes turned round."""
    body = base45.decode(good.removeprefix(PREFIX))
    for bit in range(len(body) * 8):
        flipped = bytearray(body)
        flipped[bit // 8] ^= 1 << bit % 8
        # One type may become the other, which only the signature tells.
        reasons = NOT_OURS | FORGED if bit // 8 == 2 else reasons_at(bit // 8)
        yield Malformed(PREFIX + base45.encode(bytes(flipped)), f"bit {bit}", reasons)


def forged(good: str, **changed: Any) -> str:
    """What the code states, with changes, signed by somebody who has no key of the venue."""
    body = base45.decode(good.removeprefix(PREFIX))
    stated: dict[str, Any] = {
        "key_id": body[1], "generation": body[3], "ticket_id": UUID(bytes=body[4:20]),
        "venue": int.from_bytes(body[20:22], "big"),
        "not_before": datetime.fromtimestamp(int.from_bytes(body[22:26], "big"), UTC),
        "valid_minutes": int.from_bytes(body[26:28], "big"), "party": body[28],
        "type": TYPE_PARTY, "format": FORMAT,
    }  # fmt: skip
    return mint(TicketClaims(**(stated | changed)), generate_key())


def singles(good: str) -> Iterator[Malformed]:
    """Each kind of damage once."""
    raw = base64.urlsafe_b64encode(base45.decode(good.removeprefix(PREFIX))).decode()
    for text, what in (
        ("", "empty"), (PREFIX, "prefix alone"), ("A" * 4096, "4 KB"),
        (PREFIX + "A" * 4092, "4 KB of ours"), ("\0", "NUL"), (good + "\0", "NUL behind"),
        (good[:-1] + "\0", "NUL at the end"), ("\0" + good[1:], "NUL before"),
        (good.lower(), "lower case"), (good + " ", "space behind"), (" " + good, "space before"),
        (good + "\n", "newline behind"), (good + "\r\n", "scanner's ending"), (good[:-1], "cut"),
        (good * 2, "twice"), ("BR2:" + good[4:], "other prefix"), ("é" * 144, "é"),
        (PREFIX + "\U0001d7d8" * 140, "another alphabet's digits"), ("\u202e" + good, "turned"),
        ("HC1:" + good[4:], "health certificate"), (raw, "another encoding"),
        (f"https://backroom.example/t/{good}", "URL"), ("javascript:alert(1)", "script"),
        (f"eyJhbGciOiJFZERTQSJ9.{raw}.x", "JWT"), ("eyJhbGciOiJub25lIn0.e30.", "JWT of none"),
        ("WIFI:T:WPA;S:Backroom;P:dance;;", "Wi-Fi"), ("' OR 1=1 --", "SQL"),
        ("MECARD:N:Doe,Jo;TEL:+44770090;;", "contact"), ('{"code": null}', "JSON"),
    ):  # fmt: skip
        yield Malformed(text, what, NOT_OURS)
    body = base45.decode(good.removeprefix(PREFIX))
    venue = int.from_bytes(body[20:22], "big")
    yield Malformed(forged(good, venue=venue ^ 1), "other venue", VENUE)
    yield Malformed(forged(good), "other key", FORGED)
    yield Malformed(forged(good, key_id=body[1] ^ 0x80), "other key's number", KEY)
    yield Malformed(forged(good, format=2), "other format", NOT_OURS)
    yield Malformed(forged(good, type=9), "other type", NOT_OURS)
    yield Malformed(forged(good, party=60), "a larger party", FORGED)
    yield Malformed(forged(good, generation=body[3] + 1), "the next generation", FORGED)


def by_chance(good: str, chance: random.Random) -> Malformed:
    """One more, of a kind and with details that chance gives."""
    body = bytearray(base45.decode(good.removeprefix(PREFIX)))
    printable = string.printable + "ÅßЖ漢\U0001f378\0"
    letters = "".join(chance.choices(string.ascii_letters + string.digits, k=chance.randint(1, 80)))
    match chance.randrange(10):
        case 0:
            text = "".join(chance.choices(printable, k=chance.choice((1, 16, 143, 145, 300))))
            return Malformed(text, "any text", NOT_OURS)
        case 1:
            text = PREFIX + "".join(chance.choices(printable, k=140))
            return Malformed(text.replace(":", ";"), "any text in our dress", NOT_OURS)
        case 2:
            body[29:] = chance.randbytes(64)
            return Malformed(PREFIX + base45.encode(bytes(body)), "any signature", FORGED)
        case 3:
            body[4:20] = chance.randbytes(16)
            return Malformed(PREFIX + base45.encode(bytes(body)), "any ticket", FORGED)
        case 4:
            at = chance.randrange(len(good))
            wrong = chance.choice("abcz\0é!#&(_~")
            return Malformed(good[:at] + wrong + good[at + 1 :], f"character {at}", NOT_OURS)
        case 5:
            return Malformed(good[: chance.randrange(len(good))], "cut", NOT_OURS)
        case 6:
            return Malformed(good + " " * chance.randint(1, 9), "spaces behind", NOT_OURS)
        case 7:
            return Malformed(f"https://example.org/{letters}", "URL", NOT_OURS)
        case 8:
            return Malformed(f"WIFI:T:WPA;S:{letters};P:{letters[::-1]};;", "Wi-Fi", NOT_OURS)
        case _:
            return Malformed(f"eyJhbGciOiJIUzI1NiJ9.{letters}.{letters}", "JWT", NOT_OURS)


def malformed(good: str, count: int = CODES, seed: int = SEED) -> Iterator[Malformed]:
    """So many, the same for the same code and seed: each kind, each bit, and then by chance.

    Only what a stranger signs has a key of its own, new each time."""
    made = 0
    chance = random.Random(seed)
    for one in (*singles(good), *flips(good)):
        if made < count:
            made += 1
            yield one
    for _ in range(count - made):
        yield by_chance(good, chance)


async def shown(rush: Rush, codes: list[Malformed]) -> tuple[list[float], Counter[str], list[str]]:
    """Milliseconds of each scan from when it was due; the answers; what was not as it must be."""
    due: asyncio.Queue[tuple[float, int]] = asyncio.Queue()
    took: list[float] = []
    answers: Counter[str] = Counter()
    wrong: list[str] = []

    async def door() -> None:
        customer = Customer(*await asyncio.open_connection("127.0.0.1", rush.port))
        while (turn := await due.get())[1] >= 0:
            at, number = turn
            one = codes[number]
            body = {"scan_id": str(uuid4()), "door": DOOR, "code": one.text}
            token = rush.tokens[number % len(rush.tokens)]
            status, answer = await customer.send(
                "POST", "/v1/scans", "127.0.0.1", json.dumps(body).encode(), token
            )
            took.append((time.perf_counter() - at) * 1000)
            said = f"{status} {answer.get('verdict', '')} {answer.get('reason', '')}"
            answers[said] += 1
            if (status, answer.get("verdict")) != (200, "refuse") or (
                answer["reason"] not in one.reasons
            ):
                wrong.append(f"{one.what}: {said}")

    doors = [asyncio.create_task(door()) for _ in range(CONNECTIONS)]
    began = time.perf_counter() + 0.1
    for number in range(len(codes)):
        at = began + number / PER_SECOND
        await asyncio.sleep(max(0.0, at - time.perf_counter()))
        due.put_nowait((at, number))
    for _ in doors:
        due.put_nowait((0.0, -1))
    await asyncio.gather(*doors)
    return took, answers, wrong


async def entered(rush: Rush) -> str:
    """The verdict on one of the genuine code, by a connection of its own: an idle one is closed."""
    customer = Customer(*await asyncio.open_connection("127.0.0.1", rush.port))
    verdict: str = (await rush.scan(customer, rush.parties[0], "in"))["verdict"]
    return verdict


async def measure(service: House, rush: Rush, count: int) -> bool:
    good = rush.parties[0].code
    conn = await asyncpg.connect(**service.database("owner"))
    try:
        await entered(rush)  # plans are made, and somebody is inside
        before = await conn.fetchval(UNCHANGED)
        assert before, "the owner sees no rows, so nothing would be proven"
        took, answers, wrong = await shown(rush, list(malformed(good, count)))
        same = await conn.fetchval(UNCHANGED) == before
        refused = await conn.fetchval(REFUSED, NIGHT)
        genuine = await entered(rush)
    finally:
        await conn.close()
    p50, p99 = percentiles(took)
    print(f"{count} malformed codes, answers: {dict(answers)}")
    for line in wrong[:20]:
        print(f"  not as it must be: {line}")
    return all([
        judged("refused with the right reason", not wrong, f"{count - len(wrong)} of {count}"),
        judged("p99 of a refusal", p99 < P99_MS,
               f"{p99:.1f} ms, p50 {p50:.1f} ms, slowest {max(took):.0f} ms"
               f" (budget {P99_MS:.0f} ms at {PER_SECOND} a second)"),
        judged("tickets, bookings, payments, people inside", same, "the same" if same else "else"),
        judged("refusals in the book", refused == count, str(refused)),
        judged("the undamaged code", genuine == "admit", genuine),
    ])  # fmt: skip


def main() -> int:
    options = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    options.add_argument("--codes", type=whole, default=CODES, help="that are scanned")
    given = options.parse_args()
    demo_token = secrets.token_hex(32)
    service = House(
        BACKROOM_DEMO="1", BACKROOM_DEMO_TOKEN=demo_token, WORKERS="1", TRUSTED_PROXIES="127.0.0.1"
    )
    try:
        service.wait_until_ready()
        rush = set_up(service, demo_token)
        good = uvloop.run(measure(service, rush, given.codes))
        verified = service.verifies(NIGHT)
    finally:
        service.stop()
    return 0 if good and verified else 1


if __name__ == "__main__":
    sys.exit(main())
