"""Ways to break the protocol, each in one place: the simulation must find every one of them.

A mutation is a device or a server of which one rule is gone. What it breaks is a promise of
docs/offline.md; a simulation that would not notice proves nothing about the real ones.
"""

from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from app.domain.leases import Share
from scanners.offline import Device
from tests.simulation.server import Lease, Server, Ticket

Json = dict[str, Any]


class GreenBeforeStored(Device):
    """Shows green at once, and stores meanwhile."""

    def _after_scan(self, todo: Json, given: Json, out: list[Json]) -> None:
        scan = todo["scan"]
        self._say(scan["scan_id"], "admit", "admitted", out, scan["people"], todo["left"])

    def _scan_stored(self, todo: Json, given: Json, done: bool, out: list[Json]) -> None:
        self.pending[todo["scan"]["ticket_id"]] -= 1
        if done:
            self.spool.append(todo["name"])


class ForgetsUses(Device):
    """After a restart every place of a leased ticket is free again."""

    def _start(self, given: Json) -> None:
        super()._start(given)
        for record in self.records.values():
            if isinstance(record, dict) and "used" in record:
                record["used"] = 0


class TrustsAReload(Device):
    """Takes the clocks after a restart for those of the acknowledgement."""

    def _start(self, given: Json) -> None:
        super()._start(given)
        if self.lease is not None:
            self.anchor = {"mono": given["mono"], "wall": given["wall"]}


class CountsFromTheAnswer(Device):
    """Counts the lease from the answer's coming, not from the request's sending."""

    def _answer(self, given: Json, out: list[Json]) -> None:
        self.first_sent = {"mono": given["mono"], "wall": given["wall"]}
        super()._answer(given, out)


class TrustsTheMonotonicClock(Device):
    """Asks the monotonic clock alone, which may stand while the tablet sleeps."""

    def elapsed(self, given: Json) -> int:
        assert self.anchor is not None
        return int(given["mono"] - self.anchor["mono"])

    def _look(self, given: Json) -> None:
        pass


class TrustsTheWallClock(Device):
    """Asks the wall clock alone, which anybody may set."""

    def elapsed(self, given: Json) -> int:
        assert self.anchor is not None
        return int(given["wall"] - self.anchor["wall"])

    def _look(self, given: Json) -> None:
        pass


class NeverExpires(Device):
    """Goes on admitting after the lease is over."""

    def elapsed(self, given: Json) -> int:
        return min(super().elapsed(given), 119_000)


class AdmitsWhatItGaveBack(Device):
    """Goes on admitting tickets that it has stated."""

    def _scan(self, given: Json, out: list[Json]) -> None:
        record = self.records.get(f"ticket:{given['ticket_id']}")
        if record is not None and record["state"] == "returning":
            self.records[f"ticket:{given['ticket_id']}"] = {**record, "state": "held"}
        super()._scan(given, out)

    def _doubt(self, given: Json, ticket: Json) -> str | None:
        reason = super()._doubt(given, ticket)
        return None if reason == "given_back" else reason


class StatesBeforeItIsStored(Device):
    """Sends a return before it is durable that the tickets are given back."""

    def _give_back(self, lease: Json, tickets: list[str], given: Json, out: list[Json]) -> None:
        inner: list[Json] = []
        super()._give_back(lease, tickets, given, inner)
        out.append({"type": "send", **self.records["request"]})
        out += inner


class StatesTooEarly(Device):
    """States a ticket while a scan of it is being stored, without that scan."""

    def _may_state(self, ticket_id: str) -> bool:
        return True

    def _give_back(self, lease: Json, tickets: list[str], given: Json, out: list[Json]) -> None:
        super()._give_back(lease, tickets, given, out)
        request = self.ops[self.next_op - 1]["request"]
        for stated in request["body"]["tickets"]:
            stated["admitted"] -= self.pending.get(stated["ticket_id"], 0)


class DeletesWhenSent(Device):
    """Deletes a scan when it is sent instead of when it is acknowledged."""

    def _tell(self, scan: Json, out: list[Json]) -> None:
        super()._tell(scan, out)
        name = self.spool.pop(0)
        self.telling = None
        self._store([], [name], {"then": "nothing"}, out)


class ForgetsTheSpool(Device):
    """After a restart it does not send what it had stored."""

    def _start(self, given: Json) -> None:
        super()._start(given)
        self.spool = []


class AdmitsWhenRevoked(Device):
    """Goes on by its lease after it has heard that its pairing is over."""

    def _revoke(self) -> None:
        pass


class ForgetsAllWhenRevoked(Device):
    """Clears its disk when its pairing is over, the scans that nobody was told of with it."""

    def _revoke(self) -> None:
        super()._revoke()
        for name in self.spool:
            self.records.pop(name, None)
        self.spool, self.telling = [], None


class Expires(Server):
    """Gives the tickets back when the lease's time is over by the server's own clock."""

    def holder(self, ticket: Ticket) -> Share | None:
        share = super().holder(ticket)
        if share is None or not share.recalled:
            return share
        ticket.shares[share.lease_id] = replace(share, released=True)
        return None


class PairingReturns(Server):
    """Takes a new request for a lease as the return of the old one."""

    def has_unreturned(self, device: str) -> bool:
        for lease in self.leases.values():
            if lease.device == device and lease.status == "live":
                for ticket in self.tickets.values():
                    if self._holds(lease, ticket):
                        share = ticket.shares[lease.id]
                        ticket.shares[lease.id] = replace(share, stated=share.admitted)
                lease.status = "returned"
        return False


class ForgetsWhatIsOwed(Server):
    """A returned ticket is free at once, though its scans are still to come."""

    def state(self, ticket: Ticket, share: Share, stated: int) -> None:
        super().state(ticket, share, share.admitted)


class ReservesNobody(Server):
    """Grants leases without keeping room for their people."""

    @property
    def reserved(self) -> int:
        return 0


class GrantsTwice(Server):
    """Grants a ticket that another device holds."""

    def take(self, device: str, key: str) -> Json:
        kept = {t.id: t.shares for t in self.tickets.values()}
        for ticket in self.tickets.values():
            ticket.shares = {}
        answer = super().take(device, key)
        for ticket in self.tickets.values():
            ticket.shares = {**kept[ticket.id], **ticket.shares}
        return answer


class AdmitsWhileHeld(Server):
    """Judges a scan as if nobody held the ticket."""

    def booking(self, ticket: Ticket) -> Any:
        booking = super().booking(ticket)
        assert booking.ticket is not None
        return replace(booking, ticket=replace(booking.ticket, shares=()))


class AnswersAnew(Server):
    """Does a request again that comes again under its key."""

    def answer(self, device: str, request: Json) -> Json:
        self.answers.pop((device, request["key"]), None)
        return super().answer(device, request)

    def take(self, device: str, key: str) -> Json:
        answer = super().take(device, key)
        if answer["status"] == "refused" and f"lease-{key}" in self.leases:
            lease = self.leases[f"lease-{key}"]
            tickets = [
                {
                    "ticket_id": t.id, "booking_id": t.id, "generation": 1, "tables": [],
                    "party": t.party, "places": t.shares[lease.id].places,
                }
                for t in self.tickets.values() if lease.id in t.shares
            ]  # fmt: skip
            lease.status = "live"
            return {"status": "ok", "body": {**self._lease(lease), "tickets": tickets}}
        return answer


class CountsTwice(Server):
    """Counts a scan again that is told again."""

    def observe(self, device: str, scan_id: str, lease_id: str, body: Json) -> Json:
        self.scans.pop((device, scan_id), None)
        return super().observe(device, scan_id, lease_id, body)


class ForgetsTheScan(Server):
    """Acknowledges a scan that cannot be counted, and keeps no task of it."""

    def observe(self, device: str, scan_id: str, lease_id: str, body: Json) -> Json:
        answer = super().observe(device, scan_id, lease_id, body)
        known = self.scans.get((device, scan_id))
        if known is not None and known["task"] is not None:
            del self.scans[device, scan_id]
        return answer


class ShrinksBelowWhatIsOwed(Server):
    """Makes a party smaller than those whom a tablet let in and is still telling of."""

    def inside(self, ticket: Ticket) -> int:
        return ticket.admitted


class EndsWithoutItsReturn(Server):
    """Takes a ticket back that it has recalled, with the next renewal."""

    def _lease(self, lease: Lease) -> Json:
        for ticket in self.tickets.values():
            share = ticket.shares.get(lease.id)
            if share is not None and share.is_held and share.recalled:
                ticket.shares[lease.id] = replace(share, stated=share.admitted)
        return super()._lease(lease)


class Mutation(NamedTuple):
    device: type[Device] = Device
    server: type[Server] = Server


MUTATIONS: Final[dict[str, Mutation]] = {
    **{
        device.__name__: Mutation(device=device)
        for device in (
            GreenBeforeStored, ForgetsUses, TrustsAReload, CountsFromTheAnswer,
            TrustsTheMonotonicClock, TrustsTheWallClock, NeverExpires, AdmitsWhatItGaveBack,
            StatesBeforeItIsStored, StatesTooEarly, DeletesWhenSent, ForgetsTheSpool,
            AdmitsWhenRevoked, ForgetsAllWhenRevoked,
        )
    },
    **{
        server.__name__: Mutation(server=server)
        for server in (
            Expires, PairingReturns, ForgetsWhatIsOwed, ReservesNobody, GrantsTwice,
            AdmitsWhileHeld, AnswersAnew, CountsTwice, ForgetsTheScan, EndsWithoutItsReturn,
            ShrinksBelowWhatIsOwed,
        )
    },
}  # fmt: skip
