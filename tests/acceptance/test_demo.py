"""The demo night on a whole service, over TCP: everything happens, and nothing is left wrong.

Method: the player's own code plays a Saturday; the test turns the venue's clock forward whenever
the player waits, so that a night takes as long as the service needs for it. The limits live on real
time, which hardly passes here, so what was spent of them is forgotten now and then.
"""

import asyncio
import secrets
import socket
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_network
from typing import Any

import asyncpg
import msgspec
import pytest
from redis.asyncio import Redis

from app.anchors import AnchorFile
from app.db.book import list_events
from app.db.clock import mark_demo, set_clock
from app.demo.calendar import evening_of
from app.demo.crew import Crew
from app.demo.desk import LEFT_UNSEEN, SEEN_EVERY
from app.demo.evening import Evening
from app.demo.intentions import Plan
from app.demo.interface import Interface, guest
from app.demo.player import play
from app.demo.programme import Programme
from app.live.server import LiveServer
from app.main import running, server_config, tidied
from app.settings import Settings
from app.verify import verify_book
from app.web.application import build
from app.web.table import operations
from floorplan.events import Event
from floorplan.nights import instant_text, parse_instant
from floorplan.venue import load_venue

VENUE = load_venue()
SATURDAY = date(2026, 11, 21)
STEPS_BETWEEN_PAUSES = 25

HAPPENS = {
    "NIGHT_OPENED", "NIGHT_CHANGED", "NIGHT_SEALED", "BOOKING_INITIATED", "TABLES_SELECTED",
    "PAYMENT_PROCESSED", "BOOKING_CONFIRMED", "BOOKING_CANCELLED", "BOOKING_COMPLETED",
    "HOLD_EXTENDED", "HOLD_RELEASED", "HOLD_EXPIRED", "TABLES_MOVED", "PARTY_SEATED",
    "TABLE_VACATED", "TABLE_RESET", "TABLE_BLOCKED", "TABLE_UNBLOCKED", "NO_SHOW_MARKED",
    "GUEST_CHECKED_IN", "GUEST_CHECKED_OUT", "ENTRY_REFUSED", "HEADCOUNT_CHANGED",
}  # fmt: skip
REFUSALS = {
    "already_in", "bad_signature", "unknown_code", "wrong_night", "cancelled", "released",
}  # fmt: skip

Meddling = Callable[["House", datetime], Awaitable[None]]


async def nobody(_house: "House", _now: datetime) -> None:
    """Only the player acts."""


class House:
    """A running service with demo data, its player's parts, and the clock in the test's hand."""

    def __init__(self, settings: Settings, owner: asyncpg.Connection, redis: Redis) -> None:
        self.settings = settings
        self.owner = owner
        self.redis = redis
        self.interface = Interface(settings, settings.public_url)
        self.crew = Crew(self.interface, settings.demo_token)
        self.told: list[str] = []
        self.shown = evening_of(SATURDAY, VENUE)
        self.meddling: Meddling = nobody
        self._steps = 0

    async def now(self) -> datetime:
        return self.shown

    async def until(self, instant: datetime) -> None:
        if instant > self.shown:
            await self.set(instant)
        self._steps += 1
        if self._steps % STEPS_BETWEEN_PAUSES == 0:
            async for key in self.redis.scan_iter("limit:*"):
                await self.redis.delete(key)
        await self.meddling(self, self.shown)

    async def set(self, instant: datetime) -> None:
        await set_clock(self.owner, instant, 1)
        self.shown = instant

    def tell(self, _at: datetime, sentence: str) -> None:
        self.told.append(sentence)

    async def begin(self) -> tuple[Programme, Plan]:
        await self.crew.sign_in()
        await self.crew.set_up_devices()
        programme = Programme(self.interface, self.crew, VENUE, 7, self.set)
        return programme, await programme.begin(self.shown)

    async def play(self, plan: Plan) -> Evening:
        return await play(self.interface, self.crew, VENUE, plan, self, self.tell)

    async def events(self, night: str) -> list[Event]:
        found: list[Event] = []
        while more := await list_events(self.owner, night, len(found), 500):
            found += more
        return found

    async def state_at(self, night: str, instant: datetime) -> dict[str, Any]:
        answer = await self.crew.read(f"/v1/nights/{night}/state", at=instant_text(instant))
        assert answer.ok, answer
        state: dict[str, Any] = answer.body["state"]
        return state


@asynccontextmanager
async def house(settings: Settings) -> AsyncIterator[House]:
    # Named TCP, so that the loop sets TCP_NODELAY on what it accepts: without it each answer waits
    # 40 ms for an acknowledgement.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        settings = replace(
            settings,
            port=listener.getsockname()[1],
            public_url=f"http://127.0.0.1:{listener.getsockname()[1]}",
            demo=True,
            demo_token=secrets.token_hex(32),
            trusted_proxies=(ip_network("127.0.0.1"),),
        )
        owner = await asyncpg.connect(settings.owner_database_url)
        redis = Redis.from_url(settings.redis_url)
        try:
            await mark_demo(owner)
            await set_clock(owner, evening_of(SATURDAY, VENUE), 1)
            anchors = AnchorFile(settings.anchors_path, settings.secret)
            async with (
                running(settings, node="test") as parts,
                tidied(parts.db, parts.venue, anchors, parts.money),
            ):
                app = build(parts, operations(parts.venue, settings))
                server = LiveServer(server_config(settings, app))
                server.live = parts.live
                serving = asyncio.create_task(server.serve(sockets=[listener]))
                made = House(settings, owner, redis)
                try:
                    yield made
                finally:
                    await made.interface.close()
                    server.should_exit = True
                    await serving
        finally:
            await redis.aclose()
            await owner.close()


async def test_a_whole_saturday_is_played_sealed_and_followed_by_the_next(
    settings: Settings,
) -> None:
    async with house(settings) as made:
        programme, plan = await made.begin()
        assert plan.night == SATURDAY.isoformat()
        evening = await made.play(plan)
        assert evening.faults == []

        midnight = datetime(2026, 11, 22, 0, 0, tzinfo=UTC)
        floor = await made.state_at(plan.night, midnight)
        assert {t["status"] for t in floor["tables"].values()} == {"occupied"}
        inside, limits = floor["counts"]["inside"], floor["counts"]["limits"]
        for name, people in inside.items():
            assert 0.9 * limits[name] <= people <= limits[name]
        at_ten = (await made.state_at(plan.night, plan.doors_at))["counts"]["inside"]
        assert set(at_ten.values()) == {0}

        assert await programme.end(plan, made), "the night did not seal itself"
        events = await made.events(plan.night)
        kinds = Counter(event.type for event in events)
        assert set(kinds) >= HAPPENS, HAPPENS - set(kinds)
        assert events[-1].type == "NIGHT_SEALED"
        assert kinds["HOLD_EXPIRED"] >= 2
        assert kinds["NO_SHOW_MARKED"] == 2
        refused = {payload(e)["reason"] for e in events if e.type == "ENTRY_REFUSED"}
        assert refused >= REFUSALS, REFUSALS - refused
        assert evening.refused["capacity_full"], "nobody tried to enter a full house"
        assert_people_came_late_and_in_portions(events)
        empty = [e for e in events if e.type == "HEADCOUNT_CHANGED"][-1]
        assert set(payload(empty)["inside"].values()) == {0}
        assert (await verify_book(made.owner, settings.redis_url, plan.night)).problems == []
        assert 5 not in {status // 100 for status in made.interface.answers}
        assert 0 not in made.interface.answers

        following = await programme.evening_of(SATURDAY + timedelta(days=7))
        nights = (await made.interface.get("/v1/nights")).body
        assert nights["tonight"] == following.night == "2026-11-28"
        coming = {one["night"] for one in nights["nights"] if one["status"] == "open"}
        assert coming >= {"2026-11-28", "2026-12-04", "2026-12-05", "2026-12-12"}
        booked = (await made.crew.read("/v1/nights/2026-11-28/bookings")).body["bookings"]
        assert len([one for one in booked if one["status"] == "confirmed"]) >= 4
        money = (await made.crew.read("/v1/payments/open")).body["unverified"]
        assert 0 < len(money) < SEEN_EVERY + LEFT_UNSEEN, "a second person looked at the others"


def assert_people_came_late_and_in_portions(events: list[Event]) -> None:
    slots = {
        payload(e)["booking_id"]: parse_instant(payload(e)["slot_from"])
        for e in events
        if e.type == "BOOKING_INITIATED" and payload(e)["source"] != "walk_in"
    }
    arrivals: dict[str, list[datetime]] = {}
    for event in events:
        if event.type == "GUEST_CHECKED_IN" and payload(event)["booking_id"] in slots:
            at = parse_instant(event.at)
            arrivals.setdefault(payload(event)["booking_id"], []).append(at)
    grace = timedelta(minutes=VENUE.rules.grace_minutes)
    late = [b for b, times in arrivals.items() if times[0] > slots[b] + grace]
    assert len(late) >= 2
    assert max(len(times) for times in arrivals.values()) >= 3


def payload(event: Event) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.json.decode(event.payload)
    return document


class Interrupted(Exception):
    """The player's process ended in the middle of the night."""


class Person:
    """Somebody at a browser of the running demo, with their own idea of the night."""

    def __init__(self, house: House) -> None:
        self._crew = Crew(house.interface, house.settings.demo_token)
        self._interface = house.interface
        self._doors = evening_of(SATURDAY, VENUE) + timedelta(minutes=30)
        self._done: set[str] = set()
        self.answers: dict[str, int] = {}

    async def meddle(self, house: House, now: datetime) -> None:
        """Whatever is due by now is done once."""
        minutes = (now - self._doors).total_seconds() / 60
        deeds = (
            (-30, self.book), (25, self.block), (70, self.clear), (80, self.revoke),
            (100, self.sign_out), (125, self.count), (135, self.shut), (190, self.interrupt),
            (400, self.seal),
        )  # fmt: skip
        for due, deed in deeds:
            if minutes >= due and deed.__name__ not in self._done:
                self._done.add(deed.__name__)
                await deed(house)

    def note(self, deed: str, *statuses: int) -> None:
        self.answers[deed] = max(statuses)
        assert max(statuses) < 300, f"{deed}: {statuses}"

    async def book(self, _house: House) -> None:
        """Tables that the plan wants are taken, before the player knows."""
        await self._crew.sign_in()
        for table, party in ((1, 4), (9, 4), (15, 4)):
            body = {
                "night": SATURDAY.isoformat(), "tables": [table], "party": party,
                "contact": {"name": "Ada Lovelace"},
            }  # fmt: skip
            held = await self._interface.post("/v1/holds", guest("203.0.113.7"), body)
            paid = await self._crew.staff(
                f"/v1/holds/{held.body['booking_id']}/confirm",
                {"method": "cash", "amount_pence": held.body["deposit_pence"]},
            )
            self.note("book", held.status, paid.status)

    async def block(self, _house: House) -> None:
        floor = (await self._crew.read(f"/v1/nights/{SATURDAY}/state")).body["state"]["tables"]
        empty = [number for number, table in floor.items() if table["occupied_by"] is None]
        for number in empty[:3]:
            body = {"night": SATURDAY.isoformat(), "reason": "broken", "even_if_booked": True}
            self.note("block", (await self._crew.staff(f"/v1/tables/{number}/block", body)).status)

    async def clear(self, _house: House) -> None:
        """Every party is sent away in the middle of its drinks."""
        floor = (await self._crew.read(f"/v1/nights/{SATURDAY}/state")).body["state"]["tables"]
        taken = [number for number, table in floor.items() if table["status"] == "occupied"]
        for number in taken:
            body = {"night": SATURDAY.isoformat()}
            await self._crew.staff(f"/v1/tables/{number}/vacate", body)
        assert taken, "nobody sat anywhere"
        self.note("clear", 200)

    async def revoke(self, _house: House) -> None:
        for one in (await self._crew.read("/v1/devices")).body["devices"]:
            answer = await self._crew.staff(f"/v1/devices/{one['device_id']}", method="DELETE")
            self.note("revoke", answer.status)

    async def sign_out(self, house: House) -> None:
        """The player's own session is ended."""
        answer = await house.crew.staff("/v1/session", method="DELETE")
        self.note("sign_out", answer.status)

    async def count(self, _house: House) -> None:
        body = {"night": SATURDAY.isoformat(), "door": "main", "floor": "upstairs", "people": 3}
        self.note("count", (await self._crew.staff("/v1/headcount", body)).status)

    async def shut(self, _house: House) -> None:
        body = {"limits": {"upstairs": 60, "downstairs": 20, "house": 70}}
        answer = await self._crew.staff(f"/v1/nights/{SATURDAY}", body, method="PATCH")
        self.note("shut", answer.status)

    async def interrupt(self, _house: House) -> None:
        raise Interrupted

    async def seal(self, _house: House) -> None:
        body = {"status": "sealed"}
        answer = await self._crew.staff(f"/v1/nights/{SATURDAY}", body, method="PATCH")
        self.note("seal", answer.status)


async def test_people_who_do_otherwise_at_the_same_time_do_not_break_the_play(
    settings: Settings,
) -> None:
    async with house(settings) as made:
        person = Person(made)
        made.meddling = person.meddle
        _, plan = await made.begin()
        with pytest.raises(Interrupted):
            await made.play(plan)
        programme, again = await made.begin()
        assert again == plan, "after a restart another night was played"
        shown_before = made.shown
        evening = await made.play(again)

        assert evening.faults == []
        remembered = [b for b in evening.booked.values() if b.admitted]
        assert len(remembered) >= 5, "the parties of before the restart were forgotten"
        assert made.shown > shown_before
        assert await programme.end(again, made)
        assert set(person.answers) == {
            "book", "block", "clear", "revoke", "sign_out", "count", "shut", "seal",
        }  # fmt: skip
        refused = evening.refused
        assert refused["capacity_full"], "the limits that were lowered turned nobody away"
        assert refused["night_sealed"], "the night that a manager closed early was still played"
        assert (await verify_book(made.owner, settings.redis_url, plan.night)).problems == []
        assert 5 not in {status // 100 for status in made.interface.answers}
