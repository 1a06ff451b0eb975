"""One socket's life over a real network: who may connect, what is said, how it ends."""

import asyncio
import json
import socket
from contextlib import AsyncExitStack
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from app.domain.principals import Principal
from app.embedded.servers import URLs
from app.live import live as live_module
from app.live import sockets as sockets_module
from app.live.transport import SEND_BUFFER_BYTES
from floorplan import events as book
from tests.integration.live.nodes import TOKENS, Node, Reader, node, screen, scribe, until, who

BOTH = pytest.mark.parametrize("direct", [True, False], ids=["raw frames", "asgi"])


async def closes_with(url: str, *messages: str | bytes, **options: Any) -> tuple[int, str]:
    """The close code and reason that these first messages end with."""
    async with connect(url, compression=None, **options) as it:
        try:
            for message in messages:
                await it.send(message)
            async with asyncio.timeout(10):
                while True:
                    await it.recv()
        except ConnectionClosed:
            pass
        assert it.close_code is not None
        return it.close_code, it.close_reason or ""


# -- who may connect ------------------------------------------------------------------------------


async def test_another_site_s_page_is_refused_before_the_handshake(
    database: URLs, redis_url: str
) -> None:
    async with node(database.app, redis_url) as n1:
        for origin in ("http://evil.example", "null", "http://127.0.0.1.evil.example"):
            with pytest.raises(InvalidStatus) as refused:
                async with connect(n1.url, additional_headers={"Origin": origin}):
                    pass
            assert refused.value.response.status_code == 403
        own = {"Origin": f"http://127.0.0.1:{n1.port}"}
        async with connect(n1.url, additional_headers=own) as it:
            await it.send('{"type":"hello"}')
            assert json.loads(await it.recv())["type"] == "welcome"


async def test_a_cookie_counts_only_beside_our_own_origin(
    database: URLs, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str | None] = []

    async def note(live: Any, websocket: Any, ask: Any) -> None:
        async def asked(token: str | None) -> Principal:
            seen.append(websocket.cookies.get("sid"))
            return await who(token)

        await serve(live, websocket, asked)

    serve = sockets_module.serve_socket
    monkeypatch.setattr(sockets_module, "serve_socket", note)
    async with node(database.app, redis_url) as n1:
        own = {"Origin": f"http://127.0.0.1:{n1.port}"}
        for headers in ({"Cookie": "sid=secret"}, {"Cookie": "sid=secret", **own}):
            async with screen(n1, "manager", headers=headers) as it:
                await until(lambda it=it: it.frames)  # type: ignore[misc]
    assert seen == [None, "secret"]


@BOTH
@pytest.mark.parametrize(
    ("hello", "code"),
    [
        ({"audience": "manager"}, 4401),
        ({"audience": "door"}, 4401),
        ({"audience": "door", "token": "manager"}, None),
        ({"audience": "manager", "token": "door"}, 4401),
        ({"audience": "manager", "token": "forged"}, 4401),
        ({"audience": "public", "token": "forged"}, 4401),
        ({"audience": "public"}, None),
    ],
)
async def test_an_audience_needs_its_permission(
    database: URLs, redis_url: str, direct: bool, hello: dict[str, str], code: int | None
) -> None:
    async with (
        scribe(database.app),
        node(database.app, redis_url, direct=direct) as n1,
        connect(n1.url) as it,
    ):
        await it.send(json.dumps({"type": "hello", **hello}))
        if code is None:
            assert json.loads(await it.recv())["audience"] == hello["audience"]
        else:
            with pytest.raises(ConnectionClosed):
                await it.recv()
            assert it.close_code == code


# -- what may be said -----------------------------------------------------------------------------


@BOTH
async def test_bad_messages_are_answered_by_their_close_code(
    database: URLs, redis_url: str, direct: bool
) -> None:
    async with scribe(database.app), node(database.app, redis_url, direct=direct) as n1:
        assert (await closes_with(n1.url, "hello"))[0] == 4400
        assert (await closes_with(n1.url, b"\x00\x01"))[0] == 4400
        assert (await closes_with(n1.url, '{"type":"hello","x":1}'))[0] == 4400
        assert (await closes_with(n1.url, '{"type":"snapshot"}'))[0] == 4400
        code, reason = await closes_with(n1.url, '{"type":"hello","night":"2031-02-03"}')
        assert (code, reason) == (4400, "there is no night 2031-02-03")
        assert (await closes_with(n1.url, '{"type":"hello","night":"2031-99-99"}'))[0] == 4400
        hello = '{"type":"hello"}'
        assert (await closes_with(n1.url, hello, hello))[0] == 4400
        assert (await closes_with(n1.url, hello, *['{"type":"snapshot"}'] * 30))[0] == 4400
        assert (await closes_with(n1.url, "x" * 70_000))[0] == 1009
        await until(lambda: not n1.live.hub.clients(), "nobody left in the hub")


@BOTH
async def test_who_says_nothing_is_sent_away(
    database: URLs, redis_url: str, direct: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets_module, "HELLO_SECONDS", 0.2)
    async with node(database.app, redis_url, direct=direct) as n1:
        assert await closes_with(n1.url) == (4400, "say hello within 5 s")


@BOTH
async def test_who_asks_for_a_snapshot_gets_one(
    database: URLs, redis_url: str, direct: bool
) -> None:
    async with (
        scribe(database.app) as hand,
        node(database.app, redis_url, direct=direct) as n1,
        screen(n1) as it,
    ):
        await hand.go_on(5)
        await it.reach(1)
        await it.say(type="snapshot")
        await until(lambda: it.kinds().count("snapshot") == 2)
        await it.say(type="ack", version=5)
        await until(lambda: n1.live.hub.clients()[0].acknowledged == 5)


async def test_resuming_from_every_version_ends_in_the_same_state(
    database: URLs, redis_url: str
) -> None:
    async with (
        scribe(database.app) as hand,
        node(database.app, redis_url) as n1,
        screen(n1, "door") as first,
    ):
        await hand.go_on(30)
        head = hand.play.state.version
        await n1.reach(hand.night, head)
        changed = n1.live.state(hand.night).changed["door"]
        await first.reach(changed)
        live_texts = [text for text in first.texts if '"type":"event"' in text]
        for version in range(head + 3):
            since = {"epoch": n1.live.epoch, "version": version, "night": hand.night}
            async with screen(n1, "door", since=since) as it:
                if version > head:
                    await it.reach(1)
                    assert it.kinds()[:2] == ["welcome", "snapshot"], "it is ahead of the book"
                    assert it.state == first.state
                    continue
                await until(lambda it=it: "heartbeat" in it.kinds())  # type: ignore[misc]
                assert "snapshot" not in it.kinds()
                missed = [text for text in it.texts if '"type":"event"' in text]
                expected = [t for t in live_texts if json.loads(t)["version"] > version]
                if first.of("snapshot")[0]["version"] <= version:
                    assert missed == expected, "the same bytes as they were live"
                assert it.of("heartbeat")[0]["hash"] == first.hash


# -- nights ---------------------------------------------------------------------------------------


async def test_a_screen_of_tonight_moves_to_the_next_night_when_this_one_is_sealed(
    database: URLs, redis_url: str
) -> None:
    async with (
        scribe(database.app) as hand,
        scribe(database.app, night="2099-12-31", seed=2) as later,
        node(database.app, redis_url) as n1,
        screen(n1, "public") as follower,
        screen(n1, "public", night=hand.night) as watcher,
    ):
        await until(lambda: follower.night == watcher.night == hand.night)
        await later.go_on(5)
        await hand.write(book.NightSealed(figures=book.Figures(), completed=[]))
        await until(lambda: follower.night == later.night, "the roll-over")
        assert n1.live.tonight() == later.night
        await until(lambda: follower.state == n1.live.document(later.night, "public"))
        assert watcher.night == hand.night
        await until(lambda: watcher.state["night"]["status"] == "sealed")


async def test_a_screen_waits_for_a_night_to_open(database: URLs, redis_url: str) -> None:
    async with node(database.app, redis_url) as n1, screen(n1, "public") as it:
        await until(lambda: it.kinds() == ["welcome"])
        assert it.frames[0]["night"] is None
        async with scribe(database.app) as hand:
            await until(lambda: it.night == hand.night)
            assert len(it.state["tables"]) == 16
            await hand.go_on(10)
            await n1.reach(hand.night, hand.play.state.version)
            await it.reach(n1.live.state(hand.night).changed["public"])
            assert it.state == n1.live.document(hand.night, "public")


async def test_a_past_night_is_loaded_for_who_asks_and_forgotten_again(
    database: URLs, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_module, "PAST_NIGHTS_MOST", 0)
    async with scribe(database.app, night="2020-02-01") as hand:
        await hand.go_on(10)
        async with node(database.app, redis_url) as n1:
            await until(lambda: n1.live.listener.answered_at > 0)
            assert n1.live.nights() == []
            async with screen(n1, night=hand.night) as it:
                await it.reach(1)
                assert it.state == n1.live.document(hand.night, "manager")
                n1.live._forget_past()
                assert n1.live.nights() == [hand.night], "somebody watches it"
                await hand.go_on(3)
                await n1.reach(hand.night, hand.play.state.version)
            await until(lambda: not n1.live.hub.clients())
            n1.live._forget_past()
            assert n1.live.nights() == []


async def test_a_past_night_that_was_loaded_last_is_forgotten_last(
    database: URLs, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also before its reader has noted that it uses it: that is a turn of the loop later."""
    monkeypatch.setattr(live_module, "PAST_NIGHTS_MOST", 1)
    async with (
        scribe(database.app, night="2020-02-01") as hand,
        scribe(database.app, night="2020-02-02") as other,
        node(database.app, redis_url) as n1,
    ):
        await n1.live.ensure(hand.night)
        await n1.live._load_by_pool(other.night)
        n1.live._forget_past()
        assert n1.live.nights() == [other.night]


# -- ends -----------------------------------------------------------------------------------------


async def test_who_may_no_longer_watch_is_found_by_the_next_look(
    database: URLs, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_module, "RECHECK_SECONDS", 0.05)
    monkeypatch.setitem(TOKENS, "leaver", Principal(kind="staff", id="x", role="MANAGER"))
    async with (
        scribe(database.app),
        node(database.app, redis_url) as n1,
        screen(n1, "manager", token="leaver") as leaver,
        screen(n1, "manager") as stays,
    ):
        await leaver.reach(1)
        await stays.reach(1)
        monkeypatch.setitem(TOKENS, "leaver", Principal(kind="staff", id="x", role="DOOR_STAFF"))
        assert await leaver.closes() == 4403
        assert stays.closed is None
        monkeypatch.delitem(TOKENS, "manager")
        assert await stays.closes() == 4401


@BOTH
async def test_a_server_that_stops_says_when_to_come_back_and_closes_with_1012(
    database: URLs, redis_url: str, direct: bool
) -> None:
    async with scribe(database.app), node(database.app, redis_url, direct=direct) as n1:
        screens = []
        for audience in ("manager", "door", "public"):
            context = screen(n1, audience)
            screens.append((audience, context, await context.__aenter__()))
        for _, _, it in screens:
            await it.reach(1)
        n1.server.should_exit = True
        for audience, context, it in screens:
            assert await it.closes() == 1012
            assert it.kinds()[-1] == "bye"
            most = {"door": 1, "manager": 3, "public": 30}[audience]
            assert 0 <= it.frames[-1]["reconnect_in"] <= most
            await context.__aexit__(None, None, None)


@pytest.mark.parametrize(("audience", "reads"), [("public", 0), ("door", 20), ("manager", 20)])
async def test_a_crowd_that_comes_back_asks_postgres_nothing_and_staff_ask_once_each(
    database: URLs, redis_url: str, monkeypatch: pytest.MonkeyPatch, audience: str, reads: int
) -> None:
    """No herd on Postgres after a restart. Staff are the control: their reads are seen."""
    asked = [0]
    reading = Reader.reading

    def counted(self: Reader) -> Any:
        asked[0] += 1
        return reading(self)

    async with scribe(database.app) as it, node(database.app, redis_url) as n1:
        await it.go_on(5)
        async with screen(n1, audience) as first:
            await until(lambda: first.version > 0, "a picture")
            monkeypatch.setattr(Reader, "reading", counted)
            async with AsyncExitStack() as stack:
                backs = [  # half of them resume, half know nothing
                    await stack.enter_async_context(screen(n1, audience, start=start))
                    for start in (first, None) * 10
                ]
                await until(lambda: all(one.of("welcome") for one in backs), "their welcome")
                await until(lambda: all(one.version >= 1 for one in backs), "their pictures")
        assert asked[0] == reads


async def test_a_full_node_sends_new_screens_away(
    database: URLs, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.live.hub.SOCKETS_MOST", 1)
    async with (
        scribe(database.app),
        node(database.app, redis_url) as n1,
        screen(n1, "manager") as first,
    ):
        await first.reach(1)
        async with screen(n1, "manager") as second:
            assert await second.closes() == 1012
            assert second.kinds() == ["bye"]


# -- slow screens ---------------------------------------------------------------------------------


def deaf_socket(n1: Node, audience: str = "manager") -> socket.socket:
    """A raw socket that says hello and then never reads."""
    it = socket.socket()
    it.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    it.connect(("127.0.0.1", n1.port))
    it.sendall(
        b"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    it.recv(1000)  # the answer to the handshake
    hello = json.dumps({"type": "hello", "audience": audience, "token": audience}).encode()
    it.sendall(bytes((0x81, 0x80 | len(hello))) + b"\0\0\0\0" + hello)
    it.setblocking(False)
    return it


async def make_paused(n1: Node, night: str, write: Any) -> Any:
    """Write until the only slow client is above its high-water mark; the client."""
    while not (paused := [c for c in n1.live.hub.clients() if c.paused_at is not None]):
        version = await write(40)
        await n1.reach(night, version)
    return paused[0]


async def test_a_socket_that_never_reads_is_bounded_conflated_and_then_closed(
    database: URLs, redis_url: str
) -> None:
    async with (
        scribe(database.app) as hand,
        node(database.app, redis_url) as n1,
        screen(n1) as quick,
    ):
        await quick.reach(1)
        deaf = await asyncio.to_thread(deaf_socket, n1)
        await until(lambda: len(n1.live.hub.clients()) == 2)
        client = await make_paused(n1, hand.night, hand.go_on)
        buffered = client.outlet.transport.get_write_buffer_size()
        assert 0 < buffered < 32_768, "the rest of one write, a snapshot at most"
        kernel = client.outlet.transport.get_extra_info("socket")
        assert kernel.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) <= 2 * SEND_BUFFER_BYTES
        version = client.version
        await n1.reach(hand.night, await hand.go_on(200))
        assert client.outlet.transport.get_write_buffer_size() == buffered
        assert client.version == version, "nothing is queued for it"
        n1.live.hub._slow_seconds = 0.0
        await until(lambda: len(n1.live.hub.clients()) == 1, "the end of the slow one")
        assert n1.live.hub.counts.closed_slow == 1
        await until(client.outlet.transport.is_closing, "its buffer to be let go")
        await quick.reach(n1.live.state(hand.night).changed["manager"])
        assert quick.gaps == 0
        deaf.close()


@BOTH
async def test_a_socket_that_reads_again_gets_one_merged_frame_and_goes_on(
    database: URLs, redis_url: str, direct: bool
) -> None:
    async with (
        scribe(database.app) as hand,
        node(database.app, redis_url, direct=direct) as n1,
        screen(n1) as slow,
    ):
        await slow.reach(1)
        # Stop reading: first the client's own queue fills, then the kernel's, then ours.
        slow.socket.transport.pause_reading()
        client = await make_paused(n1, hand.night, hand.go_on)
        version = await hand.go_on(50)
        await n1.reach(hand.night, version)
        # Read here, with all fifty known: the kernel may have taken a little more meanwhile.
        behind, last = client.version, n1.live.state(hand.night).changed["manager"]
        assert behind < last - 1, "several facts wait for it"
        slow.socket.transport.resume_reading()
        await slow.reach(last)
        assert slow.state == n1.live.document(hand.night, "manager")
        assert slow.gaps == 0
        told = slow.of("event") + slow.of("snapshot")
        assert len([frame for frame in told if frame["version"] > behind]) == 1
        assert n1.live.hub.counts.conflations + n1.live.hub.counts.snapshots >= 2
        await hand.go_on(5)
        await n1.reach(hand.night, hand.play.state.version)
        await slow.reach(n1.live.state(hand.night).changed["manager"])
        assert slow.state == n1.live.document(hand.night, "manager")
