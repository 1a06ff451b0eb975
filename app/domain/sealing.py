"""Sealing: what must not be readable in the database is AES-256-GCM under keys from outside it.

    outer keys (PERSON_KEYS)  seal small things: a person's own key, a signing key, a TOTP seed
    a person's key            seals that person's data; destroying it destroys the data

What is sealed opens only in its place: the place's name (`person|key|<id>`) is authenticated with
it, so that a row's bytes mean nothing in another row. Nonces are random; one key may seal 2^32
texts (NIST SP 800-38D, section 8.3), far beyond what a venue ever has.
"""

import hmac
import os
import re
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

Random = Callable[[int], bytes]

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12  # the length that GCM is made for
TAG_BYTES: Final = 16
FORMAT: Final = 1  # the first byte under an outer key: another layout takes another number
_KEY: Final = re.compile(r"([a-z0-9][a-z0-9_-]{0,31}):([0-9a-f]{64})")


class Unopened(Exception):
    """What was sealed does not open: changed bytes, another place, or another key."""


class KeyUnknown(Unopened):
    """It was sealed under an outer key that is not among those given; `kid` names it."""

    def __init__(self, kid: str) -> None:
        super().__init__(f"the outer key {kid!r} is not among PERSON_KEYS")
        self.kid = kid


class OuterKey(NamedTuple):
    """A key from outside the database; `kid` is its name, which stands beside what it sealed."""

    kid: str
    key: bytes

    def __repr__(self) -> str:
        return f"OuterKey({self.kid!r})"


def parse_keys(text: str) -> tuple[OuterKey, ...]:
    """The keys of `kid:64 hex digits[,kid:64 hex digits...]`; the first is the one that seals.

    Raises ValueError: another form, or a name twice.
    """
    keys = []
    for part in text.split(","):
        match = _KEY.fullmatch(part.strip())
        if match is None:
            raise ValueError("a key is name:64 lower-case hexadecimal digits")
        keys.append(OuterKey(match[1], bytes.fromhex(match[2])))
    if len({key.kid for key in keys}) < len(keys):
        raise ValueError("two keys have one name")
    return tuple(keys)


def make_outer_key(random: Random = os.urandom) -> str:
    """A new outer key in the form of the setting; its name is random as well, so never taken."""
    return f"k{random(4).hex()}:{random(KEY_BYTES).hex()}"


def seal_with(key: bytes, aad: str, plain: bytes, random: Random = os.urandom) -> bytes:
    """The plain bytes under the key, at the place that `aad` names: nonce, text, tag."""
    nonce = random(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, aad.encode())


def open_with(key: bytes, aad: str, sealed: bytes) -> bytes:
    """What was sealed there under the key. Raises Unopened."""
    if len(sealed) < NONCE_BYTES + TAG_BYTES:
        raise Unopened(f"too short to be sealed: {aad}")
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], aad.encode())
    except InvalidTag:
        raise Unopened(f"does not open: {aad}") from None


def kid_of(sealed: bytes) -> str:
    """The name of the outer key under which it was sealed. Raises Unopened: no such layout."""
    if len(sealed) < 2 or sealed[0] != FORMAT or len(sealed) < 2 + sealed[1]:
        raise Unopened("not sealed under an outer key")
    try:
        return sealed[2 : 2 + sealed[1]].decode("ascii")
    except UnicodeDecodeError:
        raise Unopened("not sealed under an outer key") from None


class Vault:
    """The outer keys and the key of the blind indexes; one for the life of a process.

    `seal` uses the first key; `open` any of them, by the name inside what was sealed, so that keys
    can be changed while requests run.
    """

    def __init__(self, keys: Sequence[OuterKey], secret: str) -> None:
        """`secret` is the service's, as hexadecimal digits. Raises ValueError: no key."""
        if not keys:
            raise ValueError("a vault needs an outer key")
        self.kid: Final = keys[0].kid
        self.kids: Final = tuple(key.kid for key in keys)
        self._ciphers: Final = {key.kid: AESGCM(key.key) for key in keys}
        self._index_key: Final = hmac.digest(bytes.fromhex(secret), b"backroom:index", "sha256")

    @classmethod
    def from_text(cls, keys: str, secret: str) -> Self:
        """The vault of the settings PERSON_KEYS and BACKROOM_SECRET. Raises ValueError."""
        return cls(parse_keys(keys), secret)

    def __repr__(self) -> str:
        return f"Vault({', '.join(self.kids)})"

    def seal(self, aad: str | bytes, plain: bytes) -> bytes:
        """The plain bytes under the first key: format, the key's name, nonce, text, tag."""
        name = self.kid.encode()
        head = bytes((FORMAT, len(name))) + name
        nonce = os.urandom(NONCE_BYTES)
        return head + nonce + self._ciphers[self.kid].encrypt(nonce, plain, head + _bytes(aad))

    def open(self, aad: str | bytes, sealed: bytes) -> bytes:
        """What was sealed at that place. Raises Unopened, KeyUnknown."""
        kid = kid_of(sealed)
        cipher = self._ciphers.get(kid)
        if cipher is None:
            raise KeyUnknown(kid)
        start = 2 + sealed[1]
        if len(sealed) < start + NONCE_BYTES + TAG_BYTES:
            raise Unopened("too short to be sealed")
        nonce, text = sealed[start : start + NONCE_BYTES], sealed[start + NONCE_BYTES :]
        try:
            return cipher.decrypt(nonce, text, sealed[:start] + _bytes(aad))
        except InvalidTag:
            raise Unopened(f"does not open: {_bytes(aad).decode(errors='replace')}") from None

    def reseal(self, aad: str | bytes, sealed: bytes) -> bytes:
        """The same under the first key. Raises Unopened, KeyUnknown."""
        return self.seal(aad, self.open(aad, sealed))

    def make_person_key(self, person_id: str) -> tuple[bytes, bytes]:
        """A new key for the person's data, and the same wrapped for the database."""
        key = os.urandom(KEY_BYTES)
        return key, self.seal(key_place(person_id), key)

    def person_key(self, person_id: str, wrapped: bytes) -> bytes:
        """The person's key. Raises Unopened, KeyUnknown."""
        return self.open(key_place(person_id), wrapped)

    def index(self, kind: str, text: str) -> bytes:
        """The blind index of a text in its one form: 32 bytes that find it and do not tell it.

        HMAC-SHA-256 with a key from outside the database; `kind` (name, phone, email) keeps equal
        texts of two kinds apart.
        """
        return hmac.digest(self._index_key, f"{kind}|{text}".encode(), "sha256")


def key_place(person_id: str) -> str:
    """Where a person's wrapped key belongs."""
    return f"person|key|{person_id}"


def signing_key_place(night: str) -> str:
    """Where the private key of a night's codes belongs."""
    return f"signing_key|private|{night}"


def _bytes(aad: str | bytes) -> bytes:
    return aad.encode() if isinstance(aad, str) else aad
