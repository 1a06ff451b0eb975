"""The file beside the database that remembers erasures, and what it is for: after a restore.

An older dump brings erased people back. Their keys are in it, so whoever restores one replays this
file before the service starts (`backroom erasures replay`).
"""

import fcntl
import os
from pathlib import Path

import asyncpg

from app.actions.act import Caller
from app.actions.administration import note
from app.db.bans import forget_bans_of
from app.db.persons import erase_person, lock_person
from app.domain.erasures import Erasure, erasure_line
from app.wire.persons import Retained
from floorplan.administration import PersonErased


def remember_erasure(file: Path, erasure: Erasure) -> None:
    """The line is on the disk, before anything is committed. Raises OSError.

    Several processes append: they take turns by the file's lock. What a crash cut off is ended
    first, so that it spoils no line but its own.
    """
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = not file.exists()
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        size = os.fstat(descriptor).st_size
        line = erasure_line(erasure)
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            line = b"\n" + line
        written = os.write(descriptor, line)
        if written != len(line):  # the disk is full: what was written is a line cut off
            raise OSError(f"wrote {written} of {len(line)} bytes to {file}")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if fresh:
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


async def retained_of(conn: asyncpg.Connection, person_id: str) -> list[Retained]:
    """What stays of somebody erased; what of their bans need not stay is gone."""
    banned = await forget_bans_of(conn, person_id)
    return ["financial_records", "ban"] if banned else ["financial_records"]


async def replay_erasures(
    conn: asyncpg.Connection, caller: Caller, erasures: list[Erasure]
) -> tuple[int, int]:
    """All of these are erased in this database; how many are now, and how many were before.

    People whom the database does not know came after the dump, and are none of the two. One
    transaction for each, so that a long file holds no lock for long.
    """
    done = before = 0
    for erasure in erasures:
        async with conn.transaction():
            known = await lock_person(conn, erasure.person_id)
            if known is None:
                continue
            if await erase_person(conn, erasure.person_id) is None:
                before += 1
                continue
            done += 1
            retained = await retained_of(conn, erasure.person_id)
            await note(conn, caller, PersonErased([*retained]), f"person:{erasure.person_id}")
    return done, before
