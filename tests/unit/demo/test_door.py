"""The forged code of the demo: ours in every way but the signature."""

from datetime import UTC, datetime
from random import Random
from uuid import uuid4

import pytest

from app.demo.door import forged
from app.demo.guests import address, email, names, phone
from app.demo.plan import UNKNOWN_REFERENCE
from app.domain.references import parse_reference
from scanners.codes import CodeRefused, TicketClaims, generate_key, mint, read_claims


@pytest.mark.parametrize("party", [1, 6, 254])
def test_a_forged_code_is_refused_for_its_signature_and_nothing_else(party: int) -> None:
    key = generate_key()
    claims = TicketClaims(
        key_id=3, generation=1, ticket_id=uuid4(), venue=1,
        not_before=datetime(2026, 11, 21, 6, 0, tzinfo=UTC), valid_minutes=1440, party=party,
    )  # fmt: skip
    code = mint(claims, key)
    assert read_claims(code, {3: key.public_key()}, venue=1) == claims
    with pytest.raises(CodeRefused) as refused:
        read_claims(forged(code), {3: key.public_key()}, venue=1)
    assert refused.value.reason == "bad_signature"


def test_the_reference_that_nobody_has_is_well_formed() -> None:
    assert parse_reference(UNKNOWN_REFERENCE)


def test_guests_have_names_of_their_own_and_contacts_that_reach_nobody() -> None:
    made = names(Random(1))
    first = [next(made) for _ in range(3000)]
    assert len(set(first)) == len(first)
    assert email("Ada Lovelace") == "ada.lovelace@example.com"
    assert phone(Random(1)).startswith("07700 900")
    assert address(Random(1)).split(".")[:1] == ["198"]
