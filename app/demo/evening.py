"""What the people of one night share while they play it: sessions, bookings, what is put off.

Everything that they know of the floor they were told by the service, and ask again when it matters.
"""

import heapq
import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from app.demo.crew import Crew
from app.demo.guests import names
from app.demo.intentions import Floor, Intention, Party, Plan
from app.demo.interface import Answer, Interface

TRIES_MAX: Final = 6  # so often somebody comes back with the same wish, and then gives it up

Tell = Callable[[datetime, str], None]


@dataclass
class Booked:
    """What a party was given for its booking."""

    booking_id: str
    reference: str
    tables: list[int]
    deposit_pence: int
    status: str = "pending"
    token: str = ""
    code: str = ""
    admitted: int = 0

    @classmethod
    def of(cls, document: dict[str, Any]) -> "Booked":
        """What an answer, or a line of the night's list, says about a booking."""
        return cls(
            booking_id=document["booking_id"],
            reference=document["reference"],
            tables=document["tables"],
            deposit_pence=document["deposit_pence"] or 0,
            status=document["status"],
            token=document.get("token") or "",
            code=document.get("code") or "",
            admitted=document["admitted"],
        )


@dataclass
class Evening:
    """One night under way. `faults` has a line for each answer that no floor should give."""

    interface: Interface
    crew: Crew
    plan: Plan
    tell_at: Tell
    random: Random
    floors: dict[int, Floor]  # of each table
    booked: dict[str, Booked] = field(default_factory=dict)
    blocked: dict[int, int] = field(default_factory=dict)  # the planned table: the one in fact
    refused: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    now: datetime = field(init=False)
    tries: int = 0  # how often what is done now was put off before
    told: dict[str, datetime] = field(default_factory=dict)
    paid: int = 0  # deposits that the desk took
    _later: list[tuple[datetime, int, int, Intention]] = field(default_factory=list)
    _count: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.now = self.plan.evening_at
        self.more_names = names(Random(f"{self.plan.night}/more"))

    @property
    def night(self) -> str:
        return self.plan.night

    def party(self, party_id: str) -> Party:
        return self.plan.parties[party_id]

    # -- speaking to the service ------------------------------------------------------------------

    async def staff(
        self, path: str, body: dict[str, Any] | None = None, *, method: str = "POST"
    ) -> Answer:
        """A write by the manager."""
        return self.heard(await self.crew.staff(path, body, method=method), path)

    async def second(self, path: str) -> Answer:
        """A write by the other manager."""
        return self.heard(await self.crew.second(path), path)

    async def guest(
        self,
        path: str,
        who: dict[str, str],
        body: dict[str, Any] | None = None,
        *,
        method: str = "POST",
    ) -> Answer:
        """A write by a guest."""
        return self.heard(await self.interface.post(path, who, body, method=method), path)

    async def door(self, path: str, door: str, body: dict[str, Any]) -> Answer:
        """A write by a device at the door."""
        return self.heard(await self.crew.device(path, door, body), path)

    async def look(self, path: str, **query: str) -> dict[str, Any]:
        """What the manager reads; empty when nothing came."""
        answer = self.heard(await self.crew.read(path, **query), path)
        return answer.body if answer.ok else {}

    async def floor(self) -> dict[str, Any]:
        """The tables as the manager's screen shows them, by number as text."""
        state = (await self.look(f"/v1/nights/{self.night}/state")).get("state", {})
        tables: dict[str, Any] = state.get("tables", {})
        return tables

    def heard(self, answer: Answer, path: str) -> Answer:
        """Counts refusals, and keeps what no floor should have answered."""
        if answer.reason:
            self.refused[answer.reason] += 1
        if answer.is_fault or answer.status in (400, 401, 403, 405, 422):
            self.faults.append(f"{path}: {answer.status} {answer.reason}")
        return answer

    # -- time -------------------------------------------------------------------------------------

    def put_off(self, intention: Intention, minutes: float) -> bool:
        """Somebody tries again later; False: they tried often enough."""
        if self.tries >= TRIES_MAX:
            return False
        at = self.now + timedelta(minutes=minutes)
        heapq.heappush(self._later, (at, next(self._count), self.tries + 1, intention))
        return True

    def due(self, until: datetime) -> tuple[datetime, int, Intention] | None:
        """The next of what was put off, if its time comes before `until`."""
        if not self._later or self._later[0][0] > until:
            return None
        at, _, tries, intention = heapq.heappop(self._later)
        return at, tries, intention

    # -- telling ----------------------------------------------------------------------------------

    def tell(self, sentence: str) -> None:
        self.tell_at(self.now, sentence)

    def tell_seldom(self, about: str, sentence: str) -> None:
        """At most once in twenty minutes about the same."""
        last = self.told.get(about)
        if last is None or self.now - last > timedelta(minutes=20):
            self.told[about] = self.now
            self.tell(sentence)


def shown(tables: list[int] | tuple[int, ...]) -> str:
    """How tables are said: `table 7`, `tables 15 and 16`."""
    if len(tables) == 1:
        return f"table {tables[0]}"
    return f"tables {', '.join(str(n) for n in tables[:-1])} and {tables[-1]}"
