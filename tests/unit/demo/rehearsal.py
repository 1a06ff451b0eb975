"""Walks through a plan with the floor's own rules, and says what would be refused.

The rules are written a second time here, in the smallest form: one claim a table at a time, holds
end, nobody sits where it is not laid.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.demo import intentions as mean
from app.demo.intentions import Intention, Party, Plan
from floorplan.venue import Venue

PLANNED_REFUSAL = (mean.TryCode,)


@dataclass
class Rehearsal:
    """The floor as it would be; `problems` has a line for what the floor would refuse."""

    venue: Venue
    plan: Plan
    claims: dict[int, str] = field(default_factory=dict)
    status: dict[str, str] = field(default_factory=dict)
    expires: dict[str, datetime] = field(default_factory=dict)
    tables: dict[str, tuple[int, ...]] = field(default_factory=dict)
    arrived: Counter[str] = field(default_factory=Counter)
    unlaid: set[int] = field(default_factory=set)
    blocked: set[int] = field(default_factory=set)
    inside: Counter[str] = field(default_factory=Counter)
    turned_away: int = 0
    problems: list[str] = field(default_factory=list)

    def until(self, instant: datetime) -> "Rehearsal":
        for one in self.plan.intentions:
            if one.at <= instant:
                self.do(one)
        return self

    def seated(self) -> set[int]:
        return {table for table, who in self.claims.items() if self.status[who] == "seated"}

    def do(self, one: Intention) -> None:
        for who, ends in list(self.expires.items()):
            if ends <= one.at:
                self._free(who, "expired")
        match one:
            case mean.Click() if one.door == "stairs":
                self.inside[one.floor] += one.change
                other = "downstairs" if one.floor == "upstairs" else "upstairs"
                self.inside[other] -= one.change
            case mean.Click():
                room = self.venue.limits.floors[one.floor] - self.inside[one.floor]
                self.turned_away += max(0, one.change - room)
                self.inside[one.floor] += min(one.change, room)
            case mean.Reset():
                self._expect(one, one.table in self.unlaid)
                self.unlaid.discard(one.table)
            case mean.Block():
                self._expect(one, one.table not in self.seated())
                self.blocked.add(one.table)
            case mean.Unblock():
                self._expect(one, one.table in self.blocked)
                self.blocked.discard(one.table)
            case _ if hasattr(one, "party") and not isinstance(one, PLANNED_REFUSAL):
                party = self.plan.parties[one.party]
                if party.night == self.plan.night:
                    self._party(one, party)
            case _:
                pass

    def _party(self, one: Intention, party: Party) -> None:
        status, rules = self.status.get(party.id), self.venue.rules
        match one:
            case mean.Hold():
                self._claim(one, party, party.tables)
                self.status[party.id] = "pending"
                self.expires[party.id] = one.at + timedelta(minutes=rules.hold_minutes)
            case mean.Extend():
                self._expect(one, status == "pending")
                self.expires[party.id] += timedelta(minutes=rules.hold_extension_minutes)
            case mean.Release():
                self._expect(one, status == "pending")
                self._free(party.id, "released")
            case mean.Pay():
                self._expect(one, status == "pending")
                self.expires.pop(party.id, None)
                self.status[party.id] = "confirmed"
            case mean.Cancel() | mean.NoShow():
                self._expect(one, status == "confirmed" and not self.arrived[party.id])
                if isinstance(one, mean.NoShow):
                    assert party.due_at is not None
                    grace = timedelta(minutes=rules.grace_minutes)
                    self._expect(one, one.at >= party.due_at + grace)
                self._free(party.id, "ended")
            case mean.Arrive():
                self._expect(one, status in ("confirmed", "seated"))
                self._expect(one, one.at >= self.plan.doors_at)
                self.arrived[party.id] += one.people
                self.inside[party.floor] += one.people
                self._expect(one, self.arrived[party.id] <= party.size)
            case mean.Seat():
                self._expect(one, status == "confirmed" and self.arrived[party.id] > 0)
                self._expect(one, not set(self.tables[party.id]) & (self.unlaid | self.blocked))
                self.status[party.id] = "seated"
            case mean.WalkIn():
                self._claim(one, party, party.tables)
                self._expect(one, not set(party.tables) & (self.unlaid | self.blocked))
                self.status[party.id] = "seated"
                self.arrived[party.id] = party.size
                self.inside[party.floor] += 0 if party.counted else party.size
            case mean.Move():
                before = self.tables[party.id]
                for table in before:
                    self._expect(one, self.claims.pop(table, None) == party.id)
                if status == "seated":
                    self.unlaid.update(before)
                self._claim(one, party, one.tables)
            case mean.Leave():
                self._expect(one, status == "seated")
                self.unlaid.update(self.tables[party.id])
                self.inside[party.floor] -= self.arrived[party.id]
                self._free(party.id, "completed")
            case _:
                pass

    def _claim(self, one: Intention, party: Party, tables: tuple[int, ...]) -> None:
        for table in tables:
            self._expect(one, table not in self.claims)
            self.claims[table] = party.id
        self.tables[party.id] = tables

    def _free(self, who: str, status: str) -> None:
        self.expires.pop(who, None)
        self.status[who] = status
        for table in [table for table, owner in self.claims.items() if owner == who]:
            del self.claims[table]

    def _expect(self, one: Intention, holds: bool) -> None:
        if not holds:
            self.problems.append(f"{one.at:%H:%M:%S} {one}")
