"""Screens without a browser: they follow `docs/protocol.md`, come back, and remember everything."""

import asyncio
import functools
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg
import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

from app.db.book import list_events
from floorplan.events import Event
from floorplan.fold import apply
from floorplan.projection import Document, merge, project, state_hash
from floorplan.state import empty_state
from tests.premises import Premises

PATIENCE_SECONDS = 20.0


async def until(condition: Callable[[], Any], what: str) -> Any:
    """The condition's value as soon as it is true; fails when that takes too long."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what} did not come true"
        await asyncio.sleep(0.01)
    return value


async def until_async(condition: Callable[[], Awaitable[Any]], what: str) -> Any:
    """As `until`, for a condition that has to ask."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (value := await condition()):
        assert time.monotonic() < deadline, f"{what} did not come true"
        await asyncio.sleep(0.01)
    return value


class Watcher:
    """One screen. `hashes` is what it showed at each version that it had."""

    def __init__(self, premises: Premises, audience: str, cookie: str) -> None:
        self._premises = premises
        self._cookie = cookie
        self.audience = audience
        self.version = -1
        self.epoch = ""
        self.night = ""
        self.document: Document = {}
        self.hashes: dict[int, str] = {}
        self.wrong: list[str] = []
        self.snapshots = 0
        self.asked = 0
        self.repeated: list[int] = []  # versions that it was sent once more
        self.connections = 0
        self.node = ""  # the worker that serves it
        self.closed: list[int] = []
        self.byes: list[float] = []
        self.lines: list[str] = []
        self._reading = asyncio.create_task(self._live())

    async def end(self) -> None:
        self._reading.cancel()
        with suppress(asyncio.CancelledError):
            await self._reading

    async def _live(self) -> None:
        url = f"ws://127.0.0.1:{self._premises.port}/ws"
        headers = {"Cookie": self._cookie, "Origin": self._premises.origin} if self._cookie else {}
        while True:
            pause = 0.05
            try:
                async with connect(
                    url, subprotocols=[Subprotocol("backroom.v1")], compression=None,
                    additional_headers=headers, open_timeout=5,
                ) as socket:  # fmt: skip
                    self.connections += 1
                    await socket.send(json.dumps(self._hello()))
                    try:
                        async for text in socket:
                            await self._take(json.loads(text), socket)
                    except ConnectionClosed:
                        pass
                self.closed.append(socket.close_code or 1006)
                if self.byes:
                    pause = min(self.byes[-1], 1.0)
            except (OSError, InvalidHandshake, TimeoutError, ConnectionClosed, EOFError):
                pass
            self.node = ""
            await asyncio.sleep(pause)

    def _hello(self) -> dict[str, Any]:
        hello: dict[str, Any] = {"type": "hello", "audience": self.audience}
        if self.version >= 0:
            hello["since"] = {"epoch": self.epoch, "night": self.night, "version": self.version}
        return hello

    async def _take(self, frame: dict[str, Any], socket: Any) -> None:
        match frame["type"]:
            case "welcome":
                self.node = frame["node"]
            case "bye":
                self.byes.append(frame["reconnect_in"])
            case "snapshot":
                self.snapshots += 1
                self.epoch, self.night = frame["epoch"], frame["night"]
                self.version, self.document = frame["version"], frame["state"]
                self._note()
            case "event" if frame["night"] == self.night and frame["version"] <= self.version:
                self.repeated.append(frame["version"])
            case "event" if frame["night"] == self.night:
                if frame["after"] > self.version:
                    await self._ask(socket)
                    return
                self.document = merge(self.document, frame["changes"])
                self.version = frame["version"]
                if "line" in frame:
                    self.lines.append(frame["line"]["text"])
                self._note()
            case "heartbeat" if frame["night"] == self.night:
                if self.version < frame["changed"]:
                    await self._ask(socket)
                elif frame["hash"] != state_hash(self.document):
                    self.wrong.append(f"heartbeat at {frame['version']}, mine {self.version}")
                    await self._ask(socket)

    async def _ask(self, socket: Any) -> None:
        self.asked += 1
        await socket.send('{"type":"snapshot"}')

    def shows(self, picture: str) -> bool:
        """Whether its document has that state hash."""
        return state_hash(self.document) == picture

    def _note(self) -> None:
        self.hashes[self.version] = state_hash(self.document)


@asynccontextmanager
async def watching(
    premises: Premises, count: int, audience: str = "manager"
) -> AsyncIterator[list[Watcher]]:
    """So many screens of tonight, each with its first picture."""
    cookie = "" if audience == "public" else await sign_in(premises)
    screens = [Watcher(premises, audience, cookie) for _ in range(count)]
    try:
        await until(lambda: all(one.snapshots for one in screens), "the first pictures")
        yield screens
    finally:
        for one in screens:
            await one.end()


async def sign_in(premises: Premises) -> str:
    """A manager's cookie header."""
    async with httpx.AsyncClient(
        base_url=premises.origin,
        headers={"Origin": premises.origin, "X-Forwarded-For": "10.250.0.1"},
    ) as http:
        link = await asyncio.to_thread(premises.link)
        answer = await http.post("/v1/session", json={"link": link})
        answer.raise_for_status()
        return "; ".join(f"{name}={value}" for name, value in http.cookies.items())


async def read_book(premises: Premises, night: str) -> list[Event]:
    """Every event of the night, from Postgres."""
    conn = await asyncpg.connect(premises.urls().owner)
    try:
        found: list[Event] = []
        while more := await list_events(conn, night, len(found), 500):
            found += more
        return found
    finally:
        await conn.close()


async def assert_right(premises: Premises, night: str, screens: list[Watcher]) -> int:
    """Each screen arrives at the end of the book, and never showed what the fold does not say.

    Returns the book's version.
    """
    events = await read_book(premises, night)
    assert [event.version for event in events] == list(range(1, len(events) + 1)), "a hole"
    for audience in {one.audience for one in screens}:
        state = empty_state(night)
        said: dict[int, str] = {}
        for event in events:
            state = apply(state, event).state
            if state.info is not None:
                said[event.version] = state_hash(project(state, audience))
        final = said[len(events)]
        watched = [one for one in screens if one.audience == audience]
        for one in watched:
            await until(functools.partial(one.shows, final), "the same picture")
            differ = [v for v, found in one.hashes.items() if said.get(v) != found]
            assert differ == [], f"wrong at {differ[:5]}"
            assert one.wrong == []
    return len(events)
