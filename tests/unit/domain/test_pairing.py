"""Pairing codes as text."""

import pytest

from app.domain.pairing import LENGTH, RANDOM_BYTES, make_code, read_code, show_code


def test_a_code_is_sixteen_characters_in_groups_of_four() -> None:
    assert make_code(bytes(RANDOM_BYTES)) == "0" * LENGTH
    assert make_code(b"\xff" * RANDOM_BYTES) == "Z" * LENGTH
    assert show_code("7Q4M2XKD9RTAF3HN") == "7Q4M-2XKD-9RTA-F3HN"
    codes = {make_code(number.to_bytes(RANDOM_BYTES, "big")) for number in range(100)}
    assert len(codes) == 100
    with pytest.raises(ValueError, match="10 random bytes"):
        make_code(b"short")


@pytest.mark.parametrize(
    "typed", ["7Q4M-2XKD-9RTA-F3HN", "7q4m2xkd9rtaf3hn", " 7Q4M 2XKD 9RTA F3HN "]
)
def test_a_code_is_read_however_it_is_typed(typed: str) -> None:
    assert read_code(typed) == "7Q4M2XKD9RTAF3HN"


def test_letters_that_look_like_digits_are_digits() -> None:
    assert read_code("OIL0-0000-0000-0000") == "0110000000000000"


@pytest.mark.parametrize("typed", ["", "7Q4M", "7Q4M-2XKD-9RTA-F3HNX", "UUUU-2XKD-9RTA-F3HN"])
def test_what_is_no_code_is_none(typed: str) -> None:
    assert read_code(typed) is None
