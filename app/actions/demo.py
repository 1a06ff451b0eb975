"""The demo's own: accounts with single-use links, and the clock that only demo data may have."""

from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

import asyncpg
from msgspec import Struct

from app.actions.act import Caller
from app.actions.administration import STARTER, note
from app.actions.hashing import Hashing
from app.actions.sign_in import create_link
from app.db.clock import NotDemo, mark_demo, set_clock
from app.db.pool import Database, mapped
from app.db.staff import count_real_staff, find_staff, insert_staff, set_pin_hash
from app.domain.pins import demo_pin, peppered
from app.errors import Conflict
from floorplan.administration import StaffAdded, Standing

LINKS_LAST: Final = timedelta(hours=12)

# User name, display name, role. Without passwords: these accounts open by link alone, and step up
# with a PIN.
ACCOUNTS: Final = (
    ("demo-manager", "Mara Quill", "MANAGER"),
    ("demo-door", "Dev Okafor", "DOOR_STAFF"),
    ("demo-owner", "Noor Haddad", "SUPER_ADMIN"),
    ("demo-player", "The demo", "MANAGER"),
)


class DemoLink(Struct, frozen=True):
    name: str
    role: str
    link: str
    pin: str

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


async def make_links(db: Database, hashing: Hashing, secret: str) -> list[DemoLink]:
    """A fresh single-use link for each account of the demo, and its PIN, which stays the same."""
    made = []
    for username, name, role in ACCOUNTS:
        async with db.begun(db.auth) as conn:
            added = await insert_staff(conn, username, name, role, None, demo=True)
            member = await find_staff(conn, username)
            if added is not None:
                caller = Caller(STARTER, str(uuid4()))
                await note(conn, caller, StaffAdded(Standing(role)), f"staff:{added}")
        assert member is not None, "it was just made"
        pin = demo_pin(secret, username)
        if member.pin_hash is None:
            hashed = await hashing.hash(peppered(secret, member.id, pin))
            async with db.begun(db.auth) as conn:
                await set_pin_hash(conn, member.id, hashed)
        made.append(DemoLink(name, role, await create_link(db, member.id, LINKS_LAST), pin))
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
