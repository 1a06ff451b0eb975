"""Customers who hold tables and let them go without a pause, and know what they were promised."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx

from floorplan.events import Event
from tests.faults.watchers import PATIENCE_SECONDS
from tests.premises import Premises, address

TABLES = (1, 2, 4, 5)


class Customers:
    """`answers` counts by status and reason; `promised` are the bookings that were acknowledged."""

    def __init__(self, premises: Premises, night: str, pause: float) -> None:
        self._premises = premises
        self._night = night
        self._pause = pause
        self.answers: Counter[tuple[int, str]] = Counter()
        self.cut = 0  # replies that never came
        self.promised: set[str] = set()
        self.versions: list[int] = []
        self._stop = False

    async def go_on(self, table: int) -> None:
        async with httpx.AsyncClient(base_url=self._premises.origin, timeout=5) as http:
            while not self._stop:
                body = {
                    "night": self._night,
                    "tables": [table],
                    "party": 4,
                    "contact": {"name": "Ada", "phone": f"0113 496 {table:04}"},
                }
                held = await self.insist(http, "POST", "/v1/holds", body)
                self.promised.add(held["booking_id"])
                path = f"/v1/holds/{held['booking_id']}"
                await self.insist(http, "DELETE", path, None, held["token"])
                await asyncio.sleep(self._pause)

    async def insist(
        self,
        http: httpx.AsyncClient,
        method: str,
        path: str,
        body: dict[str, Any] | None,
        token: str = "",
    ) -> dict[str, Any]:
        """The same request with the same key until there is an answer that says yes."""
        headers = {"Idempotency-Key": str(uuid4()), "X-Forwarded-For": address()}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                answer = await http.request(method, path, json=body, headers=headers)
            except httpx.TransportError:
                self.cut += 1
            else:
                told: dict[str, Any] = answer.json()
                self.answers[answer.status_code, str(told.get("reason", ""))] += 1
                if answer.status_code < 300:
                    self.versions.append(told["version"])
                    return told
                assert answer.headers["content-type"] == "application/problem+json"
                assert answer.status_code == 503, told
                assert told["detail"]
            assert time.monotonic() < deadline, f"no yes: {self.answers}"
            await asyncio.sleep(0.05)

    async def acknowledged(self, more: int) -> None:
        """That many further answers have said yes."""
        enough = len(self.versions) + more
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(self.versions) < enough:
            assert time.monotonic() < deadline, f"too few: {self.answers}, cut {self.cut}"
            await asyncio.sleep(0.01)

    def assert_kept(self, events: list[Event]) -> None:
        """Nothing promised is missing from the book, and nothing was done twice."""
        made = Counter(event.subject for event in events if event.type == "BOOKING_INITIATED")
        assert self.promised, "nothing was promised"
        assert set(made) == {f"booking:{one}" for one in self.promised}
        assert set(made.values()) == {1}
        assert max(self.versions) <= len(events)


@asynccontextmanager
async def busy(premises: Premises, night: str, pause: float = 0.0) -> AsyncIterator[Customers]:
    """Customers at four tables, who finish what they do at the end.

    `pause` is the seconds that each takes between letting a table go and holding it again.
    """
    customers = Customers(premises, night, pause)
    async with asyncio.TaskGroup() as group:
        for table in TABLES:
            group.create_task(customers.go_on(table))
        try:
            await customers.acknowledged(20)
            yield customers
        finally:
            customers._stop = True
