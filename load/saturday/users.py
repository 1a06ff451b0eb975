"""The three who make a night's traffic: the customer, the door's tablet, the floor manager.

A Locust file: `python -m load.saturday` starts it with the ground in SATURDAY_GROUND. A conflict
(409: a table that is taken, a floor that is full) belongs to the night and is no failure; a failure
is what the service should never say to these people, a limit (429) included.
"""

import json
import os
import random
import time
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import gevent
import msgspec
from locust import FastHttpUser, LoadTestShape, constant_pacing, events, task
from locust.env import Environment

from load.saturday.ground import Ground
from load.saturday.screen import Latencies, Lateness, Screen

GROUND: Final = msgspec.json.decode(Path(os.environ["SATURDAY_GROUND"]).read_bytes(), type=Ground)
LATENCIES: Final = Latencies()
LATENESS: Final = Lateness()
PARTIES: Final = (2, 2, 3, 4, 4, 4, 5, 6, 8)
# What becomes of a hold; the rest is let go. Who paid may cancel, or every night would be full.
ABANDONS: Final = 0.06
PAYS: Final = 0.30
CANCELS: Final = 0.8
VISITS_MOST: Final = 15  # of one customer, at six writes at most; an address may make 100
# Until which share of the night it is what, and how many customers there are.
STAGES: Final = (
    (0.3, "afternoon", 60),
    (0.55, "doors", 30),
    (0.8, "midnight", 90),
    (1.0, "home", 15),
)
# At midnight the taxis come at once: all tablets scan at this pace for the first part of every
# so many seconds, and stand idle for the rest.
BURST_PACE: Final = 0.1
BURST_SECONDS: Final = 1.0
BETWEEN_BURSTS: Final = 3.0
PACE: Final = 0.4
_numbers = iter(range(1, 1 << 24))
_gaps = [0]
_cut_off = [0]  # screens that ended while nobody ended them


def stage_of(seconds: float) -> tuple[str, int] | None:
    """What the night is after so many seconds of it, and how many customers; None: it is over."""
    share = seconds / GROUND.seconds
    return next(((name, many) for until, name, many in STAGES if share < until), None)


class Person(FastHttpUser):
    """Somebody at the service's address; `screen` follows the night beside what they do."""

    abstract = True
    host = GROUND.origin
    headers: dict[str, str]

    def send(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        name: str,
        headers: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        """The answer's JSON; a refusal of the night has its `reason`."""
        given = {**self.headers, **(headers or {})}
        if method != "GET":
            given.setdefault("Idempotency-Key", str(uuid4()))
        with self.client.request(
            method, path, json=body, headers=given, name=name, catch_response=True
        ) as answer:
            if answer.status_code == 304:
                answer.success()
                return {"etag": given["If-None-Match"]}
            try:
                document: dict[str, Any] = json.loads(answer.text or "{}")
            except ValueError:
                answer.failure(f"no JSON: {answer.status_code}")
                return {"reason": "no_answer"}
            if answer.status_code < 400 or answer.status_code == 409:
                answer.success()
            else:
                answer.failure(f"{answer.status_code} {document.get('reason')}")
            if etag := answer.headers.get("etag"):
                document["etag"] = etag
            return document

    def watch(self, hello: dict[str, Any]) -> None:
        """A screen beside everything else. Nothing ends here, so it is counted when it ends."""

        def look() -> None:
            while True:
                try:
                    screen = Screen(GROUND.origin, GROUND.port, hello, self.headers)
                    try:
                        screen.listen(LATENCIES)
                    finally:
                        _gaps[0] += screen.gaps
                        screen.close()
                except OSError:
                    _cut_off[0] += 1
                    gevent.sleep(1)

        self._looking = gevent.spawn(look)

    def on_stop(self) -> None:
        if hasattr(self, "_looking"):
            self._looking.kill()


class Customer(Person):
    """Looks, looks again, holds, and lets go, pays or walks away; each from an own address."""

    weight = 20
    wait_time = constant_pacing(1.0)

    def on_start(self) -> None:
        self.become_somebody()
        if self.number % 5 == 0:  # the others look at the page without its socket
            self.watch({"audience": "public"})

    def become_somebody(self) -> None:
        """Another customer, at an address that nobody had before."""
        self.number = number = next(_numbers)
        address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        self.headers = {"X-Forwarded-For": address}
        self.etags: dict[tuple[str, int], str] = {}
        self.party = random.choice(PARTIES)
        self.visits = 0

    def contact(self) -> dict[str, str]:
        number = next(_numbers)
        return {"name": f"Guest {number}", "email": f"guest-{number}@example.com"}

    def visit(self) -> None:
        """Nobody writes more from one address than people do: a limit met is a failure."""
        self.visits += 1
        if self.visits > VISITS_MOST:
            self.become_somebody()

    @task(24)
    def look(self) -> None:
        night = random.choice(GROUND.nights)
        known = self.etags.get((night, self.party), "")
        headers = {"If-None-Match": known} if known else {}
        path = f"/v1/nights/{night}/availability?party={self.party}"
        answer = self.send("GET", path, name="GET availability", headers=headers)
        self.etags[night, self.party] = answer.get("etag", "")

    @task(2)
    def hold_and_decide(self) -> None:
        self.visit()
        night = random.choice(GROUND.nights)
        path = f"/v1/nights/{night}/availability?party={self.party}"
        sets = self.send("GET", path, name="GET availability").get("sets", [])
        if not sets:
            self.wait(night)
            return
        wanted = {"night": night, "tables": random.choice(sets[:3])["tables"], "party": self.party,
                  "contact": self.contact()}  # fmt: skip
        held = self.send("POST", "/v1/holds", wanted, name="POST hold")
        if "token" not in held:
            return
        bearer = {"Authorization": f"Bearer {held['token']}"}
        gevent.sleep(random.uniform(0.2, 2.0))
        path = f"/v1/bookings/{held['booking_id']}"
        self.send("GET", path, name="GET booking", headers=bearer)
        decision = random.random()
        if decision < ABANDONS:
            self.become_somebody()  # the hold runs out by itself
        elif decision < ABANDONS + PAYS and GROUND.takes_cards:
            self.pay(held["booking_id"], bearer)
        else:
            path = f"/v1/holds/{held['booking_id']}"
            self.send("DELETE", path, {}, name="DELETE hold", headers=bearer)

    def pay(self, booking_id: str, bearer: dict[str, str]) -> None:
        """The deposit, by a card that pays or first does not; later some cannot come."""
        path = f"/v1/holds/{booking_id}/confirm"
        self.send("POST", path, name="POST confirm", headers=bearer)
        cards = ("declined", "pays") if random.random() < 0.1 else ("pays",)
        for card in cards:
            path = f"/v1/bookings/{booking_id}/test-card"
            self.send("POST", path, {"card": card}, name="POST card", headers=bearer)
        if random.random() < CANCELS:
            gevent.sleep(random.uniform(0.5, 2.0))
            path = f"/v1/bookings/{booking_id}/cancel"
            self.send("POST", path, {}, name="POST cancel", headers=bearer)

    @task(1)
    def want_the_full_night(self) -> None:
        self.visit()
        path = f"/v1/nights/{GROUND.full_night}/availability?party={self.party}"
        self.send("GET", path, name="GET availability")
        self.wait(GROUND.full_night)

    def wait(self, night: str) -> None:
        """A place on the waitlist, looked at, and mostly given up."""
        wanted = {"night": night, "party": self.party, "contact": self.contact()}
        made = self.send("POST", "/v1/waitlist", wanted, name="POST waitlist")
        if "token" not in made:
            return
        bearer = {"Authorization": f"Bearer {made['token']}"}
        path = f"/v1/waitlist/{made['waitlist_id']}"
        gevent.sleep(random.uniform(0.2, 1.0))
        self.send("GET", path, name="GET waitlist", headers=bearer)
        if random.random() < 0.8:
            self.send("DELETE", path, {}, name="DELETE waitlist", headers=bearer)
        else:
            self.become_somebody()


class Tablet(Person):
    """In, out, read twice by accident, and what is no code of ours; in bursts at midnight."""

    fixed_count = len(GROUND.tablets)
    _next = 0

    def on_start(self) -> None:
        number, Tablet._next = Tablet._next, Tablet._next + 1
        tablet = GROUND.tablets[number % len(GROUND.tablets)]
        self.door = tablet["door"]
        self.headers = {"Authorization": f"Bearer {tablet['token']}"}
        self.codes = [one for one in GROUND.codes if one["door"] == self.door]
        self.watch({"audience": "door", "token": tablet["token"]})

    def wait_time(self) -> float:
        """One pace all evening, but at midnight all tablets at once and then none."""
        assert self.environment.runner is not None
        seconds = time.time() - self.environment.stats.start_time
        stage = stage_of(seconds)
        if stage is None or stage[0] != "midnight":
            return PACE
        into = seconds % BETWEEN_BURSTS
        return BURST_PACE if into < BURST_SECONDS else BETWEEN_BURSTS - into

    def scan(self, what: dict[str, Any], **more: Any) -> dict[str, Any]:
        body = {"scan_id": str(uuid4()), "door": self.door, "to_bar": True, **what, **more}
        answer = self.send("POST", "/v1/scans", body, name="POST scan")
        if random.random() < 0.05:  # the reply was lost: the same scan has the same verdict
            again = self.send("POST", "/v1/scans", body, name="POST scan, again")
            same = {k: v for k, v in answer.items() if k not in ("replayed", "etag")}
            differs = any(again.get(name) != value for name, value in same.items())
            if differs or not again.get("replayed"):
                self.environment.events.request.fire(
                    request_type="POST", name="a scan asked for twice", response_time=0,
                    response_length=0, exception=AssertionError("another verdict"), context={},
                )  # fmt: skip
        return answer

    @task(8)
    def come(self) -> None:
        show = {"code": random.choice(self.codes)["code"]}
        self.scan(show, people=1)

    @task(2)
    def come_together(self) -> None:
        """A party shows one code: the tablet asks how many, and is told."""
        show = {"code": random.choice(self.codes)["code"]}
        asked = self.scan(show)
        if asked.get("reason") == "how_many":
            self.scan(show, people=asked["left_to_enter"])

    @task(1)
    def read_twice(self) -> None:
        """One code under two ids, as when somebody holds it there a moment too long."""
        show = {"code": random.choice(self.codes)["code"]}
        for _ in range(2):
            self.scan(show, people=1)

    @task(6)
    def go(self) -> None:
        self.scan({"code": random.choice(self.codes)["code"]}, people=1, direction="out")

    @task(1)
    def show_nonsense(self) -> None:
        self.scan({"code": random.choice(("https://example.com/", "WIFI:S:club;;", "BR1:XX"))})

    @task(2)
    def click(self) -> None:
        floor = "upstairs" if self.door == "main" else "downstairs"
        body = {"night": GROUND.tonight, "door": self.door, "floor": floor,
                "change": random.choice((1, 1, -1))}  # fmt: skip
        self.send("POST", "/v1/headcount", body, name="POST headcount")


class Manager(Person):
    """Watches the map, looks things up, seats parties, moves them, takes tables out of service."""

    fixed_count = len(GROUND.managers)
    wait_time = constant_pacing(1.0)
    _next = 0

    def on_start(self) -> None:
        number, Manager._next = Manager._next, Manager._next + 1
        self.number = number % len(GROUND.managers)
        self.moved = False
        cookie = GROUND.managers[self.number]
        self.headers = {"Cookie": cookie, "Origin": GROUND.origin}
        self.watch({"audience": "manager"})

    @task(3)
    def look(self) -> None:
        self.send("GET", f"/v1/nights/{GROUND.tonight}/bookings", name="GET bookings")

    @task(4)
    def block(self) -> None:
        table = 3 if self.number == 0 else 10
        body = {"night": GROUND.tonight, "reason": "spill"}
        made = self.send("POST", f"/v1/tables/{table}/block", body, name="POST block")
        if "detail" in made:  # refused: a party is to sit there
            return
        gevent.sleep(0.5)
        body = {"night": GROUND.tonight}
        self.send("POST", f"/v1/tables/{table}/unblock", body, name="POST unblock")

    @task(2)
    def move(self) -> None:
        """There or back; somebody may have taken where the party was, so it is remembered."""
        one = GROUND.booked[self.number]
        away = [7] if self.number == 0 else [8]
        wanted = one["tables"] if self.moved else away
        path = f"/v1/bookings/{one['booking_id']}/move"
        if "detail" not in self.send("POST", path, {"tables": wanted}, name="POST move"):
            self.moved = not self.moved

    @task(2)
    def seat(self) -> None:
        """Who was let in sits down; before that the service rightly says no."""
        one = random.choice(GROUND.booked)
        self.send("POST", f"/v1/bookings/{one['booking_id']}/seat", {}, name="POST seat")

    @task(2)
    def take_in(self) -> None:
        """A party without a booking sits down, leaves, and its table is laid again."""
        table, door = (15, "basement") if self.number == 0 else (16, "basement")
        body = {"night": GROUND.tonight, "tables": [table], "party": 2, "door": door,
                "counted": True}  # fmt: skip
        if "detail" in self.send("POST", "/v1/walk-ins", body, name="POST walk-in"):
            return
        gevent.sleep(0.5)
        for what in ("vacate", "reset"):
            path = f"/v1/tables/{table}/{what}"
            self.send("POST", path, {"night": GROUND.tonight}, name=f"POST {what}")


class Saturday(LoadTestShape):
    """Bookings in the afternoon, the doors, midnight, and home: a share of the time for each."""

    def tick(self) -> tuple[int, float] | None:
        if (stage := stage_of(self.get_run_time())) is None:
            return None
        return stage[1] + len(GROUND.tablets) + len(GROUND.managers), 50


@events.test_start.add_listener
def measure_lateness(environment: Environment, **_more: Any) -> None:
    """This process wakes up when it wants to, or it is itself what everybody waits for."""

    def wake() -> None:
        while environment.runner is not None and environment.runner.state != "stopped":
            due = time.perf_counter() + LATENESS.every
            gevent.sleep(LATENESS.every)
            LATENESS.woke(due, time.perf_counter())

    gevent.spawn(wake)


@events.quitting.add_listener
def report(environment: Environment, **_more: Any) -> None:
    """What `python -m load.saturday` judges."""
    total = environment.stats.total
    told = {
        "requests": total.num_requests,
        "failures": total.num_failures,
        "p95_ms": total.get_response_time_percentile(0.95),
        "live_frames": len(LATENCIES.taken_ms),
        "live_p50_ms": LATENCIES.quantile(0.5),
        "live_p99_ms": LATENCIES.quantile(0.99),
        "gaps": _gaps[0],
        "cut_off": _cut_off[0],
        "late_p99_ms": LATENESS.p99_ms(),
        "overloaded": bool(environment.runner and environment.runner.cpu_warning_emitted),
        "errors": [
            f"{error.name}: {error.error} ({error.occurrences})"
            for error in environment.stats.errors.values()
        ][:10],
        "at": time.time(),
    }
    Path(os.environ["SATURDAY_REPORT"]).write_text(json.dumps(told))
