"""Nights with doors that go off and on: `python -m load.offline_nights [--minutes 1] [--seed 1]`.

Everything is real: `backroom serve` with a demo clock at 60 times the speed, its Postgres and
Redis, and three paired tablets at the main door. Each is the device's half of the protocol
(`scanners/offline.py`) with a disk in memory, over HTTP. Every tablet takes leases, loses its
network for some seconds at a time, is reloaded, and comes back; recalls reach it with its renewals.
Guests of eight parties show their codes at random tablets, more of them than the party has. At the
end of a round everything is given back, the counts are compared with what the tablets showed, and
the next night opens; after the last one `backroom verify` proves the books.

0 wrong admissions and 0 lost scans, or the exit code is 1. `--minutes 30` is the door's figure.
"""

import argparse
import random
import secrets
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx

from load.house import House
from load.options import amount
from scanners.offline import Device

ROUND_SECONDS: Final = 20.0
QUIET_SECONDS: Final = 30.0  # the longest that telling everything may take
FIRST: Final = date(2027, 6, 19)
DOOR: Final = "main"
LONDON: Final = ZoneInfo("Europe/London")
TABLES: Final = dict.fromkeys((2, 4, 5, 6, 7, 8, 11, 12), 4)
Json = dict[str, Any]


@dataclass
class Tablet:
    """A tablet: the machine, its disk, its network, and what it showed green."""

    client: httpx.Client
    chance: random.Random
    device: Device = field(default_factory=Device)
    disk: dict[str, Any] = field(default_factory=dict)
    connected: bool = True
    greens: list[tuple[str, str, int]] = field(default_factory=list)  # scan, ticket, people
    lost: int = 0

    def boot(self) -> None:
        """A reload: only the disk is left."""
        self.device = Device()
        records = sorted([key, value] for key, value in self.disk.items())
        self.feed({"type": "start", "records": records, "alone": True})

    def feed(self, given: Json) -> Json | None:
        """The verdict on a scan, where the input led to one; {} says to ask the service."""
        queue, shown = [given], None
        while queue:
            one = queue.pop(0)
            for out in self.device.step({**one, **self.clocks()}):
                match out["type"]:
                    case "store":
                        for key, value in out["put"]:
                            self.disk[key] = value
                        for key in out["delete"]:
                            self.disk.pop(key, None)
                        queue.append({"type": "stored", "op": out["op"]})
                    case "send":
                        queue.append(self.send(out))
                    case "ask":
                        shown = {}
                    case _:
                        shown = out
        return shown

    def clocks(self) -> Json:
        return {
            "mono": int(time.monotonic() * 1000), "wall": int(time.time() * 1000),
            "id": str(uuid4()),
        }  # fmt: skip

    def send(self, out: Json) -> Json:
        """One request; without a network, and sometimes with one, no answer comes."""
        lost = {"type": "lost", "key": out["key"]}
        if not self.connected or self.chance.random() < 0.05:
            return lost
        body, path = out["body"], f"/v1/leases/{out['lease_id']}/{out['kind']}"
        if out["kind"] == "scan":
            path, body = "/v1/scans", {**body, "observed": {**body["observed"],
                                                            "lease": out["lease_id"]}}  # fmt: skip
        elif out["kind"] == "take":
            path = "/v1/leases"
        try:
            answer = self.client.post(path, json=body, headers={"Idempotency-Key": out["key"]})
        except httpx.TransportError:
            return lost
        if self.chance.random() < 0.05 or answer.status_code in (429, 503):
            return lost  # the reply is lost after the commit
        if answer.is_success:
            return {"type": "answer", "key": out["key"], "status": "ok", "body": answer.json()}
        reason = answer.json()["reason"]
        return {"type": "answer", "key": out["key"], "status": "refused", "reason": reason}


@dataclass
class Party:
    booking_id: str
    ticket_id: str
    code: str
    people: int


class Night:
    """One night: its parties, and what every door did with them."""

    def __init__(
        self, manager: httpx.Client, token: str, night: str, tablets: list[Tablet]
    ) -> None:
        self.manager, self.night, self.tablets = manager, night, tablets
        # Half an hour after the doors by the club's own time: in winter that is another instant.
        opened = datetime.fromisoformat(f"{night}T22:30").replace(tzinfo=LONDON).astimezone(UTC)
        shown_at = opened.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        clock = {"token": token, "shown_at": shown_at, "speed": 60}
        # Strangers' tries are limited by address, and thirty minutes have more nights than those.
        number = (date.fromisoformat(night) - FIRST).days // 7
        address = f"10.0.{number // 250}.{number % 250 + 1}"
        post(manager, "/v1/demo/clock", clock, **{"X-Forwarded-For": address})
        post(manager, "/v1/nights", {"night": night})
        self.parties = [self.booked(table, people) for table, people in TABLES.items()]
        self.by_server: Counter[str] = Counter()

    def booked(self, table: int, people: int) -> Party:
        contact = {"name": "Ada Lovelace"}
        wish = {"night": self.night, "tables": [table], "party": people, "contact": contact}
        held = post(self.manager, "/v1/holds", wish)
        paid = {"method": "cash", "amount_pence": held["deposit_pence"]}
        made = post(self.manager, f"/v1/holds/{held['booking_id']}/confirm", paid)
        return Party(made["booking_id"], "", made["code"], people)

    def play(self, chance: random.Random, until: float) -> None:
        """Doors go off and on while guests come, until the time is over."""
        listed = self.tablets[0].client.get("/v1/devices/self/door").json()["tickets"]
        for party in self.parties:
            party.ticket_id = next(
                t["ticket_id"] for t in listed if t["booking_id"] == party.booking_id
            )
        while time.monotonic() < until:
            tablet = chance.choice(self.tablets)
            fate = chance.random()
            if fate < 0.06:
                tablet.connected = not tablet.connected
            elif fate < 0.08:
                tablet.boot()
            elif fate < 0.16:
                tablet.feed({"type": "take", "body": {"night": self.night, "door": DOOR}})
            elif fate < 0.19:
                tablet.feed({"type": "give_back"})
            elif fate < 0.5:
                self.show(tablet, chance.choice(self.parties), chance.randint(1, 2))
            for each in self.tablets:
                each.feed({"type": "tick"})
            time.sleep(0.05)

    def show(self, tablet: Tablet, party: Party, people: int) -> None:
        """A guest shows the code; the tablet decides, or the service does, or nobody can."""
        scan_id = str(uuid4())
        scan = {"scan_id": scan_id, "door": DOOR, "code": party.code, "people": people}
        seen = {"at": f"{self.night}T22:00:00.000Z", "verdict": "admit"}
        verdict = tablet.feed(
            {
                "type": "scan", "scan_id": scan_id, "ticket_id": party.ticket_id,
                "generation": None, "people": people, "direction": "in",
                "body": {**scan, "observed": seen},
            }
        )  # fmt: skip
        if verdict == {} and tablet.connected:
            answer = tablet.client.post("/v1/scans", json=scan)
            if answer.is_success and answer.json()["verdict"] == "admit":
                self.by_server[party.ticket_id] += people
        elif verdict and verdict["verdict"] == "admit":
            tablet.greens.append((scan_id, party.ticket_id, people))

    def calm(self) -> None:
        """Everything is connected and given back. Raises SystemExit: it is not told in time."""
        deadline = time.monotonic() + QUIET_SECONDS
        for tablet in self.tablets:
            tablet.connected = True
        while any(tablet.device.records for tablet in self.tablets):
            for tablet in self.tablets:
                tablet.feed({"type": "give_back"})
                tablet.feed({"type": "tick"})
            if time.monotonic() > deadline:
                raise SystemExit("the tablets could not tell of everything")
            time.sleep(0.05)

    def look_back(self) -> tuple[Counter[str], list[str]]:
        """What happened, and what of it was wrong."""
        wrong: list[str] = []
        counts = Counter[str]()
        by_tablet: Counter[str] = Counter()
        for tablet in self.tablets:
            for scan_id, ticket, people in tablet.greens:
                found = tablet.client.get(f"/v1/scans/{scan_id}")
                if found.status_code != 200 or found.json()["people"] != people:
                    wrong.append(f"scan {scan_id} is lost: {found.text[:200]}")
                by_tablet[ticket] += people
                counts["let in by tablets"] += people
            tablet.greens.clear()
        for party in self.parties:
            booking = self.manager.get(f"/v1/bookings/{party.booking_id}").json()
            showed = by_tablet[party.ticket_id] + self.by_server[party.ticket_id]
            counts["let in by the service"] += self.by_server[party.ticket_id]
            if showed > party.people or booking["admitted"] != showed:
                wrong.append(f"{showed} of {party.people}, the book says {booking['admitted']}")
        tasks = self.manager.get("/v1/tasks", params={"night": self.night}).json()["tasks"]
        wrong += [f"a task is left: {task['why']}" for task in tasks]
        leases = self.manager.get("/v1/leases", params={"night": self.night}).json()["leases"]
        counts["leases"] = len(leases)
        return counts, wrong


def post(client: httpx.Client, path: str, body: Json, **headers: str) -> Any:
    """The answer to a command that has to be obeyed."""
    answer = client.post(path, json=body, headers={"Idempotency-Key": str(uuid4()), **headers})
    answer.raise_for_status()
    return answer.json()


def main() -> int:
    """0: nobody was let in who should not, and no scan is lost."""
    asked = argparse.ArgumentParser(prog="python -m load.offline_nights", description=__doc__)
    asked.add_argument("--minutes", type=amount, default=1.0, help="to play for")
    asked.add_argument("--seed", type=int, default=1, help="of what happens")
    given = asked.parse_args()
    chance, token = random.Random(given.seed), secrets.token_hex(32)
    house = House(
        BACKROOM_DEMO="1", BACKROOM_DEMO_TOKEN=token, WORKERS="1", TRUSTED_PROXIES="127.0.0.1"
    )
    house.wait_until_ready()
    total, nights = Counter[str](), 0
    wrong: list[str] = []
    try:
        with httpx.Client(base_url=house.origin, headers={"Origin": house.origin}) as manager:
            links = post(manager, "/v1/demo/links", {"token": token})["links"]
            link = next(one["link"] for one in links if one["role"] == "MANAGER")
            manager.post("/v1/session", json={"link": link}).raise_for_status()
            tablets = [paired(house, manager, chance) for _ in range(3)]
            ends = time.monotonic() + given.minutes * 60
            while time.monotonic() < ends:
                day = (FIRST + timedelta(weeks=nights)).isoformat()
                night = Night(manager, token, day, tablets)
                for tablet in tablets:
                    tablet.boot()
                night.play(chance, min(ends, time.monotonic() + ROUND_SECONDS))
                night.calm()
                counts, found = night.look_back()
                total, wrong, nights = total + counts, wrong + found, nights + 1
                let_in = total["let in by tablets"] + total["let in by the service"]
                print(f"night {nights}: {let_in} let in so far, {len(wrong)} wrong", flush=True)
                if not sum(counts[what] for what in counts if what.startswith("let in")):
                    wrong.append(f"{day}: nobody was let in, so nothing was tried")
                sealed = {"status": "sealed"}
                manager.patch(
                    f"/v1/nights/{day}", json=sealed, headers={"Idempotency-Key": str(uuid4())}
                ).raise_for_status()
        verified = house.run("verify")
    finally:
        house.stop()
    print(f"{nights} nights", *(f"{n} {what}" for what, n in sorted(total.items())), sep=", ")
    for sentence in wrong:
        print(sentence)
    print(verified.stdout.strip()[-400:])
    idle = not total["let in by tablets"] or not total["let in by the service"]
    return 1 if wrong or verified.returncode or idle else 0


def paired(house: House, manager: httpx.Client, chance: random.Random) -> Tablet:
    """A new tablet at the door."""
    wish = {"name": "Tablet", "kind": "tablet", "door": DOOR}
    added = post(manager, "/v1/devices", wish)
    made = post(manager, "/v1/devices/pair", {"code": added["pairing"]["code"]})
    headers = {"Authorization": f"Bearer {made['token']}"}
    return Tablet(httpx.Client(base_url=house.origin, headers=headers), chance)


if __name__ == "__main__":
    raise SystemExit(main())
