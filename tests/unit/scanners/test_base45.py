"""Base45: RFC 9285's own examples, and that bytes and texts pair up one to one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanners.codes import base45


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"AB", "BB8"),
        (b"Hello!!", "%69 VD92EX0"),
        (b"base-45", "UJCLQE7W581"),
        (b"ietf!", "QED8WEX0"),
        (b"", ""),
    ],
)
def test_the_examples_of_the_rfc_come_out_both_ways(data: bytes, text: str) -> None:
    assert base45.encode(data) == text
    assert base45.decode(text) == data


@given(st.binary(max_size=200))
def test_every_byte_string_returns_from_its_text(data: bytes) -> None:
    assert base45.decode(base45.encode(data)) == data


@given(st.text(alphabet=base45.ALPHABET, max_size=12))
def test_a_text_that_decodes_is_the_only_text_of_its_bytes(text: str) -> None:
    try:
        data = base45.decode(text)
    except base45.NotBase45:
        return
    assert base45.encode(data) == text


@pytest.mark.parametrize(
    "text", ["GGW", "::", ":::", "B", "BB8B", "bb8", "BB\x00", "BB8\n", "ÄB8", "𝐁B8"]
)
def test_what_is_not_base45_is_refused(text: str) -> None:
    with pytest.raises(base45.NotBase45):
        base45.decode(text)


def test_the_largest_groups_are_accepted_and_one_more_is_not() -> None:
    assert base45.decode("FGW") == b"\xff\xff"  # the RFC's own borderline
    assert base45.decode("U5") == b"\xff"
    with pytest.raises(base45.NotBase45):
        base45.decode("V5")
