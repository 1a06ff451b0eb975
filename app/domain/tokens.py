"""Tokens: 256 bits in somebody's hands, and their SHA-256 in Postgres."""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from typing import Final

TOKEN_BYTES: Final = 32  # 256 bits: nobody guesses one, whatever is tried (ASVS 7.2.3 asks 128)


def new_token() -> str:
    """43 characters that nobody has seen before."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def token_hash(token: str) -> bytes:
    """SHA-256: enough for 256 random bits, which nobody can guess from their hash."""
    return hashlib.sha256(token.encode()).digest()


def derived_token(secret: str, purpose: str, identity: str) -> str:
    """The token of the thing with this id, the same each time, so that no stored answer holds it.

    `secret` is the service's, as hexadecimal digits; `purpose` keeps the tokens of two kinds of
    things apart. 43 characters.
    """
    digest = hmac.digest(bytes.fromhex(secret), f"{purpose}:{identity}".encode(), "sha256")
    return urlsafe_b64encode(digest).rstrip(b"=").decode()
