"""The anchor file: what the heads of the books were, outside Postgres.

A hash chain shows a line that was changed. It does not show that the last lines are gone, nor that
somebody with every right wrote the whole chain again: the database alone cannot know what it was.
So each node notes the heads of the books in a file, every ten minutes for each book that moved and
within seconds of a seal: a JSON line {at, installation, book, version, hash, previous, mac}. `mac`
is an HMAC-SHA-256 under a key derived from BACKROOM_SECRET; `previous` is the one of the line
before, so that no line can be taken out of the middle. `at` is real time.

The workers of a node share its file and write under its lock. Copy the file away, or let
ANCHOR_FILE name a place that only appends: whoever can write it and knows the secret can write it
again.
"""

import fcntl
import hmac
import os
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import asyncpg
import msgspec
from msgspec import Struct

from app.db.pool import Database
from floorplan.nights import instant_text, parse_instant

ANCHOR_EVERY: Final = timedelta(minutes=10)  # the longest tail that can be cut off unseen
TAIL_BYTES: Final = 4096  # a line has some 350
_PURPOSE: Final = b"backroom anchor"

LIST_HEADS_TO_ANCHOR = """
SELECT b.name AS book, b.version, encode(b.hash, 'hex') AS hash,
       coalesce(n.status = 'sealed', false) AS sealed,
       (SELECT id::text FROM installation) AS installation
  FROM book b LEFT JOIN night n ON n.date::text = b.name
 WHERE b.version > 0
 ORDER BY b.name
"""
LIST_ANCHORED = """
SELECT version, encode(hash, 'hex') AS hash
  FROM event
 WHERE book = $1 AND version = ANY ($2::bigint[])
"""
READ_INSTALLATION = "SELECT id::text FROM installation"


class Head(Struct, frozen=True):
    """The last line of a book as Postgres has it; `hash` is hexadecimal."""

    book: str
    version: int
    hash: str
    sealed: bool
    installation: str


class Anchor(Struct, frozen=True, forbid_unknown_fields=True):
    """One line of the file: the book's line of this version had this hash at the instant."""

    at: str
    installation: str
    book: str
    version: int
    hash: str
    previous: str
    mac: str = ""


class Known(Struct, frozen=True):
    """What a file of anchors says, and what is wrong with the file itself."""

    anchors: list[Anchor]
    problems: list[str]


def anchor_key(secret: str) -> bytes:
    """The key of the lines, 32 bytes. `secret` is hexadecimal, the same on every node."""
    return hmac.digest(bytes.fromhex(secret), _PURPOSE, "sha256")


def sealed_with(key: bytes, anchor: Anchor) -> Anchor:
    """The anchor with its code."""
    plain = msgspec.json.encode(msgspec.structs.replace(anchor, mac=""))
    return msgspec.structs.replace(anchor, mac=hmac.digest(key, plain, "sha256").hex())


def read_lines(key: bytes, data: bytes) -> Known:
    """The anchors of a whole file, in order.

    A line that has no valid code, or does not follow the one before it, is a problem and no anchor;
    so is the line after a gap. The torn end of a write that a power cut stopped is neither: the
    line after it follows the one before it.
    """
    anchors: list[Anchor] = []
    problems: list[str] = []
    previous = ""
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line:
            continue
        try:
            anchor = msgspec.json.decode(line, type=Anchor)
        except (msgspec.ValidationError, msgspec.DecodeError):
            continue  # where it hides a line, the one after it does not follow
        if not hmac.compare_digest(anchor.mac, sealed_with(key, anchor).mac):
            problems.append(f"line {number} of the anchor file was not written by this service")
            continue
        if anchor.previous != previous:
            problems.append(f"lines are missing before line {number} of the anchor file")
        previous = anchor.mac
        anchors.append(anchor)
    return Known(anchors, problems)


def due(heads: Iterable[Head], anchors: Iterable[Anchor], now: datetime) -> list[Head]:
    """The heads that moved since their book's last anchor and whose turn it is.

    That is when the last one is ten minutes old, or at once for a night that is sealed.
    """
    last = {(anchor.installation, anchor.book): anchor for anchor in anchors}
    found = []
    for head in heads:
        before = last.get((head.installation, head.book))
        if before is None or (
            (before.version, before.hash) != (head.version, head.hash)
            and (head.sealed or now - parse_instant(before.at) >= ANCHOR_EVERY)
        ):
            found.append(head)
    return found


class AnchorFile:
    """The file of this node; every worker has one of these, and the file's lock decides."""

    def __init__(self, path: Path, secret: str) -> None:
        self.path = path
        self._key = anchor_key(secret)
        self._last: dict[tuple[str, str], Anchor] = {}
        self._read: tuple[int, int] = (0, 0)  # inode, and how far it was read
        self.fails = False  # the last append did

    def read(self) -> Known:
        """All anchors. Raises FileNotFoundError, OSError."""
        return read_lines(self._key, self.path.read_bytes())

    def append(self, heads: Sequence[Head], now: datetime) -> list[Head]:
        """The heads whose turn it is are in the file and on the disk; which these were.

        Raises OSError: the file cannot be written.
        """
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        is_new = not self.path.exists()
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)  # held for a write: some milliseconds
            self._catch_up(descriptor)
            chosen = due(heads, self._last.values(), now)
            if chosen:
                self._write(descriptor, chosen, now)
        finally:
            os.close(descriptor)
        if is_new:
            _sync_folder(self.path.parent)
        return chosen

    def _catch_up(self, descriptor: int) -> None:
        """The last anchor of each book is known, also where another worker wrote it."""
        status = os.fstat(descriptor)
        inode, done = self._read
        if inode != status.st_ino or done > status.st_size:
            self._last, done = {}, 0
        data = os.pread(descriptor, status.st_size - done, done)
        for line in data.split(b"\n"):
            try:
                anchor = msgspec.json.decode(line, type=Anchor)
            except (msgspec.ValidationError, msgspec.DecodeError):
                continue
            self._last[anchor.installation, anchor.book] = anchor
        self._read = (status.st_ino, done + data.rfind(b"\n") + 1)

    def _write(self, descriptor: int, heads: Sequence[Head], now: datetime) -> None:
        size = os.fstat(descriptor).st_size
        tail = os.pread(descriptor, TAIL_BYTES, max(0, size - TAIL_BYTES))
        known = [line for line in tail.split(b"\n") if _is_anchor(line)]
        previous = msgspec.json.decode(known[-1], type=Anchor).mac if known else ""
        # A line that a power cut tore is ended, so that the next one stands on its own.
        text = b"" if not tail or tail.endswith(b"\n") else b"\n"
        for head in heads:
            anchor = Anchor(
                instant_text(now), head.installation, head.book, head.version, head.hash, previous
            )
            anchor = sealed_with(self._key, anchor)
            previous = anchor.mac
            text += msgspec.json.encode(anchor) + b"\n"
        os.write(descriptor, text)
        os.fsync(descriptor)


def _is_anchor(line: bytes) -> bool:
    try:
        msgspec.json.decode(line, type=Anchor)
    except (msgspec.ValidationError, msgspec.DecodeError):
        return False
    return True


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


async def list_heads(database: Database) -> list[Head]:
    """The head of every book that has a line. Raises NotReady: Postgres is away."""
    async with database.reading(database.jobs) as conn:
        return [Head(**row) for row in await conn.fetch(LIST_HEADS_TO_ANCHOR)]


async def find_contradiction(
    conn: asyncpg.Connection, book: str, anchors: Iterable[Anchor]
) -> str | None:
    """The first place where the book is not what it was when it was anchored; None: it is.

    `anchors` are those of this database, of any book.
    """
    own = sorted((a for a in anchors if a.book == book), key=lambda a: a.version)
    rows = await conn.fetch(LIST_ANCHORED, book, [anchor.version for anchor in own])
    hashes = {row["version"]: row["hash"] for row in rows}
    agreed = 0
    for anchor in own:
        found = hashes.get(anchor.version)
        if found is None:
            return (
                f"line {anchor.version} was anchored at {anchor.at} and is gone: lines after "
                f"{agreed} were cut off"
            )
        if found != anchor.hash:
            return (
                f"line {anchor.version} is not the one that was anchored at {anchor.at}: the chain "
                f"was written again from a line after {agreed} on"
            )
        agreed = anchor.version
    return None
