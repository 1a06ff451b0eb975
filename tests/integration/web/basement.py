"""Two tablets at one door, a manager, and a party whose ticket one of them may hold."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx

from app.settings import Settings
from tests.integration.web.club import NIGHT, ORIGIN, Club, key, opened

TOKEN = "d" * 64
OPEN = "2027-06-19T22:30:00.000Z"


class Tablet:
    """A paired tablet, and the lease that it has."""

    def __init__(self, client: httpx.AsyncClient, device_id: str) -> None:
        self.client = client
        self.device_id = device_id
        self.lease: dict[str, Any] = {}

    async def take(self, **more: Any) -> httpx.Response:
        body = {"night": NIGHT, "door": "main", **more}
        answer = await self.client.post("/v1/leases", json=body, headers=key())
        if answer.status_code == 201:
            self.lease = answer.json()
        return answer

    async def renew(self, counter: int | None = None, **headers: str) -> httpx.Response:
        answer = await self.client.post(
            f"/v1/leases/{self.lease['lease_id']}/renew",
            json={"counter": self.lease["counter"] if counter is None else counter},
            headers=headers or key(),
        )
        self.lease = {**self.lease, **answer.json(), "tickets": self.lease["tickets"]}
        return answer

    async def give_back(self, *admitted: int) -> dict[str, Any]:
        """Every ticket of the lease, with so many people admitted by each."""
        tickets = [ticket["ticket_id"] for ticket in self.lease["tickets"]]
        stated = [
            {"ticket_id": ticket, "admitted": count}
            for ticket, count in zip(tickets, admitted, strict=True)
        ]
        answer = await self.client.post(
            f"/v1/leases/{self.lease['lease_id']}/return",
            json={"counter": self.lease["counter"], "tickets": stated},
            headers=key(),
        )
        assert answer.status_code == 200, answer.text
        returned: dict[str, Any] = answer.json()
        return returned

    async def scan(self, code: str, people: int | None = None, **more: Any) -> dict[str, Any]:
        body = {"scan_id": str(uuid4()), "door": "main", "code": code, **more}
        if people is not None:
            body["people"] = people
        answer = await self.client.post("/v1/scans", json=body)
        assert answer.status_code == 200, answer.text
        verdict: dict[str, Any] = answer.json()
        return verdict

    async def tell(
        self, code: str, people: int, verdict: str = "admit", at: str = OPEN, **more: Any
    ) -> Any:
        """A scan that it decided by itself."""
        observed = {"at": at, "verdict": verdict, "lease": self.lease.get("lease_id")}
        return await self.scan(code, people, observed=observed, **more)


@asynccontextmanager
async def managed_demo(settings: Settings) -> AsyncIterator[tuple[Club, httpx.AsyncClient]]:
    """A club on the demo clock, with its manager."""
    async with opened(settings, demo=True, demo_token=TOKEN) as club:
        manager = await club.client(Origin=ORIGIN)
        links = (await manager.post("/v1/demo/links", json={"token": TOKEN})).json()["links"]
        link = next(one["link"] for one in links if one["role"] == "MANAGER")
        await manager.post("/v1/session", json={"link": link})
        yield club, manager


class Basement:
    """A club with a party of four, and two tablets."""

    def __init__(self, club: Club, manager: httpx.AsyncClient) -> None:
        self.club = club
        self.manager = manager
        self.booking: dict[str, Any] = {}
        self.here: Tablet
        self.there: Tablet

    @property
    def code(self) -> str:
        code: str = self.booking["code"]
        return code

    async def begin(self) -> None:
        stranger = await self.club.client()
        body = {"token": TOKEN, "shown_at": OPEN, "speed": 1}
        assert (await stranger.post("/v1/demo/clock", json=body)).status_code == 200
        await self.club.open()
        self.booking = await self.confirmed([2])
        self.here, self.there = await self.tablet(), await self.tablet()

    async def confirmed(self, tables: list[int]) -> dict[str, Any]:
        held = await self.club.held(self.manager, tables, 4)
        paid = {"method": "cash", "amount_pence": held["deposit_pence"]}
        path = f"/v1/holds/{held['booking_id']}/confirm"
        made: dict[str, Any] = (await self.manager.post(path, json=paid, headers=key())).json()
        return made

    async def tablet(self) -> Tablet:
        made = await self.club.paired(self.manager)
        client = await self.club.client(Authorization=f"Bearer {made['token']}")
        return Tablet(client, made["device_id"])

    async def tasks(self) -> list[dict[str, Any]]:
        answer = await self.manager.get("/v1/tasks", params={"night": NIGHT})
        found: list[dict[str, Any]] = answer.json()["tasks"]
        return found

    async def leases(self) -> list[dict[str, Any]]:
        answer = await self.manager.get("/v1/leases", params={"night": NIGHT})
        found: list[dict[str, Any]] = answer.json()["leases"]
        return found

    async def inside(self) -> tuple[int, int]:
        """People on the floors, and of the parties by their tickets."""
        async with self.club.looking() as conn:
            house = await conn.fetchval("SELECT sum(people) FROM headcount")
            party = await conn.fetchval("SELECT sum(admitted - gone) FROM ticket")
        return int(house), int(party)

    async def kinds(self) -> list[str]:
        async with self.club.looking() as conn:
            rows = await conn.fetch(
                "SELECT type FROM event WHERE book = $1 AND type LIKE 'LEASE%' ORDER BY version",
                NIGHT,
            )
        return [row["type"] for row in rows]

    async def agrees(self) -> None:
        await self.club.agrees(NIGHT)
