"""Where a request came from, as the book may keep it: a keyed digest of the client's address.

An address is personal data and does not belong in a book that is never changed. Its digest shows
that two lines come from one place, and whoever has the key and an address can look it up; the four
billion IPv4 addresses cannot be tried by anybody who lacks the key.
"""

import hmac
from typing import Final

DIGEST_LENGTH: Final = 16  # hexadecimal digits: 64 bits, where a venue sees thousands of addresses
_PURPOSE: Final = b"backroom origin of a line"


def origin_key(secret: str) -> bytes:
    """The key of the digests, 32 bytes. `secret` is hexadecimal, the same on every node."""
    return hmac.digest(bytes.fromhex(secret), _PURPOSE, "sha256")


def origin_of(key: bytes, address: str) -> str | None:
    """Sixteen hexadecimal digits that stay the same for the address; None: it is not known."""
    if not address:
        return None
    return hmac.digest(key, address.encode(), "sha256").hex()[:DIGEST_LENGTH]
