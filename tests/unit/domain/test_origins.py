"""The digest that stands in the book for an address."""

import re

from app.domain.origins import origin_key, origin_of

KEY = origin_key("ab" * 32)


def test_one_address_has_one_digest_and_two_have_two() -> None:
    first = origin_of(KEY, "203.0.113.9")
    assert first is not None
    assert first == origin_of(origin_key("ab" * 32), "203.0.113.9")
    assert first != origin_of(KEY, "203.0.113.10")
    assert re.fullmatch("[0-9a-f]{16}", first)


def test_another_secret_makes_other_digests() -> None:
    other = origin_key("cd" * 32)
    assert origin_of(other, "203.0.113.9") != origin_of(KEY, "203.0.113.9")


def test_no_address_has_no_digest() -> None:
    assert origin_of(KEY, "") is None
