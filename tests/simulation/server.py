"""The server of the simulation: rows in dictionaries, judged by the service's own pure rules.

What the actions do under locks happens here in one step: `app.domain.leases` and
`app.domain.verdicts` decide, and only what Postgres would hold is kept.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from msgspec.structs import replace

from app.domain.facts import BookingFact, Facts, HeadcountFact, NightFact, TicketFact
from app.domain.leases import (
    Candidate,
    Share,
    holder_of,
    judge_counter,
    judge_grant,
    judge_observed,
    stated_by,
)
from app.domain.verdicts import Request, judge_scan

Json = dict[str, Any]

NIGHT: Final = "2026-11-21"
DOORS, LAST, CLOSE = (
    "2026-11-21T22:00:00.000Z",
    "2026-11-22T03:00:00.000Z",
    "2026-11-22T05:00:00.000Z",
)
NOW: Final = "2026-11-21T23:00:00.000Z"
FLOOR: Final = "upstairs"
LASTS_SECONDS: Final = 120  # a lease of the simulation; the rule is the same for 30 minutes


@dataclass
class Ticket:
    """A row of `ticket`, with its shares of every lease."""

    id: str
    party: int
    admitted: int = 0
    status: str = "valid"
    shares: dict[str, Share] = field(default_factory=dict)

    @property
    def open_shares(self) -> tuple[Share, ...]:
        return tuple(s for s in self.shares.values() if s.is_held or s.reserve > 0)

    @property
    def candidate(self) -> Candidate:
        return Candidate(self.id, self.party, self.admitted, 0, self.open_shares)


@dataclass
class Lease:
    id: str
    device: str
    status: str = "live"
    counter: int = 1


class Server:
    """Everything that is committed survives; there is one of it."""

    def __init__(self, parties: list[int], limit: int) -> None:
        self.tickets = {f"t{n}": Ticket(f"t{n}", party) for n, party in enumerate(parties)}
        self.limit = limit
        self.people = 0
        self.leases: dict[str, Lease] = {}
        self.answers: dict[tuple[str, str], Json] = {}  # the idempotency keys
        self.scans: dict[tuple[str, str], Json] = {}
        self.tasks: list[tuple[str, str]] = []
        self.revoked: set[str] = set()  # devices whose token is over
        self.kept: set[tuple[str, str]] = set()  # their scans, for a manager
        self.recalls: list[tuple[str, str]] = []  # (device, ticket): frames to send

    @property
    def reserved(self) -> int:
        return sum(s.reserve for t in self.tickets.values() for s in t.shares.values())

    @property
    def room(self) -> int:
        return self.limit - self.people - self.reserved

    # -- leases ------------------------------------------------------------------------------------

    def answer(self, device: str, request: Json) -> Json:
        """The answer to a request with a key: the same one for the same key, for ever."""
        if device in self.revoked:
            return {"status": "revoked"}
        known = self.answers.get((device, request["key"]))
        if known is None:
            known = self.answers[device, request["key"]] = self._do(device, request)
        return known

    def _do(self, device: str, request: Json) -> Json:
        if request["kind"] == "take":
            return self.take(device, request["key"])
        lease = self.leases.get(request["lease_id"])
        if lease is None or lease.device != device:
            return {"status": "refused", "reason": "lease_not_found"}
        body = request["body"]
        lease.status = judge_counter(lease.status, lease.counter, body["counter"])  # type: ignore[arg-type]
        if lease.status == "live":
            lease.counter += 1
            if request["kind"] == "return":
                self.give_back(lease, body["tickets"])
        elif ("lease", lease.id) not in self.tasks and lease.status == "voided":
            self.tasks.append(("lease", lease.id))
        return {"status": "ok", "body": self._lease(lease)}

    def take(self, device: str, key: str) -> Json:
        if self.has_unreturned(device):
            return {"status": "refused", "reason": "lease_not_returned"}
        valid = [t for t in self.tickets.values() if t.status == "valid"]
        granted = judge_grant([t.candidate for t in valid], self.free_for_leases())
        if not granted:
            return {"status": "refused", "reason": "nothing_to_lease"}
        lease = Lease(f"lease-{key}", device)
        self.leases[lease.id] = lease
        for ticket_id, places in granted.items():
            share = Share(lease.id, device, device, FLOOR, places)
            self.tickets[ticket_id].shares[lease.id] = share
        tickets = [
            {
                "ticket_id": t, "booking_id": t, "generation": 1, "places": places, "tables": [],
                "party": self.tickets[t].party,
            }
            for t, places in granted.items()
        ]  # fmt: skip
        return {"status": "ok", "body": {**self._lease(lease), "tickets": tickets}}

    def has_unreturned(self, device: str) -> bool:
        return any(
            lease.device == device and lease.status in ("live", "voided")
            for lease in self.leases.values()
        )

    def free_for_leases(self) -> int:
        return max(0, self.room)

    def give_back(self, lease: Lease, stated: list[Json]) -> None:
        for one in stated:
            ticket = self.tickets[one["ticket_id"]]
            share = ticket.shares.get(lease.id)
            if share is not None and share.is_held:
                self.state(ticket, share, stated_by(share, one["admitted"]))
        held = [t for t in self.tickets.values() if self._holds(lease, t)]
        lease.status = "live" if held else "returned"

    def state(self, ticket: Ticket, share: Share, stated: int) -> None:
        ticket.shares[share.lease_id] = replace(share, stated=stated)

    def _holds(self, lease: Lease, ticket: Ticket) -> bool:
        share = ticket.shares.get(lease.id)
        return share is not None and share.is_held

    def _lease(self, lease: Lease) -> Json:
        recalled = [
            t.id for t in self.tickets.values() if self._holds(lease, t)
            and t.shares[lease.id].recalled
        ]  # fmt: skip
        return {
            "lease_id": lease.id, "status": lease.status, "counter": lease.counter, "night": NIGHT,
            "door": lease.device, "lasts_seconds": LASTS_SECONDS, "opens_in_ms": -1,
            "closes_in_ms": 10**9, "recalled": recalled if lease.status == "live" else [],
        }  # fmt: skip

    # -- scans -------------------------------------------------------------------------------------

    def holder(self, ticket: Ticket) -> Share | None:
        return holder_of(ticket.open_shares)

    def recall(self, ticket_id: str) -> bool:
        """Whoever holds the ticket is asked for it; whether somebody was, for the first time."""
        ticket = self.tickets[ticket_id]
        share = self.holder(ticket)
        if share is None or share.recalled:
            return False
        ticket.shares[share.lease_id] = replace(share, recalled=True)
        self.recalls.append((share.device_id, ticket_id))
        return True

    def judge(self, device: str, scan: Json) -> Json:
        """The verdict on a plain scan, stored under its id."""
        if device in self.revoked:
            return {"verdict": "wait", "reason": "device_revoked", "people": 0, "left": None}
        stored = self.scans.get((device, scan["scan_id"]))
        if stored is not None:
            return stored
        ticket = self.tickets[scan["ticket_id"]]
        judgement = judge_scan(
            Request("in", scan["people"], FLOOR, generation=1),
            self.booking(ticket), self.facts(), NIGHT,
        )  # fmt: skip
        verdict = {
            "verdict": judgement.saying.verdict, "reason": judgement.reason,
            "people": judgement.people, "left": judgement.left_to_enter,
        }  # fmt: skip
        ticket.admitted += judgement.people
        self.people += judgement.people
        self.scans[device, scan["scan_id"]] = verdict
        return verdict

    def booking(self, ticket: Ticket) -> BookingFact:
        fact = TicketFact(
            ticket.id, 1, ticket.status, ticket.party, ticket.admitted, 0, None, None,
            shares=ticket.open_shares,
        )  # fmt: skip
        status = "confirmed" if ticket.status == "valid" else "cancelled"
        return BookingFact(
            ticket.id, "R", NIGHT, status, ticket.party, DOORS, CLOSE, "public", 0, 0, None, False,
            (), fact,
        )  # fmt: skip

    def facts(self) -> Facts:
        return Facts(
            now=NOW,
            night=NightFact(NIGHT, "Sat", "open", DOORS, LAST, CLOSE, CLOSE, self.limit, 0),
            headcount=(HeadcountFact(FLOOR, self.people, self.limit, self.reserved),),
        )

    def observe(self, device: str, scan_id: str, lease_id: str, body: Json) -> Json:
        """What a device let in by itself: counted, or a task; once for its id."""
        if device in self.revoked:
            self.kept.add((device, scan_id))
            return {"status": "revoked", "kept": True}
        known = self.scans.get((device, scan_id))
        if known is not None:
            return {"status": "ok", "body": known}
        ticket = self.tickets[body["ticket_id"]]
        lease = self.leases.get(lease_id)
        share = ticket.shares.get(lease_id) if lease and lease.device == device else None
        outcome = judge_observed(
            share, ticket.candidate, body["people"], is_valid=ticket.status == "valid"
        )
        if outcome.task is not None:
            self.tasks.append(("scan", scan_id))
        elif share is not None:
            ticket.admitted += outcome.counted
            self.people += outcome.counted
            ticket.shares[lease_id] = replace(share, admitted=share.admitted + outcome.counted)
        verdict = {
            "verdict": "admit", "people": outcome.counted, "task": outcome.task,
            "ticket_id": ticket.id,
        }  # fmt: skip
        self.scans[device, scan_id] = verdict
        return {"status": "ok", "body": verdict}

    def cancel(self, ticket_id: str) -> None:
        """It goes through where nobody of the party is in, as far as the server knows."""
        ticket = self.tickets[ticket_id]
        owed = sum(s.reserve for s in ticket.shares.values() if not s.is_held)
        if not ticket.admitted and not owed:
            ticket.status = "revoked"

    def shrink(self, ticket_id: str) -> bool:
        """The rest of the party stays at home, where the server may say so: whoever is in, or was
        let in by a tablet that is still telling of it, keeps a place. False: a device holds it."""
        ticket = self.tickets[ticket_id]
        if self.holder(ticket) is not None:
            return False
        ticket.party = max(1, self.inside(ticket))
        return True

    def inside(self, ticket: Ticket) -> int:
        """As `judge_party` counts them."""
        fact = self.booking(ticket).ticket
        assert fact is not None, "a booking of the simulation has its ticket"
        return fact.admitted + fact.owed

    def walk_in(self) -> bool:
        """The clicker counts one in, if the licence has room."""
        if self.room <= 0:
            return False
        self.people += 1
        return True
