"""`/ws` of a served worker: whose socket it is, where it comes from, and what closes it."""

import asyncio
import contextlib
import json
import socket
from ipaddress import ip_network
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from app.live.crowd import Crowd
from app.live.server import LiveServer
from app.main import server_config
from app.settings import Settings
from tests.integration.web.club import NIGHT, key, opened
from tests.integration.web.served import PROTOCOL, Served, serving

DEADLINE_SECONDS = 10.0


async def hello(ws: ClientConnection, **more: Any) -> dict[str, Any]:
    """The answer to a hello; a close is raised."""
    await ws.send(json.dumps({"type": "hello", **more}))
    async with asyncio.timeout(DEADLINE_SECONDS):
        answer: dict[str, Any] = json.loads(await ws.recv())
    return answer


async def last_words(ws: ClientConnection) -> tuple[list[Any], int | None]:
    """What the other end still says, and the code with which it closes."""
    said = []
    async with asyncio.timeout(DEADLINE_SECONDS):
        with contextlib.suppress(ConnectionClosed):
            while True:
                said.append(json.loads(await ws.recv()))
    return said, ws.close_code


async def test_a_manager_is_known_by_the_cookie_and_the_public_by_nothing(served: Served) -> None:
    async with served.socket(Origin=served.origin, Cookie=served.cookie) as ws:
        assert (await hello(ws, audience="manager"))["type"] == "welcome"
    async with served.socket(Origin=served.origin) as ws:
        assert (await hello(ws))["audience"] == "public"


@pytest.mark.parametrize("with_origin", [True, False])
async def test_without_a_session_nobody_sees_what_managers_see(
    served: Served, with_origin: bool
) -> None:
    headers = {"Origin": served.origin} if with_origin else {"Cookie": served.cookie}
    async with served.socket(**headers) as ws:
        with pytest.raises(ConnectionClosed) as closed:
            await hello(ws, audience="manager")
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4401


async def test_another_sites_page_is_refused_before_it_is_connected(served: Served) -> None:
    for origin in ("https://evil.example", "null", f"https://{served.address}"):
        with pytest.raises(InvalidStatus) as refused:
            async with served.socket(Origin=origin, Cookie=served.cookie):
                pass
        assert refused.value.response.status_code == 403


async def test_a_foreign_host_name_gets_no_socket(served: Served) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with connect(
            f"ws://{served.address}/ws", additional_headers={"Origin": "http://evil.example"},
            host=served.address.split(":")[0], port=int(served.address.split(":")[1]),
        ):  # fmt: skip
            pass
    assert refused.value.response.status_code == 403


async def test_a_revoked_device_is_closed_at_once(served: Served) -> None:
    added = (
        await served.manager.post(
            "/v1/devices", json={"name": "T", "kind": "tablet", "door": "main"}, headers=key()
        )
    ).json()
    code = {"code": added["pairing"]["code"]}
    made = (await served.manager.post("/v1/devices/pair", json=code, headers=key())).json()
    async with served.socket() as ws:
        assert (await hello(ws, audience="door", token=made["token"]))["type"] == "welcome"
        await served.manager.delete(f"/v1/devices/{made['device_id']}", headers=key())
        assert (await last_words(ws))[1] == 4403
    async with served.socket() as ws:
        with pytest.raises(ConnectionClosed) as closed:
            await hello(ws, audience="door", token=made["token"])
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4401


async def test_a_device_of_one_night_watches_no_other(served: Served) -> None:
    await served.club.open("2027-06-26")
    token = (await served.club.paired(served.manager, night=NIGHT))["token"]
    for night, watches in ((NIGHT, True), ("2027-06-26", False)):
        async with served.socket() as ws:
            if watches:
                said = await hello(ws, audience="door", token=token, night=night)
                assert said["type"] == "welcome"
                continue
            with pytest.raises(ConnectionClosed) as closed:
                await hello(ws, audience="door", token=token, night=night)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4401


async def test_signing_out_closes_the_screens(served: Served) -> None:
    async with served.socket(Origin=served.origin, Cookie=served.cookie) as ws:
        assert (await hello(ws, audience="manager"))["type"] == "welcome"
        assert (await served.manager.delete("/v1/session")).status_code == 204
        assert (await last_words(ws))[1] == 4403


async def test_behind_a_proxy_that_ends_tls_every_name_of_ours_has_its_own_pages(
    settings: Settings,
) -> None:
    """The connection itself is plain HTTP there, and the page's origin is https."""
    changed = {
        "public_url": "https://tables.example.com",
        "allowed_hosts": ("floor.example.com",),
        "trusted_proxies": (ip_network("127.0.0.1"),),
    }
    async with serving(settings, **changed) as served:
        cookie = served.cookie.replace("sid=", "__Host-sid=")
        forwarded = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"}
        answers = {}
        for name, origin in (
            ("floor.example.com", "https://floor.example.com"),
            ("tables.example.com", "https://tables.example.com"),
            ("floor.example.com", "http://floor.example.com"),
            ("floor.example.com", "https://evil.floor.example.com"),
            ("evil.example", "https://evil.example"),
        ):
            try:
                async with served.socket(name, Origin=origin, Cookie=cookie, **forwarded) as ws:
                    answers[name, origin] = (await hello(ws, audience="manager"))["type"]
            except InvalidStatus as refused:
                answers[name, origin] = str(refused.response.status_code)
        assert list(answers.values()) == ["welcome", "welcome", "403", "403", "403"]


async def test_a_crowd_at_one_address_keeps_no_tablet_and_no_manager_out(
    settings: Settings,
) -> None:
    async with serving(settings, trusted_proxies=(ip_network("127.0.0.1"),)) as served:
        served.club.parts.live.crowd = Crowd(strangers_most=2, screens_most=2)
        venue = {"X-Forwarded-For": "192.0.2.7", "Origin": served.origin}
        tablet = (await served.club.paired(served.manager))["token"]
        async with contextlib.AsyncExitStack() as stack:

            async def opened_by(**headers: str) -> ClientConnection:
                return await stack.enter_async_context(served.socket(**venue, **headers))

            for _ in range(2):
                assert (await hello(await opened_by()))["type"] == "welcome"
            crowded = await opened_by()
            await crowded.send(json.dumps({"type": "hello"}))
            assert await last_words(crowded) == ([], 4429)
            # Everybody else is known by name, from the same address.
            door = await opened_by()
            assert (await hello(door, audience="door", token=tablet))["type"] == "welcome"
            screens = [await opened_by(Cookie=served.cookie) for _ in range(3)]
            for screen in screens:
                assert (await hello(screen, audience="manager"))["type"] == "welcome"
            assert (await last_words(screens[0]))[1] == 4429


async def test_a_worker_that_ends_tells_its_screens_when_to_come_back(settings: Settings) -> None:
    async with opened(settings) as club:
        await club.open()
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            server = LiveServer(server_config(settings, club.app))
            server.live = club.parts.live
            serving = asyncio.create_task(server._serve([listener]))
            host, port = listener.getsockname()
            async with connect(f"ws://{host}:{port}/ws", subprotocols=[PROTOCOL]) as ws:
                assert (await hello(ws))["type"] == "welcome"
                server.should_exit = True
                said, code = await last_words(ws)
                assert code == 1012
                assert said[-1]["type"] == "bye"
                assert said[-1]["reconnect_in"] >= 0
            await serving
