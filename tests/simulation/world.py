"""N tablets and a server with virtual time, and everything that goes wrong between them.

One seed is one night: messages are lost, late, in another order and doubled; tablets crash, reload,
sleep, lose their storage and their clocks; guests show one code at several doors at once. Nothing
of it reads a real clock or a real source of chance, so a seed is the same night for ever.
"""

import heapq
import random
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from scanners.offline import Device
from tests.simulation.server import LASTS_SECONDS, Server
from tests.simulation.tablet import Tablet

Json = dict[str, Any]

FAULTS_UNTIL_MS: Final = 300_000  # five minutes of trouble, two and a half leases long
QUIET_MS: Final = 90_000  # then everything works, and all is told
TICK_MS: Final = 2_000
TIMEOUT_MS: Final = 2_000
RECALL_MS: Final = 1_500
# How far a tablet may be wrong about 30 minutes: what its two clocks may differ by, twice.
CLOCK_TOLERANCE_MS: Final = 10_000


class Violation(AssertionError):
    """The protocol broke one of its promises."""


class World:
    """One seed. `run` raises Violation; `counts` says what happened in it."""

    def __init__(
        self,
        seed: int,
        *,
        device: type[Device] = Device,
        server: type[Server] = Server,
        traced: bool = False,
    ) -> None:
        self.chance = random.Random(seed)
        chance = self.chance
        self.now = 0
        self.heap: list[tuple[int, int, Callable[[], None]]] = []
        self.order = 0
        self.ids = 0
        self.traced = traced
        parties = [chance.randint(1, 5) for _ in range(chance.randint(2, 5))]
        limit = chance.choice([sum(parties) + 5, max(parties) + 3, sum(parties) - 1])
        self.server = server(parties, limit)
        self.tablets = [
            Tablet(f"d{n}", device(), wall_off=chance.randint(-(10**8), 10**8))
            for n in range(chance.randint(2, 3))
        ]
        self.loss = chance.choice([0.0, 0.05, 0.3])
        self.doubled = chance.choice([0.0, 0.05, 0.2])
        self.slow = chance.choice([0.02, 0.2])
        self.truth: Counter[str] = Counter()
        self.walk_ins = 0
        self.counts: Counter[str] = Counter()
        self.quiet = False
        self.shows: dict[str, str] = {}  # scan -> ticket

    # -- time --------------------------------------------------------------------------------------

    def at(self, delay: int, do: Callable[[], None]) -> None:
        self.order += 1
        heapq.heappush(self.heap, (self.now + delay, self.order, do))

    def run(self) -> Counter[str]:
        """The whole night, with every promise looked at."""
        for tablet in self.tablets:
            self.boot(tablet)
            self.at(self.chance.randint(0, TICK_MS), lambda t=tablet: self.tick(t))  # type: ignore[misc]
            for _ in range(self.chance.randint(1, 3)):
                self.some_time(lambda t=tablet: self.take(t))  # type: ignore[misc]
            self.at(self.chance.randint(100, 20_000), lambda t=tablet: self.take(t))  # type: ignore[misc]
            for trouble, most in (
                (self.go_away, 3), (self.crash, 2), (self.sleep, 1), (self.jump, 2),
                (self.give_back, 1),
            ):  # fmt: skip
                for _ in range(self.chance.randint(0, most)):
                    self.some_time(lambda t=tablet, do=trouble: do(t))  # type: ignore[misc]
            if self.chance.random() < 0.25:
                self.some_time(lambda t=tablet: self.wipe(t))  # type: ignore[misc]
        for ticket in self.server.tickets.values():
            for _ in range(self.chance.randint(2, 6)):
                group = self.chance.randint(1, ticket.party)
                self.some_time(lambda t=ticket.id, g=group: self.guests(t, g))  # type: ignore[misc]
            if self.chance.random() < 0.35:
                self.some_time(lambda t=ticket.id: self.cancel(t))  # type: ignore[misc]
            if self.chance.random() < 0.3:
                self.some_time(lambda t=ticket.id: self.shrink(t))  # type: ignore[misc]
        for _ in range(self.chance.randint(0, 12)):
            self.some_time(self.walk_in)
        if self.chance.random() < 0.3:
            tablet = self.chance.choice(self.tablets)
            self.some_time(lambda: self.lose(tablet))
        self.at(FAULTS_UNTIL_MS, self.calm)
        while self.heap and self.now <= FAULTS_UNTIL_MS + QUIET_MS:
            self.now, _, do = heapq.heappop(self.heap)
            do()
        self.look_back()
        return self.counts

    def some_time(self, do: Callable[[], None]) -> None:
        self.at(self.chance.randint(0, FAULTS_UNTIL_MS - 1_000), do)

    def fresh(self) -> str:
        self.ids += 1
        return f"id-{self.ids}"

    # -- tablets -----------------------------------------------------------------------------------

    def feed(self, tablet: Tablet, given: Json) -> None:
        """The tablet takes an input, when it is awake; what follows is carried out."""
        if not tablet.running:
            return
        if self.now < tablet.asleep_until:
            tablet.backlog.append((tablet.life, given))
            return
        given = {
            **given,
            "mono": self.now - tablet.booted_at - tablet.slept,
            "wall": self.now + tablet.wall_off,
            "id": self.fresh(),
        }
        out = tablet.device.step(given)
        if self.traced:
            tablet.trace.append({"at": self.now, "given": given, "out": out, "life": tablet.life})
        tablet.told_revoked |= given["type"] == "revoked"
        if given["type"] == "answer" and given["key"] in tablet.sent_at:
            sent = tablet.sent_at[given["key"]]
            tablet.acknowledged = max(tablet.acknowledged, sent)
        for one in out:
            self.carry_out(tablet, one, given)

    def carry_out(self, tablet: Tablet, one: Json, given: Json) -> None:
        match one["type"]:
            case "store":
                tablet.queue.append(one)
                delay = self.chance.choice([1, 3, 20, 400 if self.chance.random() < 0.1 else 8])
                life = tablet.life
                self.at(delay, lambda: self.store_done(tablet, life))
                if self.chance.random() < 0.004:  # off in the worst moment
                    self.at(self.chance.randint(0, delay), lambda: self.crash(tablet))
            case "send":
                if one["kind"] != "scan":
                    tablet.sent_at.setdefault(one["key"], self.now)
                self.request(tablet, one)
            case "ask":
                self.ask(tablet, given)
            case "verdict":
                self.shown(tablet, one, given)

    def store_done(self, tablet: Tablet, life: int) -> None:
        if tablet.life != life or not tablet.queue:
            return
        one = tablet.queue.pop(0)
        if not self.quiet and self.chance.random() < 0.01:
            self.counts["store failed"] += 1
            self.feed(tablet, {"type": "failed", "op": one["op"]})
            return
        self.write(tablet, one)
        self.feed(tablet, {"type": "stored", "op": one["op"]})

    def write(self, tablet: Tablet, one: Json) -> None:
        for key, value in one["put"]:
            tablet.disk[key] = value
        for key in one["delete"]:
            tablet.disk.pop(key, None)

    def boot(self, tablet: Tablet) -> None:
        tablet.life += 1
        tablet.running = True
        tablet.device = type(tablet.device)()
        records = sorted([key, value] for key, value in tablet.disk.items())
        self.feed(tablet, {"type": "start", "records": records, "alone": True})

    def tick(self, tablet: Tablet) -> None:
        self.feed(tablet, {"type": "tick"})
        self.at(TICK_MS, lambda: self.tick(tablet))

    def take(self, tablet: Tablet) -> None:
        self.feed(tablet, {"type": "take", "body": {"night": "2026-11-21", "door": tablet.name}})

    def give_back(self, tablet: Tablet) -> None:
        self.feed(tablet, {"type": "give_back"})

    # -- trouble -----------------------------------------------------------------------------------

    def go_away(self, tablet: Tablet) -> None:
        if not self.quiet:
            stays = self.chance.choice([3_000, 20_000, 60_000, 200_000])
            tablet.away_until = max(tablet.away_until, self.now + stays)

    def crash(self, tablet: Tablet) -> None:
        """Power off, or a reload: of what was being stored the first part may be on the disk."""
        if self.quiet or not tablet.running:
            return
        self.counts["crash"] += 1
        for one in tablet.queue[: self.chance.randint(0, len(tablet.queue))]:
            self.write(tablet, one)
        tablet.queue = []
        tablet.running = False
        tablet.life += 1
        reload = self.chance.random() < 0.5

        def again() -> None:
            if not reload:
                tablet.booted_at, tablet.slept = self.now, 0
            self.boot(tablet)

        self.at(self.chance.choice([200, 5_000, 30_000]), again)

    def wipe(self, tablet: Tablet) -> None:
        if self.quiet or not tablet.running:
            return
        self.counts["wipe"] += 1
        tablet.disk, tablet.queue = {}, []
        tablet.wiped_at = self.now
        self.boot(tablet)
        self.at(2_000, lambda: self.take(tablet))

    def sleep(self, tablet: Tablet) -> None:
        if self.quiet:
            return
        long = self.chance.choice([2_000, 30_000, 150_000])
        tablet.asleep_until = self.now + long
        tablet.stands = self.chance.random() < 0.7
        if tablet.stands:
            tablet.slept += long
        self.at(long, lambda: self.wake(tablet))

    def wake(self, tablet: Tablet) -> None:
        """What came meanwhile is taken, in its order."""
        if self.now < tablet.asleep_until:
            return
        backlog, tablet.backlog = tablet.backlog, []
        for life, given in backlog:
            if life == tablet.life:
                self.feed(tablet, given)

    def jump(self, tablet: Tablet) -> None:
        by = self.chance.choice([3_000, 60_000, 3_600_000, 86_400_000])
        tablet.wall_off += by if self.chance.random() < 0.5 else -by

    def calm(self) -> None:
        """No more trouble: every tablet is on, awake and connected, and gives back what it has."""
        self.quiet = True
        self.loss = self.doubled = 0.0
        for tablet in self.tablets:
            if tablet.stands and tablet.asleep_until > self.now:  # it is woken earlier
                tablet.slept -= tablet.asleep_until - self.now
            tablet.away_until = tablet.asleep_until = self.now
            self.wake(tablet)
            for delay in (31_000, 45_000, 60_000):
                self.at(delay, lambda t=tablet: self.give_back(t))  # type: ignore[misc]

    # -- the network -------------------------------------------------------------------------------

    def transit(self, tablet: Tablet, do: Callable[[], None]) -> None:
        """One way between a tablet and the server, now: lost, late, doubled, or as it should."""
        if self.now < tablet.away_until or self.chance.random() < self.loss:
            return
        for _ in range(2 if self.chance.random() < self.doubled else 1):
            delay = self.chance.randint(5, 120)
            if not self.quiet and self.chance.random() < self.slow:
                delay = self.chance.choice([900, 3_000, 30_000])
            self.at(delay, do)

    def request(self, tablet: Tablet, one: Json) -> None:
        """A request over HTTP: sent, answered, or given up after two seconds."""
        life, answered = tablet.life, [False]

        def arrives() -> None:
            if one["kind"] == "scan":
                answer = self.server.observe(tablet.name, one["key"], one["lease_id"], one["body"])
            else:
                answer = self.server.answer(tablet.name, one)
            self.judge_server()
            self.transit(tablet, lambda: returns(answer))

        def returns(answer: Json) -> None:
            if tablet.life != life:
                return
            answered[0] = True
            if answer["status"] == "revoked":
                self.feed(tablet, {"type": "revoked"})
                if "kept" not in answer:
                    return
                answer = {"status": "ok"}
            self.feed(tablet, {"type": "answer", "key": one["key"], **answer})

        def gives_up() -> None:
            if tablet.life == life and not answered[0]:
                self.feed(tablet, {"type": "lost", "key": one["key"]})

        self.transit(tablet, arrives)
        self.at(TIMEOUT_MS, gives_up)

    def frame(self, device: str, ticket_id: str) -> None:
        """The recall over the socket."""
        tablet = next(t for t in self.tablets if t.name == device)
        self.transit(tablet, lambda: self.feed(tablet, {"type": "recall", "tickets": [ticket_id]}))

    def lose(self, tablet: Tablet) -> None:
        """Out of contact, perhaps stolen; a manager ends its pairing then."""
        if self.chance.random() < 0.7:
            self.go_away(tablet)
        self.at(self.chance.choice([500, 15_000]), lambda: self.revoke(tablet))

    def revoke(self, tablet: Tablet) -> None:
        """A manager ends the pairing; its socket is told, where there is one."""
        self.counts["revoked"] += 1
        self.server.revoked.add(tablet.name)
        self.transit(tablet, lambda: self.feed(tablet, {"type": "revoked"}))

    def recalled(self, ticket_id: str, then: Callable[[], None]) -> None:
        """The server asks whoever holds the ticket, waits for 1.5 s at most, and goes on."""
        if not self.server.recall(ticket_id):
            then()
            return
        self.counts["recall"] += 1
        while self.server.recalls:
            self.frame(*self.server.recalls.pop())
        ends, done = self.now + RECALL_MS, [False]

        def look() -> None:
            if done[0]:
                return
            if self.server.holder(self.server.tickets[ticket_id]) is None:
                self.counts["recall answered"] += 1
            elif self.now < ends:
                self.at(100, look)
                return
            done[0] = True
            then()

        self.at(100, look)

    # -- people ------------------------------------------------------------------------------------

    def guests(self, ticket_id: str, group: int) -> None:
        """A group with one code, perhaps at two doors at once: a screenshot is soon sent."""
        doors = self.chance.sample(self.tablets, self.chance.choice([1, 1, 2]))
        for tablet in doors:
            self.show(tablet, ticket_id, None if self.chance.random() < 0.5 else group, group)

    def show(self, tablet: Tablet, ticket_id: str, people: int | None, group: int) -> None:
        scan_id = self.fresh()
        self.shows[scan_id] = ticket_id
        body = {"ticket_id": ticket_id, "people": people or 1}
        self.feed(
            tablet,
            {
                "type": "scan", "scan_id": scan_id, "ticket_id": ticket_id, "generation": 1,
                "people": people, "direction": "in", "body": body, "group": group,
            },
        )  # fmt: skip

    def ask(self, tablet: Tablet, given: Json) -> None:
        """The server judges; its admission counts as one from its commit on."""

        def arrives() -> None:
            def then() -> None:
                known = (tablet.name, given["scan_id"]) in self.server.scans
                verdict = self.server.judge(tablet.name, given)
                if verdict["verdict"] == "admit" and not known:
                    self.counts["admitted by the server"] += 1
                    self.admit(given["ticket_id"], verdict["people"])
                if verdict["reason"] == "held_by_other_door":
                    self.counts["held by another door"] += 1
                self.judge_server()
                if verdict["reason"] == "how_many":
                    most = verdict["left"] or 1
                    self.transit(tablet, lambda: self.again(tablet, given, most))

            self.recalled(given["ticket_id"], then)

        self.transit(tablet, arrives)

    def again(self, tablet: Tablet, given: Json, most: int) -> None:
        people = min(given["group"], most)
        self.show(tablet, given["ticket_id"], max(1, people), given["group"])

    def shown(self, tablet: Tablet, verdict: Json, given: Json) -> None:
        self.counts[f"shown {verdict['reason']}"] += 1
        if verdict["reason"] == "how_many":
            self.again(tablet, given, verdict["left"])
        if verdict["verdict"] != "admit":
            return
        ticket_id = self.shows[verdict["scan_id"]]
        tablet.greens[verdict["scan_id"]] = (self.now, ticket_id, verdict["people"])
        if tablet.told_revoked:
            raise Violation(f"{tablet.name} showed green after it had heard that it is revoked")
        age = self.now - tablet.acknowledged
        if age > LASTS_SECONDS * 1000 + CLOCK_TOLERANCE_MS:
            raise Violation(f"{tablet.name} showed green {age} ms after the sending")
        self.admit(ticket_id, verdict["people"])

    def cancel(self, ticket_id: str) -> None:
        self.recalled(ticket_id, lambda: self.server.cancel(ticket_id))

    def shrink(self, ticket_id: str) -> None:
        """The party gets smaller, once nobody but the server may admit it."""

        def then() -> None:
            if self.server.shrink(ticket_id):
                self.counts["party smaller"] += 1
                self.judge_party(ticket_id)
                self.judge_server()

        self.recalled(ticket_id, then)

    def walk_in(self) -> None:
        if self.server.walk_in():
            self.walk_ins += 1
            self.judge_house()
            self.judge_server()

    # -- promises ----------------------------------------------------------------------------------

    def admit(self, ticket_id: str, people: int) -> None:
        self.truth[ticket_id] += people
        self.judge_party(ticket_id)
        self.judge_house()

    def judge_party(self, ticket_id: str) -> None:
        party = self.server.tickets[ticket_id].party
        if self.truth[ticket_id] > party:
            raise Violation(f"{self.truth[ticket_id]} people on {ticket_id}, a party of {party}")

    def judge_house(self) -> None:
        inside = sum(self.truth.values()) + self.walk_ins
        if inside > self.server.limit:
            raise Violation(f"{inside} people inside, the limit is {self.server.limit}")

    def judge_server(self) -> None:
        server = self.server
        if server.people + server.reserved > server.limit:
            raise Violation(f"{server.people} and {server.reserved} reserved of {server.limit}")
        if any(lease.status == "voided" for lease in server.leases.values()):
            raise Violation("a lease is void, and nobody copied a tablet")
        for ticket in server.tickets.values():
            if ticket.admitted > ticket.party:
                raise Violation(f"{ticket.admitted} counted on {ticket.id} of {ticket.party}")
            if sum(share.is_held for share in ticket.shares.values()) > 1:
                raise Violation(f"{ticket.id} is held twice")

    def look_back(self) -> None:
        """Every green whose storage survived is in the book, once."""
        told: Counter[str] = Counter()
        for tablet in self.tablets:
            for scan_id, (at, ticket_id, people) in tablet.greens.items():
                found = self.server.scans.get((tablet.name, scan_id))
                kept = (tablet.name, scan_id) in self.server.kept
                self.counts["kept for a manager"] += kept
                if found is None and not kept and at > tablet.wiped_at:
                    raise Violation(f"the green {scan_id} of {tablet.name} is in no book")
                if found is not None and found["task"] is None:
                    told[ticket_id] += people
                self.counts["green"] += 1
                self.counts["task"] += found is not None and found["task"] is not None
        for ticket in self.server.tickets.values():
            if ticket.admitted > self.truth[ticket.id] + self.unshown(ticket.id):
                raise Violation(f"the book counts {ticket.admitted} on {ticket.id}")

    def unshown(self, ticket_id: str) -> int:
        """People of scans that were stored, and whose tablet went off before it was green."""
        return sum(
            scan["people"]
            for (device, scan_id), scan in self.server.scans.items()
            for tablet in self.tablets
            if tablet.name == device
            and scan.get("ticket_id") == ticket_id
            and scan_id not in tablet.greens
        )
