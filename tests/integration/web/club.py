"""A worker's whole web side in this process, on real servers, and callers of every role."""

import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
from starlette.types import ASGIApp

from app.actions.sign_in import create_link
from app.db.book import read_state
from app.db.floor import list_contradictions, read_rows, rows_of
from app.db.sessions import elevate_session, insert_session
from app.db.staff import insert_staff
from app.domain.passwords import hash_password
from app.domain.principals import Assurance
from app.domain.second_factor import ELEVATION_LASTS
from app.domain.tokens import new_token, token_hash
from app.main import running
from app.settings import Settings
from app.web.application import build
from app.web.operations import Operation
from app.web.parts import Parts
from app.web.table import operations

ORIGIN = "http://127.0.0.1:8000"
ELSEWHERE = ("203.0.113.9", 40_000)  # a visitor from outside, as the socket sees them
PASSWORD = "correct horse battery staple"
NIGHT = "2027-06-19"  # a coming Saturday


class Club:
    """The application, its parts, and HTTP clients that act as somebody."""

    def __init__(self, app: ASGIApp, parts: Parts, table: tuple[Operation, ...]) -> None:
        self.app = app
        self.parts = parts
        self.table = table
        self._stack = AsyncExitStack()

    async def client(
        self, address: tuple[str, int] = ELSEWHERE, **headers: str
    ) -> httpx.AsyncClient:
        """Nobody, from outside."""
        transport = httpx.ASGITransport(self.app, client=address)
        made = httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers=headers)
        return await self._stack.enter_async_context(made)

    async def close(self) -> None:
        await self._stack.aclose()

    async def staff(self, role: str = "MANAGER", username: str | None = None) -> str:
        """A new member of staff with PASSWORD; the id."""
        async with self.parts.db.begun(self.parts.db.auth) as conn:
            made = await insert_staff(
                conn, username or f"{role.lower()}-{uuid4()}", "Mara Quill", role,
                hash_password(PASSWORD),
            )  # fmt: skip
        assert made is not None
        return made

    async def link(self, staff_id: str, lasts: timedelta = timedelta(minutes=5)) -> str:
        return await create_link(self.parts.db, staff_id, lasts)

    async def signed_in(
        self, role: str = "MANAGER", *, elevated: bool = False, staff_id: str | None = None
    ) -> httpx.AsyncClient:
        """A member of staff at a browser of their own, with all that their role has to show."""
        client = await self.client(Origin=ORIGIN)
        token = new_token()
        assurance: Assurance = "link" if role == "DOOR_STAFF" else "totp"
        async with self.parts.db.begun(self.parts.db.auth) as conn:
            session_id, _ = await insert_session(
                conn, token_hash(token), staff_id or await self.staff(role), timedelta(hours=8),
                began="link", assurance=assurance,
            )  # fmt: skip
            if elevated:
                await elevate_session(conn, session_id, token_hash(token), ELEVATION_LASTS)
        client.cookies.set("sid", token, domain="127.0.0.1", path="/")
        return client

    async def added(
        self, manager: httpx.AsyncClient, door: str = "main", **more: Any
    ) -> dict[str, Any]:
        """A camera that the manager added, and nobody paired yet."""
        body = {"name": "Camera", "kind": "camera", "door": door, **more}
        answer = await manager.post("/v1/devices", json=body, headers=key())
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def paired(
        self, manager: httpx.AsyncClient, door: str = "main", **more: Any
    ) -> dict[str, Any]:
        """What a camera was given that the manager added and somebody paired."""
        code = (await self.added(manager, door, **more))["pairing"]["code"]
        answer = await (await self.client()).post(
            "/v1/devices/pair", json={"code": code}, headers=key()
        )
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def device(self, door: str = "main", **more: Any) -> httpx.AsyncClient:
        """A camera that a manager added, with its token."""
        made = await self.paired(await self.signed_in(), door, **more)
        return await self.client(Authorization=f"Bearer {made['token']}")

    async def acting_as(self, role: str) -> httpx.AsyncClient:
        """Somebody of any role of the table of permissions."""
        if role == "ANONYMOUS":
            return await self.client()
        if role == "OWNER":
            return await self.client(Authorization=f"Bearer {secrets.token_urlsafe(32)}")
        return (
            await self.device() if role == "DEVICE" else await self.signed_in(role, elevated=True)
        )

    async def open(self, night: str = NIGHT) -> dict[str, Any]:
        """A night that can be booked."""
        manager = await self.signed_in()
        answer = await manager.post("/v1/nights", json={"night": night}, headers=key())
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def held(
        self,
        client: httpx.AsyncClient,
        tables: list[int],
        party: int = 4,
        email: str = "ada@example.com",
    ) -> Any:
        """The answer to a hold by the client; a customer has one at a time."""
        answer = await client.post(
            "/v1/holds",
            json={
                "night": NIGHT, "tables": tables, "party": party,
                "contact": {"name": "Ada Lovelace", "email": email},
            },
            headers=key(),
        )  # fmt: skip
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def just_failed(self, failures: int = 0) -> None:
        """The last wrong guess was at this moment, however long the test took since, and the
        failures in a row were so many at least."""
        async with self.parts.db.begun(self.parts.db.auth) as conn:
            await conn.execute(
                "UPDATE guess SET failures = greatest(failures, $1), failed_at = now()", failures
            )

    async def forget_limits(self) -> None:
        """Nobody has asked for anything yet, as the limits see it."""
        kept = [name async for name in self.parts.redis.scan_iter("limit:*")]
        if kept:
            await self.parts.redis.delete(*kept)

    async def counts(self) -> dict[str, int]:
        """How many rows each table has that a request could write to."""
        names = (
            "event", "night", "booking", "booking_table", "person", "payment", "ticket", "scan",
            "idempotency", "device", "retired_token", "quarantined_scan", "table_block",
        )  # fmt: skip
        async with self.looking() as conn:
            return {n: await conn.fetchval(f"SELECT count(*) FROM {n}") for n in names}

    async def agrees(self, night: str) -> None:
        """The book's fold is what the rows show, and the rows say each thing once."""
        async with self.looking() as conn:
            assert rows_of(await read_state(conn, night)) == await read_rows(conn, night)
            assert await list_contradictions(conn, night) == []

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection that sees every row: the owner's."""
        owner = await asyncpg.connect(self.parts.settings.owner_database_url)
        try:
            yield owner
        finally:
            await owner.close()


def key() -> dict[str, str]:
    """The header of a new request."""
    return {"Idempotency-Key": str(uuid4())}


@asynccontextmanager
async def opened(settings: Settings, **changed: Any) -> AsyncIterator[Club]:
    settings = replace(settings, **changed)
    async with running(settings, node="test") as parts:
        table = operations(parts.venue, settings)
        club = Club(build(parts, table), parts, table)
        try:
            yield club
        finally:
            await club.close()
