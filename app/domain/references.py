"""The reference of a booking: what people type and say, with a character that catches a slip.

Sixteen random characters of Crockford's Base32 (80 bits) and its check character, shown in groups:
`7Q4M-2XKD-9RTA-F3HN-P`. Reading forgives lower case, spaces, hyphens, O for 0, and I or L for 1.
Source: Douglas Crockford, "Base 32", https://www.crockford.com/base32.html
"""

from typing import Final

DIGITS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CHECKS: Final = DIGITS + "*~$=U"
LENGTH: Final = 16


class ReferenceUnreadable(ValueError):
    """The text is no reference: wrong length, wrong character, or the check character differs."""


def make_reference(random: bytes) -> str:
    """The reference of ten random bytes, without hyphens."""
    if len(random) != 10:
        raise ValueError("a reference is made of ten random bytes")
    number = int.from_bytes(random, "big")
    text = "".join(DIGITS[number >> shift & 31] for shift in range(75, -1, -5))
    return text + CHECKS[number % 37]


def show_reference(reference: str) -> str:
    """The reference in groups of four, as it is printed and said."""
    return "-".join(reference[start : start + 4] for start in range(0, len(reference), 4))


def parse_reference(typed: str) -> str:
    """The canonical reference of what a person typed. Raises ReferenceUnreadable."""
    text = "".join(c for c in typed.upper() if c not in " -")
    if len(text) != LENGTH + 1:
        raise ReferenceUnreadable(f"a reference has {LENGTH + 1} characters, this has {len(text)}")
    body = text[:LENGTH].translate(str.maketrans("OIL", "011"))
    number = 0
    for character in body:
        place = DIGITS.find(character)
        if place < 0:
            raise ReferenceUnreadable("a reference has only digits and letters, without U")
        number = number << 5 | place
    if CHECKS[number % 37] != text[LENGTH]:
        raise ReferenceUnreadable("one character is wrong or two are swapped: read it again")
    return body + text[LENGTH]
