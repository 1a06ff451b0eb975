"""BR1: the shared vectors, and that nothing but the minted text is ever accepted."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanners import codes
from scanners.codes import CodeRefused, TicketClaims, base45, tickets

VECTORS: dict[str, Any] = json.loads(Path(__file__).with_name("vectors.json").read_text())
KEY = codes.private_key(bytes.fromhex(VECTORS["private_key_hex"]))
KNOWN = {7: KEY.public_key()}
VENUE = 1
DOORS = datetime(2026, 11, 21, 18, tzinfo=UTC)
CLAIMS = TicketClaims(
    key_id=7,
    generation=1,
    ticket_id=UUID("6f1d2c3b-4a59-4687-9cab-d0e1f2031425"),
    venue=VENUE,
    not_before=DOORS,
    valid_minutes=720,
    party=6,
)
CODE = codes.mint(CLAIMS, KEY)


def changed(**fields: Any) -> TicketClaims:
    return TicketClaims(
        **({name: getattr(CLAIMS, name) for name in CLAIMS.__struct_fields__} | fields)
    )


def refusal(text: str, **change: Any) -> CodeRefused:
    """Verify as the success does, with one thing changed, and return the refusal."""
    arguments: dict[str, Any] = {"known_keys": KNOWN, "venue": VENUE, "now": DOORS} | change
    with pytest.raises(CodeRefused) as caught:
        codes.verify(text, arguments["known_keys"], venue=arguments["venue"], now=arguments["now"])
    if len(text) >= 8:  # a shorter text may be a part of any sentence
        assert text not in str(caught.value)
        assert text not in repr(caught.value)
    return caught.value


def forge(body: bytes) -> str:
    """Sign any 29 bytes with the true key."""
    return "BR1:" + base45.encode(body + KEY.sign(b"backroom-ticket-v1\x00" + body))


claims_of_any_kind = st.builds(
    TicketClaims,
    key_id=st.integers(0, 255),
    generation=st.integers(0, 255),
    ticket_id=st.uuids(),
    venue=st.integers(0, 65535),
    not_before=st.integers(0, 2**32 - 1).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    valid_minutes=st.integers(1, 65535),
    party=st.integers(0, 255),
)


@pytest.mark.parametrize("vector", VECTORS["codes"], ids=lambda vector: f"key {vector['key_id']}")
def test_the_shared_vectors_are_minted_and_verified_to_the_letter(vector: dict[str, Any]) -> None:
    claims = TicketClaims(
        key_id=vector["key_id"],
        generation=vector["generation"],
        ticket_id=UUID(vector["ticket_id"]),
        venue=vector["venue"],
        not_before=datetime.fromisoformat(vector["not_before"]),
        valid_minutes=vector["valid_minutes"],
        party=vector["party"],
    )
    public = codes.public_key(bytes.fromhex(VECTORS["public_key_hex"]))

    assert codes.mint(claims, KEY) == vector["code"]
    read = codes.verify(
        vector["code"], {claims.key_id: public}, venue=claims.venue, now=claims.not_before
    )
    assert read == claims


@given(claims_of_any_kind)
def test_what_was_minted_is_what_is_read(claims: TicketClaims) -> None:
    text = codes.mint(claims, KEY)

    assert len(text) == codes.CODE_LENGTH
    assert set(text) <= set(base45.ALPHABET)
    assert (
        codes.verify(
            text, {claims.key_id: KEY.public_key()}, venue=claims.venue, now=claims.not_before
        )
        == claims
    )


def test_a_code_is_valid_from_its_first_second_to_its_last() -> None:
    last = DOORS + timedelta(minutes=720) - timedelta(microseconds=1)
    assert codes.verify(CODE, KNOWN, venue=VENUE, now=DOORS) == CLAIMS
    assert codes.verify(CODE, KNOWN, venue=VENUE, now=last) == CLAIMS


def test_out_of_its_time_a_genuine_code_still_says_which_ticket_it_is() -> None:
    early = refusal(CODE, now=DOORS - timedelta(microseconds=1))
    late = refusal(CODE, now=DOORS + timedelta(minutes=720))

    assert (early.reason, late.reason) == ("too_early", "too_late")
    assert early.claims == late.claims == CLAIMS
    assert codes.read_claims(CODE, KNOWN, venue=VENUE) == CLAIMS


def test_every_flipped_bit_of_the_93_bytes_is_refused_and_proves_nothing() -> None:
    data = base45.decode(CODE[4:])
    reasons = set()
    for bit in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << (bit % 8)
        refused = refusal("BR1:" + base45.encode(bytes(flipped)))
        assert refused.claims is None
        reasons.add(refused.reason)
    assert reasons == {"not_our_code", "wrong_venue", "unknown_key", "bad_signature"}


@given(st.integers(0, codes.CODE_LENGTH - 1), st.sampled_from(base45.ALPHABET))
def test_every_changed_character_is_refused(place: int, character: str) -> None:
    text = CODE[:place] + character + CODE[place + 1 :]
    if text != CODE:
        assert refusal(text).claims is None


def test_every_character_matters_in_every_place() -> None:
    for place in range(codes.CODE_LENGTH):
        following = base45.ALPHABET[(base45.ALPHABET.index(CODE[place]) + 1) % 45]
        assert refusal(CODE[:place] + following + CODE[place + 1 :]).claims is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "BR1:",
        CODE.lower(),
        CODE + " ",
        " " + CODE,
        CODE + "\n",
        CODE[:-1],
        CODE[:-1] + "\x00",
        "\x00" * 144,
        "BR2:" + CODE[4:],
        "br1:" + CODE[4:],
        "BR1:" + "A" * 4096,
        "A" * 4096,
        "BR1:" + ":" * 140,
        "BR1:" + "Ä" * 140,
        "BR1:" + "𝟘" * 140,
        "https://example.org/t/" + "A" * 122,
        "WIFI:T:WPA;S:Backroom;P:not-a-ticket;;",
        "HC1:" + CODE[4:],
    ],
    ids=lambda text: repr(text[:12]),
)
def test_what_is_not_a_code_of_ours_is_refused_as_such(text: str) -> None:
    assert refusal(text).reason == "not_our_code"


@given(st.text(max_size=200))
def test_no_text_at_all_makes_it_raise_anything_else(text: str) -> None:
    assert refusal(text).reason == "not_our_code"


@given(st.binary(min_size=93, max_size=93))
def test_random_bytes_in_the_right_dress_are_refused(data: bytes) -> None:
    assert refusal("BR1:" + base45.encode(data)).claims is None


def test_a_lenient_decoder_would_not_make_a_second_string_of_a_ticket(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Re-encoding stands on its own: here the decoder lets a group overflow, as some do."""

    def lenient(text: str) -> bytes:
        places = [base45.ALPHABET.index(character) for character in text]
        groups = [places[start : start + 3] for start in range(0, len(places), 3)]
        return b"".join(
            (sum(digit * 45**place for place, digit in enumerate(group)) % 256 ** (len(group) - 1))
            .to_bytes(len(group) - 1, "big")
            for group in groups
        )  # fmt: skip

    monkeypatch.setattr(base45, "decode", lenient)
    assert codes.verify(CODE, KNOWN, venue=VENUE, now=DOORS) == CLAIMS
    values = [base45.ALPHABET.index(character) for character in CODE[4:]]
    numbers = [
        values[start] + values[start + 1] * 45 + values[start + 2] * 2025
        for start in range(0, 138, 3)
    ]
    group = next(place for place, number in enumerate(numbers) if number + 65536 < 45**3)
    number = numbers[group] + 65536
    twin = base45.ALPHABET[number % 45] + base45.ALPHABET[number // 45 % 45]
    twin += base45.ALPHABET[number // 2025]
    text = CODE[: 4 + group * 3] + twin + CODE[4 + group * 3 + 3 :]

    assert text != CODE
    assert lenient(text[4:]) == lenient(CODE[4:])
    assert refusal(text).reason == "not_our_code"


def test_a_code_of_another_venue_is_told_apart() -> None:
    assert refusal(CODE, venue=2).reason == "wrong_venue"


def test_a_key_that_is_not_in_force_is_told_apart() -> None:
    assert refusal(CODE, known_keys={8: KEY.public_key()}).reason == "unknown_key"
    assert refusal(CODE, known_keys={}).reason == "unknown_key"


def test_another_key_under_the_same_number_does_not_verify() -> None:
    other = codes.generate_key()
    assert refusal(CODE, known_keys={7: other.public_key()}).reason == "bad_signature"
    assert refusal(codes.mint(CLAIMS, other)).reason == "bad_signature"


@pytest.mark.parametrize(("form", "kind"), [(0, 1), (2, 1), (255, 1), (1, 0), (1, 3)])
def test_another_format_or_type_is_not_our_code_even_when_signed(form: int, kind: int) -> None:
    text = codes.mint(changed(format=form, type=kind), KEY)
    assert refusal(text).reason == "not_our_code"


def test_a_signature_made_for_another_purpose_is_none() -> None:
    """The domain prefix: the same body signed bare, or under another name, does not count."""
    body = base45.decode(CODE[4:])[:29]
    assert forge(body) == CODE
    for signed in (body, b"backroom-ticket-v2\x00" + body):
        assert refusal("BR1:" + base45.encode(body + KEY.sign(signed))).reason == "bad_signature"


def test_a_signature_plus_the_group_order_is_not_a_second_code_of_the_ticket() -> None:
    """Ed25519's known malleability: S + L verifies in a lenient library (RFC 8032, 5.1.7)."""
    order = 2**252 + 27742317777372353535851937790883648493
    data = base45.decode(CODE[4:])
    s = int.from_bytes(data[61:], "little") + order
    assert s < 2**256
    twin = "BR1:" + base45.encode(data[:61] + s.to_bytes(32, "little"))
    assert refusal(twin).reason == "bad_signature"


def test_refusals_come_in_the_order_of_precedence() -> None:
    """Wrong in everything: each repair uncovers the next reason."""
    other = codes.generate_key()
    wrong = changed(venue=2, key_id=9)
    assert refusal(codes.mint(wrong, other)).reason == "wrong_venue"
    assert refusal(codes.mint(changed(key_id=9), other)).reason == "unknown_key"
    assert refusal(codes.mint(CLAIMS, other), now=DOORS - timedelta(1)).reason == "bad_signature"
    assert refusal(CODE, now=DOORS - timedelta(1)).reason == "too_early"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"key_id": 256}, "key_id must be 0 to 255"),
        ({"generation": -1}, "generation must be 0 to 255"),
        ({"venue": 65536}, "venue must be 0 to 65535"),
        ({"valid_minutes": 70000}, "valid_minutes must be 0 to 65535"),
        ({"party": 256}, "party must be 0 to 255"),
        ({"not_before": DOORS.replace(tzinfo=None)}, "aware"),
        ({"not_before": DOORS.replace(microsecond=1)}, "whole seconds"),
        ({"not_before": datetime(2107, 1, 1, tzinfo=UTC)}, "1970 and 2106"),
    ],
)
def test_claims_that_do_not_fit_the_body_are_not_made(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        changed(**fields)


def test_keys_return_from_their_32_raw_bytes_and_no_other_length_is_a_key() -> None:
    key = codes.generate_key()
    assert len(codes.private_bytes(key)) == len(codes.public_bytes(key)) == 32
    again = codes.private_key(codes.private_bytes(key))
    assert codes.mint(CLAIMS, again) == codes.mint(CLAIMS, key)
    assert codes.public_bytes(key.public_key()) == codes.public_bytes(key)
    for raw in (b"", bytes(31), bytes(33)):
        with pytest.raises(ValueError, match="32 bytes"):
            codes.private_key(raw)
        with pytest.raises(ValueError, match="32 bytes"):
            codes.public_key(raw)


def test_every_reason_has_a_sentence() -> None:
    assert set(codes.REASONS) == set(tickets._SENTENCES)
