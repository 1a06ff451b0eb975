"""Screens end with the rights that they were shown by, whoever takes them and wherever.

Goal: within a second of the commit, on every node, with and without Redis. Method: lines of the
venue's book written as the role that signs people in, and screens on two nodes.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg
import msgspec
import pytest

from app.domain.principals import Principal
from app.embedded.servers import URLs
from app.live import live as live_module
from app.live.listener import Listener
from app.live.revocations import Revocations
from floorplan import administration
from floorplan.administration import BOOK, WORD_OF, Standing
from floorplan.events import Payload
from tests.integration.live import nodes
from tests.integration.live.nodes import Node, Screen, node, screen, scribe, until

PEOPLE = {
    "desk": Principal("staff", "mara", "MANAGER", session_id="desk"),
    "home": Principal("staff", "mara", "MANAGER", session_id="home"),
    "tablet": Principal("device", "tablet", "DEVICE", door="main"),
    "pin": Principal("staff", "dora", "DOOR_STAFF", device="tablet", session_id="pin"),
}
AUDIENCE = {"desk": "manager", "home": "manager", "tablet": "door", "pin": "door"}
INSERT = """
INSERT INTO event (book, type, subject, payload) VALUES ($1, $2, $3, $4::text::jsonb)
RETURNING version
"""


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    for token, principal in PEOPLE.items():
        monkeypatch.setitem(nodes.TOKENS, token, principal)


class Office:
    """Somebody who writes in the venue's book."""

    def __init__(self, conn: asyncpg.Connection) -> None:
        self.conn = conn

    async def write(self, payload: Payload, subject: str) -> int:
        word, text = WORD_OF[type(payload)], msgspec.json.encode(payload).decode()
        return int(await self.conn.fetchval(INSERT, BOOK, word, subject, text))


@asynccontextmanager
async def office(url: str) -> AsyncIterator[Office]:
    conn = await asyncpg.connect(url)
    try:
        yield Office(conn)
    finally:
        await conn.close()


@asynccontextmanager
async def screens(*at: Node) -> AsyncIterator[dict[str, Screen]]:
    """One screen of each of PEOPLE, on the nodes in turn, and one of the public."""
    async with AsyncExitStack() as stack:
        shown = {}
        for number, token in enumerate((*PEOPLE, "public")):
            where = at[number % len(at)]
            who = AUDIENCE.get(token)
            context = screen(where, who, token=token) if who else screen(where, "public")
            shown[token] = await stack.enter_async_context(context)
            await shown[token].reach(1)
        yield shown


async def stay(*shown: Screen) -> None:
    """These screens are open, and hear what happens after the others were closed."""
    for one in shown:
        await one.say(type="snapshot")
        await until(lambda one=one: len(one.of("snapshot")) > 1, "another snapshot")  # type: ignore[misc]
        assert one.closed is None


@pytest.mark.parametrize("with_redis", [True, False], ids=["redis", "no redis"])
async def test_a_session_that_is_over_ends_its_own_screens_on_every_node(
    database: URLs, redis_url: str, with_redis: bool
) -> None:
    redis = redis_url if with_redis else None
    async with (
        scribe(database.app),
        office(database.auth) as desk,
        node(database.app, redis) as n1,
        node(database.app, redis, name="n2") as n2,
        screens(n1, n2) as first,
        screens(n2, n1) as second,
    ):
        await desk.write(administration.SignedOut("mara"), "session:desk")
        assert [await each["desk"].closes() for each in (first, second)] == [4403, 4403]
        for each in (first, second):
            await stay(each["home"], each["tablet"], each["pin"], each["public"])


async def test_a_changed_role_ends_all_screens_of_the_person(
    database: URLs, redis_url: str
) -> None:
    async with (
        scribe(database.app),
        office(database.auth) as desk,
        node(database.app, redis_url) as n1,
        screens(n1) as shown,
    ):
        manager = Standing("MANAGER")
        renamed = administration.StaffChanged(manager, manager, renamed=True)
        await desk.write(renamed, "staff:mara")
        await desk.write(administration.StaffChanged(manager, Standing("DOOR_STAFF")), "staff:mara")
        assert [await shown[each].closes() for each in ("desk", "home")] == [4403, 4403]
        await stay(shown["tablet"], shown["pin"], shown["public"])


async def test_a_revoked_device_ends_with_who_uses_it_by_pin(
    database: URLs, redis_url: str
) -> None:
    async with (
        scribe(database.app),
        office(database.app) as desk,
        node(database.app, redis_url) as n1,
        screens(n1) as shown,
    ):
        await desk.write(administration.DeviceRevoked("tablet", "main"), "device:tablet")
        assert [await shown[each].closes() for each in ("tablet", "pin")] == [4403, 4403]
        await stay(shown["desk"], shown["public"])


async def test_a_revocation_whose_wake_is_lost_counts_by_the_next_poll(
    database: URLs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wake can be lost; the heads are compared every 400 ms all the same."""
    monkeypatch.setattr(Listener, "_heard", lambda *_: None)
    async with (
        scribe(database.app),
        office(database.auth) as desk,
        node(database.app, None) as n1,
        screens(n1) as shown,
    ):
        began = time.monotonic()
        await desk.write(administration.StaffDisabled(), "staff:mara")
        assert await shown["desk"].closes() == 4403
        assert n1.live.listener.wakes == 0, "it was not the wake"
        assert time.monotonic() - began < live_module.RECHECK_SECONDS, "it was not the look"


async def test_rights_from_after_a_line_are_not_ended_by_it(
    database: URLs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tablet that is paired again connects before every node has read that it was."""
    async with (
        scribe(database.app) as it,
        office(database.app) as desk,
        node(database.app, None) as n1,
    ):
        reading = asyncio.Event()
        advance = n1.live._follow_administration

        async def late(conn: asyncpg.Connection, head: int, polled: bool) -> None:
            if reading.is_set():
                await advance(conn, head, polled)

        monkeypatch.setattr(n1.live, "_follow_administration", late)
        async with screen(n1, "door", token="tablet") as before:
            await before.reach(1)
            await desk.write(administration.DevicePaired(2), "device:tablet")
            async with screen(n1, "door", token="tablet") as after:
                await after.reach(1)
                reading.set()
                assert await before.closes() == 4403
                version = await it.go_on(1)
                await after.reach(version)
                assert after.closed is None


async def _line_between(database: URLs, monkeypatch: pytest.MonkeyPatch) -> Screen:
    """A screen whose person is disabled after the look-up, and heard of before it is attached."""
    looked_up, heard = asyncio.Event(), asyncio.Event()
    ask = nodes.who

    async def slow(token: str | None) -> Principal:
        found = await ask(token)
        looked_up.set()
        await heard.wait()
        return found

    monkeypatch.setattr(nodes, "who", slow)
    async with (
        scribe(database.app) as it,
        office(database.auth) as desk,
        node(database.app, None) as n1,
        screen(n1, "manager", token="desk") as late,
    ):
        await looked_up.wait()
        version = await desk.write(administration.StaffDisabled(), "staff:mara")
        await until(lambda: n1.live._administered == version, "the node has read the line")
        heard.set()
        await until(lambda: late.closed or late.frames, "an answer to the hello")
        await it.go_on(1)
        await until(lambda: late.closed or late.of("event"), "an end, or the next event")
        return late


async def test_a_line_between_the_look_up_and_the_attaching_ends_the_screen(
    database: URLs, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await _line_between(database, monkeypatch)).closed == 4403


async def test_without_the_lines_that_were_kept_such_a_screen_would_go_on(
    database: URLs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: nothing but the kept lines ends it."""
    monkeypatch.setattr(Revocations, "end", lambda *_: False)
    late = await _line_between(database, monkeypatch)
    assert late.of("event"), "it heard of an event that it had no right to"


async def test_a_book_that_went_back_makes_everybody_be_looked_up_again(
    database: URLs, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        scribe(database.app),
        office(database.owner) as desk,
        node(database.app, None) as n1,
        screens(n1) as shown,
    ):
        version = await desk.write(administration.PinSet(), "staff:mara")
        await until(lambda: n1.live._administered == version)
        monkeypatch.delitem(nodes.TOKENS, "desk")
        await desk.conn.execute("ALTER TABLE event DISABLE TRIGGER event_unchanged")
        await desk.conn.execute("DELETE FROM event WHERE book = 'venue'")
        await desk.conn.execute("UPDATE book SET version = 0, hash = '' WHERE name = 'venue'")
        assert await shown["desk"].closes() == 4401
        await desk.write(administration.SignedOut("mara"), "session:home")
        assert await shown["home"].closes() == 4403
