"""A night to act on: the actions with their arguments filled in, as a manager would."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import msgspec

from app.actions import bookings, door, holds, nights, scans, tables, walk_ins
from app.actions.act import Answered, Caller
from app.db.book import read_state
from app.db.clock import mark_demo, set_clock
from app.db.floor import read_rows, rows_of
from app.db.pool import Database
from app.domain.principals import Principal
from app.domain.sealing import Vault
from app.settings import Settings
from app.wire import (
    BlockTable,
    ConfirmHold,
    Contact,
    HeadcountRequest,
    HoldTables,
    MoveTables,
    OfNight,
    OpenNight,
    ScanRequest,
    UnblockTable,
    WalkIn,
)
from floorplan.events import Figures
from floorplan.venue import Venue, load_venue

MANAGER = Principal(kind="staff", id=str(uuid4()), role="MANAGER", name="Morgan")
DEVICE = Principal(kind="device", id=str(uuid4()), role="DEVICE", door="main")
ADA = Contact("Ada Lovelace")
NIGHT = "2026-11-21"
EVENING = datetime(2026, 11, 21, 22, 30, tzinfo=UTC)  # half an hour after the doors


class House:
    """The venue with one open night, at 22:30 on the demo clock, and the actions on it."""

    def __init__(self, db: Database, settings: Settings, venue: Venue) -> None:
        self.db = db
        self.settings = settings
        self.venue = venue
        self.vault = Vault.from_text(settings.person_keys, settings.secret)

    def caller(
        self, principal: Principal = MANAGER, key: str | None = None, body: object = b""
    ) -> Caller:
        digest = hashlib.sha256(repr(body).encode()).digest()
        return Caller(principal, str(uuid4()), key or str(uuid4()), digest, "127.0.0.1")

    async def open(self, night: str = NIGHT) -> Answered:
        return await nights.open_night(
            self.db, self.venue, self.vault, self.caller(), OpenNight(night)
        )

    async def hold(
        self,
        numbers: list[int],
        party: int = 4,
        *,
        key: str | None = None,
        by: Principal = MANAGER,
        contact: Contact | None = ADA,
        **slot: Any,
    ) -> dict[str, Any]:
        request = HoldTables(NIGHT, numbers, party, contact, **slot)
        answered = await holds.hold_tables(
            self.db, self.venue, self.vault, self.settings.secret,
            self.caller(by, key, request), request,
        )  # fmt: skip
        return read(answered)

    async def confirm(self, booking: dict[str, Any], key: str | None = None) -> dict[str, Any]:
        request = ConfirmHold("cash", booking["deposit_pence"])
        return read(
            await holds.confirm_hold(
                self.db,
                self.venue,
                self.vault,
                self.caller(key=key),
                booking["booking_id"],
                request,
            )
        )

    async def booked(self, numbers: list[int], party: int = 4) -> dict[str, Any]:
        return await self.confirm(await self.hold(numbers, party))

    async def scan(
        self,
        code: str | None,
        people: int | None = None,
        *,
        scan_id: str | None = None,
        by: Principal = DEVICE,
        at: str = "main",
        direction: Any = "in",
        reference: str | None = None,
        id_checked: bool = False,
    ) -> dict[str, Any]:
        request = ScanRequest(
            scan_id or str(uuid4()), at, direction, code, reference, people, id_checked
        )
        caller = Caller(by, str(uuid4()), None, hashlib.sha256(repr(request).encode()).digest())
        return read(await scans.scan(self.db, self.venue, self.vault, caller, request))

    async def seated(self, numbers: list[int], party: int = 4) -> dict[str, Any]:
        booking = await self.booked(numbers, party)
        assert (await self.scan(booking["code"], party))["verdict"] == "admit"
        return read(await bookings.seat_party(self.db, self.caller(), booking["booking_id"]))

    async def move(self, booking: dict[str, Any], numbers: list[int]) -> dict[str, Any]:
        return read(
            await bookings.move_tables(
                self.db, self.venue, self.caller(), booking["booking_id"], MoveTables(numbers)
            )
        )

    async def vacate(self, number: int) -> dict[str, Any]:
        return read(await tables.vacate_table(self.db, self.caller(), number, OfNight(NIGHT)))

    async def reset(self, number: int) -> dict[str, Any]:
        return read(await tables.reset_table(self.db, self.caller(), number, OfNight(NIGHT)))

    async def block(self, number: int, **more: Any) -> dict[str, Any]:
        request = BlockTable(NIGHT, "spill", **more)
        return read(await tables.block_table(self.db, self.caller(), number, request))

    async def unblock(self, number: int) -> dict[str, Any]:
        request = UnblockTable(NIGHT)
        return read(await tables.unblock_table(self.db, self.caller(), number, request))

    async def walk_in(self, numbers: list[int], party: int = 2, **more: Any) -> dict[str, Any]:
        request = WalkIn(NIGHT, numbers, party, "main", **more)
        return read(
            await walk_ins.seat_walk_in(self.db, self.venue, self.vault, self.caller(), request)
        )

    async def click(
        self, change: int | None = None, *, at: str = "main", floor: Any = "upstairs",
        people: int | None = None, by: Principal = MANAGER,
    ) -> dict[str, Any]:  # fmt: skip
        request = HeadcountRequest(NIGHT, at, floor, change, people)
        return read(await door.change_headcount(self.db, self.venue, self.caller(by), request))

    async def at(self, instant: datetime) -> None:
        """The venue's clock shows the instant, and runs on at the real speed."""
        owner = await asyncpg.connect(self.settings.owner_database_url)
        try:
            await set_clock(owner, instant, 1)
        finally:
            await owner.close()

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection that sees every row: the owner's."""
        owner = await asyncpg.connect(self.settings.owner_database_url)
        try:
            yield owner
        finally:
            await owner.close()

    async def later(self, **step: float) -> None:
        async with self.db.reading() as conn:
            now = await conn.fetchval("SELECT venue_now()")
        await self.at(now + timedelta(**step))

    async def kinds(self, after: int = 0, book: str = NIGHT) -> list[str]:
        """The types of the book's events beyond `after`, in order."""
        async with self.db.reading() as conn:
            rows = await conn.fetch(
                "SELECT type FROM event WHERE book = $1 AND version > $2 ORDER BY version",
                book,
                after,
            )
        return [row["type"] for row in rows]

    async def figures(self, night: str = NIGHT) -> Figures:
        """The night's running totals, by its book."""
        async with self.looking() as conn, conn.transaction(isolation="repeatable_read"):
            return (await read_state(conn, night)).figures

    async def agrees(self, night: str = NIGHT) -> None:
        """The fold of the book is exactly what the rows show."""
        async with self.looking() as conn, conn.transaction(isolation="repeatable_read"):
            state = await read_state(conn, night)
            rows = await read_rows(conn, night)
        assert rows_of(state) == rows


def read(answered: Answered) -> dict[str, Any]:
    """The answer's JSON."""
    document: dict[str, Any] = msgspec.json.decode(answered.body)
    return document


@asynccontextmanager
async def house(settings: Settings) -> AsyncIterator[House]:
    """A house with tonight's night open."""
    owner = await asyncpg.connect(settings.owner_database_url)
    try:
        await mark_demo(owner)
        await set_clock(owner, EVENING, 1)
    finally:
        await owner.close()
    db = await Database.open(settings)
    try:
        made = House(db, settings, load_venue())
        await made.open()
        yield made
    finally:
        await db.close()
