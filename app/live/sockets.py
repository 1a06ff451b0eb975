"""The WebSocket endpoint: one conversation from handshake to goodbye.

The coroutine is the socket's reader for its whole life. It must always be reading: uvicorn reads
nothing more, pongs and closes included, while a message waits to be taken.
"""

import asyncio
import contextlib
import time
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from app.domain.principals import ANONYMOUS, Principal
from app.errors import NotFound, NotReady, Refusal
from app.live.clients import Client, Outlet
from app.live.fallback import AsgiOutlet
from app.live.frames import SUBPROTOCOL
from app.live.live import Live, Who
from app.live.protocol import (
    BAD_MESSAGE,
    CROWDED,
    HELLO_SECONDS,
    RESTART,
    SIGN_IN,
    Ack,
    Ask,
    Conversation,
    Ended,
    Hello,
    judge_origin,
)
from app.live.rooms import Room
from app.live.transport import CUT_SECONDS, EXTENSION


async def serve_socket(live: Live, websocket: WebSocket, who: Who, address: str = "") -> None:
    """Serve one WebSocket to its end; strangers are counted by `address`, if it is given.

    `who(token)` answers who speaks: by the device's token, or without one by the session's cookie;
    it raises a Refusal for a token or a session that is not good, and answers ANONYMOUS where there
    is neither. It is asked again every minute.
    """
    match _origin_of(websocket, live.origins):
        case "foreign":
            await websocket.close()  # before accept: the handshake is answered 403
            return
        case "missing":
            _forget_cookies(websocket)
    subprotocol = SUBPROTOCOL if SUBPROTOCOL in websocket.scope["subprotocols"] else None
    try:
        await websocket.accept(subprotocol)
    except (WebSocketDisconnect, RuntimeError):
        return
    direct: Outlet | None = websocket.scope["extensions"].get(EXTENSION)
    if direct is not None:
        await _converse(live, websocket, who, direct, address)
        return
    outlet = AsgiOutlet(websocket)
    reading = asyncio.create_task(_converse(live, websocket, who, outlet, address))
    sending = asyncio.create_task(outlet.run())
    try:
        await asyncio.wait((reading, sending), return_when="FIRST_COMPLETED")
        if outlet.is_ending and not sending.done():
            await asyncio.wait((sending,), timeout=CUT_SECONDS)
    finally:
        reading.cancel()
        sending.cancel()
        for task in (reading, sending):
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def _converse(
    live: Live, websocket: WebSocket, who: Who, outlet: Outlet, address: str
) -> None:
    conversation = Conversation()
    try:
        async with asyncio.timeout(HELLO_SECONDS):
            heard = await _hear(websocket, conversation)
    except TimeoutError:
        heard = Ended(BAD_MESSAGE, "say hello within 5 s")
    if heard is None:
        return
    if not isinstance(heard, Hello):
        assert isinstance(heard, Ended), "the conversation lets only a hello be first"
        outlet.end(heard.code, heard.reason)
        return
    welcomed = await _welcome(live, heard, who, outlet, address)
    if isinstance(welcomed, Ended):
        outlet.end(welcomed.code, welcomed.reason)
        return
    try:
        await _listen(live, websocket, conversation, welcomed)
    finally:
        live.leave(welcomed)


async def _welcome(
    live: Live, hello: Hello, who: Who, outlet: Outlet, address: str
) -> Client | Ended:
    """The client is attached, or the reason why not."""
    try:
        known_at, principal = await _principal(live, hello, who)
    except NotReady:
        return Ended(RESTART, "try again")
    except Refusal as refusal:
        return Ended(SIGN_IN, refusal.reason)
    if not principal.may(f"live:{hello.audience}"):
        return Ended(SIGN_IN, f"sign in to watch as {hello.audience}")
    # Whoever follows tonight follows it into every night; their rights to act end with their own.
    if hello.audience != "public" and hello.night and not principal.scope.allows(night=hello.night):
        return Ended(SIGN_IN, "your rights are for another night")
    try:
        room = await _room(live, hello)
    except NotFound:
        return Ended(BAD_MESSAGE, f"there is no night {hello.night}")
    except NotReady:
        return Ended(RESTART, "try again")
    client = Client(
        outlet,
        hello.audience,
        principal=principal,
        token=hello.token,
        address=address,
        known_at=known_at,
        follows_tonight=hello.night is None,
    )
    if live.hub.draining or live.hub.is_full:
        live.hub.say_goodbye(client)
        return Ended(RESTART, "try again")
    if not live.enter(client):
        return Ended(CROWDED, "too many screens are open at this address")
    since = None if room.night is None else hello.version_of(room.night, room.epoch)
    live.hub.attach(client, room, since)
    if principal.kind in ("staff", "device"):
        live.watch(client, who)
    return client


async def _principal(live: Live, hello: Hello, who: Who) -> tuple[int, Principal]:
    """Who speaks, and the version of the venue's book that this is at least of."""
    # The public needs no one to be looked up: a thousand pages come back at once after a restart.
    if hello.audience == "public" and hello.token is None:
        return 0, ANONYMOUS
    # The version first: a line that comes between the two then ends the screen needlessly, and
    # never the other way round.
    known_at = await live.administration_version()
    return known_at, await who(hello.token)


async def _room(live: Live, hello: Hello) -> Room:
    night = hello.night or live.tonight()
    if night is None:
        return live.hub.lobby
    # A screen may come from a node that was a little ahead: never show it anything older.
    room = await live.room(night, hello.version_of(night, live.epoch) or 0)
    return room if hello.night or live.tonight() == night else await _room(live, hello)


async def _listen(
    live: Live, websocket: WebSocket, conversation: Conversation, client: Client
) -> None:
    while True:
        match await _hear(websocket, conversation):
            case Ask():
                live.hub.give_snapshot(client)
            case Ack(version):
                client.acknowledged = max(client.acknowledged, version)
            case Ended(code, reason):
                live.hub.end(client, code, reason)
                return
            case _:
                return


async def _hear(
    websocket: WebSocket, conversation: Conversation
) -> Hello | Ask | Ack | Ended | None:
    """The next message, or None when the socket is closed."""
    message: Any = await websocket.receive()
    if message["type"] == "websocket.disconnect":
        return None
    return conversation.hear(message.get("text"), time.monotonic())


def _origin_of(websocket: WebSocket, allowed: frozenset[str]) -> str:
    headers = websocket.scope["headers"]
    origins = [value.decode("latin-1") for name, value in headers if name == b"origin"]
    if len(origins) > 1:
        return "foreign"  # no browser sends two, and one of them would go unread
    host = dict(headers).get(b"host")
    return judge_origin(
        origins[0] if origins else None,
        None if host is None else host.decode("latin-1"),
        websocket.scope["scheme"],
        allowed,
    )


def _forget_cookies(websocket: WebSocket) -> None:
    """Nobody can read the cookie any more: it does not count without an Origin."""
    scope = websocket.scope
    scope["headers"] = [(name, value) for name, value in scope["headers"] if name != b"cookie"]
    for cached in ("_headers", "_cookies"):
        websocket.__dict__.pop(cached, None)
