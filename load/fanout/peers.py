"""The servers of the fan-out bench that are Python: `python -m load.fanout.peers KIND PORT FEED`.

`hub`        ours: the service's own hub, rooms, transport and conversation, fed beside Postgres
`starlette`  what everybody writes first: a loop over the sockets with `await ws.send_text`
`broadcast`  `websockets.broadcast` on a server of that library

Each is fed over a connection of its own to FEED: a length of 4 bytes, big-endian, then a payload
that goes to all screens. The hub is given how many events there are instead: it has their frames
finished, as its peers have, which are those of all audiences. What it costs to fold an event and to
encode it is part of `load.commit_to_screen`.
"""

import asyncio
import itertools
import sys
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any, Final, NoReturn, cast

import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from app.live.hub import Hub, Offer
from app.live.live import Live
from app.live.rooms import Room
from app.live.server import LiveServer
from app.live.sockets import serve_socket
from app.live.transport import MESSAGE_BYTES, LiveProtocol
from floorplan.state import empty_state
from load.fanout.story import EPOCH, NIGHT, story

FINISHED: Final = 3000  # events, as many as any part of the bench tells
FeedHandler = Callable[[bytes], Awaitable[None]]


async def fed(port: int, take: FeedHandler) -> asyncio.Server:
    """Whatever is fed is taken, one payload after the other."""

    async def read(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                length = int.from_bytes(await reader.readexactly(4), "big")
                await take(await reader.readexactly(length))
            except asyncio.IncompleteReadError:
                return

    return await asyncio.start_server(read, "127.0.0.1", port)


def configured(app: Any, port: int, **options: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app, host="127.0.0.1", port=port, log_level="error", lifespan="off", backlog=2048,
        ws_per_message_deflate=False, ws_max_size=MESSAGE_BYTES, access_log=False, **options,
    )  # fmt: skip


async def serve_hub(port: int, feed: int) -> None:
    hub = Hub("bench", lambda: (f"{NIGHT}T22:00:00.000Z", 1.0))
    hub.begin(EPOCH)
    room = Room(EPOCH, empty_state(NIGHT))
    hub.add(room)
    hub.follow(NIGHT)
    events = story()
    telling = itertools.chain(list(itertools.islice(events, FINISHED)), events)

    async def take(payload: bytes) -> None:
        for message, state in itertools.islice(telling, int(payload)):
            assert hub.offer(message, state) is Offer.NEW, "nobody else moves the room"

    await take(b"1")

    # What a conversation asks of the live path, without Postgres and Redis behind it.
    async def room_of(_night: str, _version: int = 0) -> Room:
        return room

    live = cast(
        Live,
        SimpleNamespace(
            hub=hub,
            origins=frozenset(),
            epoch=EPOCH,
            tonight=lambda: NIGHT,
            room=room_of,
            enter=lambda _client: True,
            leave=hub.detach,
        ),
    )

    async def who(_token: str | None) -> NoReturn:
        raise AssertionError("the public is not looked up")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await serve_socket(live, WebSocket(scope, receive, send), who)

    await fed(feed, take)
    async with asyncio.TaskGroup() as group:
        group.create_task(hub.run())
        group.create_task(hub.tick())
        group.create_task(LiveServer(configured(app, port, ws=LiveProtocol)).serve())
        print("ready", flush=True)


async def serve_starlette(port: int, feed: int) -> None:
    sockets: dict[WebSocket, None] = {}

    async def floor(websocket: WebSocket) -> None:
        await websocket.accept()
        sockets[websocket] = None
        try:
            while True:
                await websocket.receive_text()
        except WebSocketDisconnect:
            sockets.pop(websocket, None)

    async def take(payload: bytes) -> None:
        text = payload.decode()
        for websocket in list(sockets):
            await websocket.send_text(text)

    await fed(feed, take)
    app = Starlette(routes=[WebSocketRoute("/ws", floor)])
    server = uvicorn.Server(configured(app, port))
    asyncio.get_running_loop().call_soon(lambda: print("ready", flush=True))
    await server.serve()


async def serve_broadcast(port: int, feed: int) -> None:
    from websockets.asyncio.server import ServerConnection, broadcast, serve  # noqa: PLC0415

    sockets: set[ServerConnection] = set()

    async def floor(websocket: ServerConnection) -> None:
        sockets.add(websocket)
        try:
            await websocket.wait_closed()
        finally:
            sockets.discard(websocket)

    async def take(payload: bytes) -> None:
        broadcast(sockets, payload.decode())

    await fed(feed, take)
    async with serve(floor, "127.0.0.1", port, compression=None, backlog=2048) as server:
        print("ready", flush=True)
        await server.serve_forever()


PEERS = {"hub": serve_hub, "starlette": serve_starlette, "broadcast": serve_broadcast}

if __name__ == "__main__":
    kind, port_text, feed_text = sys.argv[1:]
    uvloop.run(PEERS[kind](int(port_text), int(feed_text)))
