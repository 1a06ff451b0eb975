"""The demo's own: accounts with single-use links, and the clock that only demo data may have."""

from datetime import datetime, timedelta
from typing import Final

import asyncpg
from msgspec import Struct

from app.actions.sign_in import create_link
from app.db.clock import NotDemo, mark_demo, set_clock
from app.db.pool import Database, mapped
from app.db.staff import count_real_staff, find_staff, insert_staff
from app.errors import Conflict

LINKS_LAST: Final = timedelta(hours=12)

# User name, display name, role. Without passwords: these accounts open by link alone.
ACCOUNTS: Final = (
    ("demo-manager", "Mara Quill", "MANAGER"),
    ("demo-door", "Dev Okafor", "DOOR_STAFF"),
    ("demo-player", "The demo", "MANAGER"),
)


class DemoLink(Struct, frozen=True):
    name: str
    role: str
    link: str

    def __repr__(self) -> str:
        return f"DemoLink({self.name!r}, {self.role!r})"


async def prepare_demo(owner_url: str) -> None:
    """The database is demo data from now on. Raises Conflict: a venue's own staff are in it."""
    conn = await asyncpg.connect(owner_url)
    try:
        if await count_real_staff(conn):
            raise Conflict(
                "not_demo",
                "This database has the staff of a venue. A demo needs a database of its own.",
            )
        await mark_demo(conn)
    finally:
        await conn.close()


async def make_links(db: Database) -> list[DemoLink]:
    """A fresh single-use link for each account of the demo."""
    made = []
    for username, name, role in ACCOUNTS:
        async with db.begun(db.auth) as conn:
            await insert_staff(conn, username, name, role, None, demo=True)
            member = await find_staff(conn, username)
        assert member is not None, "it was just made"
        made.append(DemoLink(name, role, await create_link(db, member.id, LINKS_LAST)))
    return made


async def set_demo_clock(owner_url: str, shown_at: datetime, speed: float) -> None:
    """The venue's clock shows `shown_at` now. Raises Conflict: this is not demo data."""
    async with mapped():
        conn = await asyncpg.connect(owner_url)
        try:
            await set_clock(conn, shown_at, speed)
        except NotDemo as error:
            raise Conflict("not_demo", f"Refused: {error}.") from error
        finally:
            await conn.close()
