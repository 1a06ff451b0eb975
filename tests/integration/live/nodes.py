"""A node of the live path in this process, a person who writes in the book, and a screen."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from app.domain.principals import ANONYMOUS, Principal
from app.errors import NotSignedIn
from app.live.live import Live
from app.live.redis_state import connect as connect_redis
from app.live.server import LiveServer
from app.live.transport import MESSAGE_BYTES, SEND_BUFFER_BYTES, LiveProtocol
from floorplan.events import TYPE_OF, Payload
from floorplan.projection import Document, merge, state_hash
from tests.cases.play import Play, opened

LONDON = ZoneInfo("Europe/London")
DEADLINE_SECONDS = 10.0
TOKENS = {
    "manager": Principal(kind="staff", id="11111111-1111-4111-8111-111111111111", role="MANAGER"),
    "door": Principal(kind="device", id="22222222-2222-4222-8222-222222222222", role="DEVICE"),
}
INSERT_EVENT = """
INSERT INTO event (book, type, subject, payload) VALUES ($1, $2, $3, $4::text::jsonb)
RETURNING version
"""


def tonight_text() -> str:
    """The business date of this very moment, so that the real clock calls it tonight."""
    now = datetime.now(LONDON)
    return (
        now.date() if now.hour >= 6 else now.date().fromordinal(now.toordinal() - 1)
    ).isoformat()


async def until(condition: Callable[[], Any], what: str = "the condition") -> Any:
    """Wait until the condition holds; its value. Fails after 10 s."""
    end = time.monotonic() + DEADLINE_SECONDS
    while not (value := condition()):
        assert time.monotonic() < end, f"{what} did not come true within {DEADLINE_SECONDS} s"
        await asyncio.sleep(0.005)
    return value


async def until_async(condition: Callable[[], Awaitable[Any]], what: str = "the condition") -> Any:
    end = time.monotonic() + DEADLINE_SECONDS
    while not (value := await condition()):
        assert time.monotonic() < end, f"{what} did not come true within {DEADLINE_SECONDS} s"
        await asyncio.sleep(0.01)
    return value


class Scribe:
    """Writes events into the book with bare INSERTs, as the role of requests."""

    def __init__(self, conn: asyncpg.Connection, play: Play) -> None:
        self.conn = conn
        self.play = play
        self.night = play.state.night

    async def write(self, payload: Payload) -> int:
        """One committed event; its version."""
        return await self.write_raw(TYPE_OF[type(payload)], msgspec.json.encode(payload))

    async def write_raw(self, type_: str, payload: bytes) -> int:
        return int(
            await self.conn.fetchval(INSERT_EVENT, self.night, type_, "test", payload.decode())
        )

    async def go_on(self, steps: int) -> int:
        """So many random moves of the play, each committed alone; the last version."""
        version = 0
        for event in self.play.run(steps):
            version = await self.write_raw(event.type, event.payload)
        return version


@asynccontextmanager
async def scribe(url: str, *, seed: int = 1, night: str | None = None) -> AsyncIterator[Scribe]:
    """The night (tonight's by default) is open in its book, and somebody can write in it."""
    conn = await asyncpg.connect(url)
    try:
        it = Scribe(conn, Play(seed, night=night or tonight_text()))
        event = it.play.add(opened(night=it.night))
        await it.write_raw(event.type, event.payload)
        yield it
    finally:
        await conn.close()


async def who(token: str | None) -> Principal:
    if token is None:
        return ANONYMOUS
    if token not in TOKENS:
        raise NotSignedIn("session_over", "Sign in again.")
    return TOKENS[token]


class Node:
    """One worker, whole: the live path and a uvicorn server with `/ws`."""

    def __init__(self, live: Live, server: LiveServer, port: int) -> None:
        self.live = live
        self.server = server
        self.port = port

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"

    def version(self, night: str) -> int:
        room = self.live.hub.rooms.get(night)
        return room.version if room is not None else -1

    async def reach(self, night: str, version: int) -> None:
        await until(lambda: self.version(night) >= version, f"version {version} in the hub")


class Reader:
    """Gives out connections of its own: what `app.db.pool.Database` does for the service."""

    def __init__(self, url: str) -> None:
        self._url = url

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[asyncpg.Connection]:
        conn = await asyncpg.connect(self._url)
        try:
            yield conn
        finally:
            await conn.close()


@asynccontextmanager
async def node(
    database_url: str,
    redis_url: str | None,
    *,
    name: str = "n1",
    listen_url: str | None = None,
    direct: bool = True,
    serve: bool = True,
    **live_options: Any,
) -> AsyncIterator[Node]:
    """A running node. `direct` False serves by uvicorn's own protocol, through ASGI alone."""
    redis = None if redis_url is None else connect_redis(redis_url)
    live = Live(
        listen_url=listen_url or database_url,
        database=Reader(database_url),
        redis=redis,
        node=name,
        zone=LONDON,
        **live_options,
    )

    async def endpoint(websocket: WebSocket) -> None:
        from app.live.sockets import serve_socket  # noqa: PLC0415

        await serve_socket(live, websocket, who)

    config = uvicorn.Config(
        Starlette(routes=[WebSocketRoute("/ws", endpoint)]),
        ws=LiveProtocol if direct else "websockets-sansio",
        ws_per_message_deflate=False,
        ws_max_size=MESSAGE_BYTES,
        log_level="warning",
        lifespan="off",
        timeout_graceful_shutdown=3,
    )
    listening = socket.create_server(("127.0.0.1", 0))
    if not direct:  # accepted sockets inherit it; the kernel's own choice holds megabytes
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    server = LiveServer(config)
    server.live = live
    await live.start()
    serving: asyncio.Task[None] | None = None
    try:
        if serve:
            serving = asyncio.create_task(server._serve([listening]))
            await until(lambda: server.started, "the server's start")
        yield Node(live, server, listening.getsockname()[1])
    finally:
        server.should_exit = True
        if serving is not None:
            await serving
        listening.close()
        await live.stop()
        if redis is not None:
            await redis.aclose()


class Screen:
    """A client that follows the rules of `docs/protocol.md` and remembers everything."""

    def __init__(self, socket_: ClientConnection) -> None:
        self.socket = socket_
        self.frames: list[dict[str, Any]] = []
        self.texts: list[str] = []
        self.night: str | None = None
        self.epoch = ""
        self.version = -1
        self.state: Document = {}
        self.gaps = 0
        self.mismatches = 0
        self.hashes = 0
        self._reading = asyncio.create_task(self._read())

    @property
    def closed(self) -> int | None:
        return self.socket.close_code if self._reading.done() else None

    def kinds(self) -> list[str]:
        return [frame["type"] for frame in self.frames]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [frame for frame in self.frames if frame["type"] == kind]

    @property
    def hash(self) -> str:
        return state_hash(self.state)

    async def reach(self, version: int) -> None:
        await until(lambda: self.version >= version, f"version {version} on the screen")

    async def closes(self) -> int:
        async with asyncio.timeout(DEADLINE_SECONDS):
            await asyncio.shield(self._reading)
        assert self.socket.close_code is not None
        return self.socket.close_code

    async def say(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))

    async def end(self) -> None:
        await self.socket.close()
        await self._reading

    async def _read(self) -> None:
        try:
            async for text in self.socket:
                assert isinstance(text, str)
                self.texts.append(text)
                frame = json.loads(text)
                self._take(frame)
                self.frames.append(frame)
        except ConnectionClosed:
            pass

    def _take(self, frame: dict[str, Any]) -> None:
        match frame["type"]:
            case "snapshot":
                self.night, self.epoch = frame["night"], frame["epoch"]
                self.version, self.state = frame["version"], frame["state"]
            case "event" if frame["night"] == self.night and frame["version"] > self.version:
                if frame["after"] > self.version:
                    self.gaps += 1
                else:
                    self.state = merge(self.state, frame["changes"])
                    self.version = frame["version"]
            case "heartbeat" if frame["night"] == self.night:
                if self.version < frame["changed"]:
                    self.gaps += 1
                else:
                    self.hashes += 1
                    self.mismatches += frame["hash"] != self.hash


@asynccontextmanager
async def screen(
    at: Node | str,
    audience: str = "manager",
    *,
    start: Screen | None = None,
    headers: dict[str, str] | None = None,
    **hello: Any,
) -> AsyncIterator[Screen]:
    """A connected screen that said hello; `start` is one whose state it goes on from."""
    url = at if isinstance(at, str) else at.url
    async with connect(
        url,
        subprotocols=[Subprotocol("backroom.v1")],
        compression=None,
        additional_headers=headers,
    ) as socket_:
        it = Screen(socket_)
        if start is not None:
            it.night, it.epoch = start.night, start.epoch
            it.version, it.state = start.version, start.state
            hello["since"] = {
                "epoch": start.epoch,
                "version": start.version,
                "night": start.night,
            }
        message: dict[str, Any] = {"type": "hello", "audience": audience, **hello}
        if audience != "public":
            message.setdefault("token", audience)
        await socket_.send(json.dumps(message))
        try:
            yield it
        finally:
            await it.end()
