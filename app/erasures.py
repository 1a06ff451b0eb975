"""`backroom erasures replay`: after an older dump was restored, who was erased is erased again."""

import asyncio
import sys
from pathlib import Path

import asyncpg

from app.actions.administration import at_the_terminal
from app.actions.erasures import replay_erasures
from app.domain.erasures import Erasure, ErasureUnreadable, read_erasures
from app.settings import Settings


def replay(settings: Settings, files: list[Path]) -> int:
    """Everybody in the files is erased in the database; 1 when a file cannot be read.

    Without a file it is the service's own. Each node has one: give them all.
    """
    erasures: list[Erasure] = []
    for file in files or [settings.erasures_file]:
        try:
            erasures += read_erasures(file.read_bytes())
        except (OSError, ErasureUnreadable) as error:
            print(f"{file} cannot be replayed, so nothing was: {error}", file=sys.stderr)
            return 1
    done, before = asyncio.run(_replay(settings, erasures))
    print(f"Erased again: {done} people. Erased already: {before}. In the file: {len(erasures)}.")
    return 0


async def _replay(settings: Settings, erasures: list[Erasure]) -> tuple[int, int]:
    conn = await asyncpg.connect(settings.owner_database_url)
    try:
        return await replay_erasures(conn, at_the_terminal(), erasures)
    finally:
        await conn.close()
