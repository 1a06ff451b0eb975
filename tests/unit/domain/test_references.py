"""References that people type and say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.references import (
    CHECKS,
    DIGITS,
    ReferenceUnreadable,
    make_reference,
    parse_reference,
    show_reference,
)

TEN = st.binary(min_size=10, max_size=10)


@given(TEN)
def test_what_is_made_is_read_again(random: bytes) -> None:
    reference = make_reference(random)
    assert len(reference) == 17
    assert parse_reference(reference) == reference
    assert parse_reference(show_reference(reference).lower()) == reference


@given(TEN, st.integers(0, 15), st.sampled_from(DIGITS))
def test_one_wrong_character_is_noticed(random: bytes, place: int, other: str) -> None:
    reference = make_reference(random)
    changed = reference[:place] + other + reference[place + 1 :]
    if changed == reference:
        assert parse_reference(changed) == reference
    else:
        with pytest.raises(ReferenceUnreadable):
            parse_reference(changed)


@given(TEN, st.integers(0, 14))
def test_two_neighbours_swapped_are_noticed(random: bytes, place: int) -> None:
    reference = make_reference(random)
    a, b = reference[place], reference[place + 1]
    swapped = reference[:place] + b + a + reference[place + 2 :]
    if a != b:
        with pytest.raises(ReferenceUnreadable):
            parse_reference(swapped)


def test_letters_that_look_like_digits_are_forgiven() -> None:
    reference = make_reference(bytes(10))
    assert reference == "0" * 17
    assert parse_reference("oooo-OOOO-0000-0000-0") == reference


@pytest.mark.parametrize("typed", ["", "7Q4M", "U" * 17, "0" * 18, "0000 0000 0000 000! 0"])
def test_nonsense_is_refused_with_a_sentence(typed: str) -> None:
    with pytest.raises(ReferenceUnreadable, match=r"\w"):
        parse_reference(typed)


def test_a_reference_needs_ten_bytes_and_every_check_is_possible() -> None:
    with pytest.raises(ValueError, match="ten"):
        make_reference(b"short")
    assert {make_reference(n.to_bytes(10, "big"))[-1] for n in range(37)} == set(CHECKS)
