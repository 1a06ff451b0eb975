"""Base45, strictly as RFC 9285 writes it: every byte string has one text, every text one bytes.

The alphabet is the alphanumeric alphabet of QR codes, so that a character costs 5.5 bits there.
Two bytes become three characters, a last single byte two; the least significant comes first.
"""

from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_VALUES: Final = {character: value for value, character in enumerate(ALPHABET)}


class NotBase45(ValueError):
    """The text is not the Base45 of anything. The text itself is never in the message."""


def encode(data: bytes) -> str:
    """Return the one Base45 text of the bytes."""
    text = []
    for start in range(0, len(data), 2):
        pair = data[start : start + 2]
        number = int.from_bytes(pair, "big")
        for _ in range(len(pair) + 1):
            number, digit = divmod(number, 45)
            text.append(ALPHABET[digit])
    return "".join(text)


def decode(text: str) -> bytes:
    """Return the bytes of which `text` is the Base45.

    Raises NotBase45: a character outside the alphabet (lower case too), a length that no bytes
    give, or a group whose number does not fit its bytes (RFC 9285 section 4.2).
    """
    if len(text) % 3 == 1:
        raise NotBase45("no bytes give a text of this length")
    data = bytearray()
    for start in range(0, len(text), 3):
        group = text[start : start + 3]
        number = 0
        for character in reversed(group):
            value = _VALUES.get(character)
            if value is None:
                raise NotBase45("a character is outside the alphabet")
            number = number * 45 + value
        width = len(group) - 1
        if number >> (8 * width):
            raise NotBase45("a group of characters is too large for its bytes")
        data += number.to_bytes(width, "big")
    return bytes(data)
