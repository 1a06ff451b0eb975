"""What a camera saw and could not tell anybody, on the disk until the server has it.

A scan without a verdict showed the guest amber: that is what is told later (`observed`), and
nothing is judged afresh. SQLite with `synchronous = FULL`: what was put is on the disk before `put`
returns. The file has codes, which are secrets: it is readable by its owner alone, and a line goes
when the server has it.

At most 2,000 scans are kept, for at most a week; one more pushes out the oldest, and how many were
lost so is counted.
"""

import os
import sqlite3
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from msgspec import Struct

KEPT_MOST: Final = 2000
KEPT_FOR: Final = timedelta(days=7)

_CREATE: Final = """
CREATE TABLE IF NOT EXISTS seen (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    scan_id TEXT NOT NULL UNIQUE,
    code TEXT NOT NULL,
    door TEXT NOT NULL,
    direction TEXT NOT NULL,
    at TEXT NOT NULL
) STRICT
"""
_PUT: Final = (
    "INSERT OR IGNORE INTO seen (scan_id, code, door, direction, at) VALUES (?, ?, ?, ?, ?)"
)
_FIRST: Final = "SELECT scan_id, code, door, direction, at FROM seen ORDER BY number LIMIT 1"
_TRIM: Final = """
DELETE FROM seen WHERE number IN (SELECT number FROM seen ORDER BY number DESC LIMIT -1 OFFSET ?)
"""


class Spooled(Struct, frozen=True):
    """A scan that nobody answered; `at` is when it was seen, as the wire says instants."""

    scan_id: str
    code: str
    door: str
    direction: str
    at: str

    def __repr__(self) -> str:
        return f"Spooled({self.scan_id})"  # the code is a secret


class Spool:
    """The scans of one camera, in a file; used from any thread. Raises sqlite3.Error, OSError."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
        self._lock = threading.Lock()
        self._base = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self._base.execute("PRAGMA synchronous = FULL")
        self._base.execute(_CREATE)
        self.lost = 0  # pushed out by newer ones
        self.forget_old(datetime.now(UTC))

    def put(self, scan: Spooled) -> None:
        """The scan is on the disk, once, however often it is put."""
        with self._lock:
            self._base.execute("BEGIN IMMEDIATE")
            self._base.execute(_PUT, (scan.scan_id, scan.code, scan.door, scan.direction, scan.at))
            self.lost += self._base.execute(_TRIM, (KEPT_MOST,)).rowcount
            self._base.execute("COMMIT")

    def first(self) -> Spooled | None:
        """The scan that has waited for longest."""
        with self._lock:
            row = self._base.execute(_FIRST).fetchone()
        return None if row is None else Spooled(*row)

    def drop(self, scan_id: str) -> None:
        """The server has it, or never will."""
        with self._lock:
            self._base.execute("DELETE FROM seen WHERE scan_id = ?", (scan_id,))

    def forget_old(self, now: datetime) -> None:
        with self._lock:
            self._base.execute("DELETE FROM seen WHERE at < ?", (instant(now - KEPT_FOR),))

    def __len__(self) -> int:
        with self._lock:
            return int(self._base.execute("SELECT count(*) FROM seen").fetchone()[0])

    def close(self) -> None:
        with self._lock:
            self._base.close()


def instant(at: datetime) -> str:
    """As the wire says instants: UTC, milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
