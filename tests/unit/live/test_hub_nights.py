"""The hub when a night follows another, starts over or ends, and when a worker or a right does."""

import asyncio

import pytest

from app.domain.principals import Principal
from app.live import hub as hub_module
from app.live.hub import Offer
from app.live.messages import message_of
from app.live.protocol import RESTART, REVOKED
from floorplan.events import Event
from floorplan.fold import fold
from floorplan.state import AUDIENCES, empty_state
from tests.cases.play import NIGHT
from tests.unit.live.screens import House, MemoryScreen, beat, next_room, running, settle


async def test_at_the_roll_over_those_who_named_no_night_move_on() -> None:
    async with running(House()) as house:
        follower, watcher = house.enter("public"), house.enter("public", follows_tonight=False)
        house.events(10)
        await settle()
        following = next_room()
        house.hub.add(following)
        house.hub.follow("2026-11-28")
        await settle()
        assert follower.look().night == "2026-11-28"
        assert follower.document == following.document("public")
        assert watcher.look().night == NIGHT
        house.events(10)
        await settle()
        assert follower.gaps == 0
        assert follower.look().document == following.document("public")
        assert house.shows(watcher)


async def test_a_slow_screen_moves_on_too_when_it_drains() -> None:
    async with running(House()) as house:
        slow = house.enter("manager")
        slow.outlet.block()
        while slow.client.paused_at is None:
            house.events(5)
            await settle()
        following = next_room()
        house.hub.add(following)
        house.hub.follow("2026-11-28")
        await settle()
        slow.outlet.drain()
        await settle()
        assert slow.look().night == "2026-11-28"
        assert slow.document == following.document("manager")


async def test_who_waits_in_the_lobby_gets_the_night_that_opens() -> None:
    async with running(House()) as house:
        house.hub.follow(None)
        await settle()
        screen = MemoryScreen("public")
        house.hub.attach(screen.client, house.hub.lobby, None)
        beat(house, 80)
        await settle()
        assert screen.kinds() == ["welcome", "heartbeat"]
        assert screen.frames[0]["night"] is None
        house.hub.follow(NIGHT)
        await settle()
        assert screen.kinds() == ["welcome", "heartbeat", "snapshot"]
        house.events(5)
        await settle()
        assert house.shows(screen)


async def test_a_room_that_starts_over_gives_everybody_a_snapshot_of_the_new_epoch() -> None:
    async with running(House()) as house:
        screens = [house.enter(audience) for audience in AUDIENCES]
        house.events(20)
        await settle()
        shorter = fold(empty_state(NIGHT), house.play.events[:8])
        house.hub.begin("fedcba9876543210")
        house.room.rebase("fedcba9876543210", shorter, ())
        house.hub.rebased(house.room)
        await settle()
        for screen in screens:
            assert screen.look().epoch == "fedcba9876543210"
            assert screen.version == 8
            assert house.shows(screen)
        for event in house.play.events[8:]:
            message, state = message_of("fedcba9876543210", house.room.state, event)
            assert house.hub.offer(message, state) is Offer.NEW
            await settle()
        assert all(house.shows(screen) for screen in screens), "and then it goes on"


# -- ends -----------------------------------------------------------------------------------------


async def test_draining_tells_each_when_to_come_back_and_closes_it() -> None:
    async with running(House()) as house:
        screens = {a: [house.enter(a) for _ in range(30)] for a in AUDIENCES}
        await house.hub.drain()
        for audience, most in (("door", 1), ("manager", 3), ("public", 30)):
            waits = [screen.of("bye")[0]["reconnect_in"] for screen in screens[audience]]
            assert all(0 <= wait <= most for wait in waits)
            assert len(set(waits)) > 10, "not all at the same moment"
            assert all(s.outlet.ended == (RESTART, "restart") for s in screens[audience])


async def test_revoking_closes_that_principal_and_nobody_else() -> None:
    async with running(House()) as house:
        payload = b'{"kind":"tablet","door":"main"}'
        at = "2026-11-21T23:00:00.000Z"
        line = Event("venue", 1, "DEVICE_REVOKED", "device:d1", at, "staff:x", "r", payload)
        gone = Principal(kind="device", id="d1", role="DEVICE")
        stays = Principal(kind="device", id="d2", role="DEVICE")
        one, other = house.enter("door", principal=gone), house.enter("door", principal=stays)
        public = house.enter("public")
        assert house.hub.revoke_by(line) == 1
        assert one.outlet.ended == (REVOKED, "revoked")
        assert other.outlet.ended is None
        assert public.outlet.ended is None


async def test_nobody_waits_for_ever_for_a_version() -> None:
    async with running(House()) as house:
        target = house.room.version + 3
        waiting = asyncio.create_task(house.hub.reached(house.room, target))
        house.events(2)
        await settle()
        assert not waiting.done()
        house.events(1)
        await asyncio.wait_for(waiting, 10)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await house.hub.reached(house.room, target + 100)
        assert house.hub._awaited == {}


async def test_staff_do_not_wait_until_the_public_has_moved_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hub_module, "YIELD_EVERY", 2)
    async with running(House(nonsense=0)) as house:
        crowd = [house.enter("public") for _ in range(8)]
        manager = house.enter("manager")
        watcher = house.enter("manager", follows_tonight=False)
        house.hub.add(next_room())
        house.hub.follow("2026-11-28")
        await asyncio.sleep(0)
        assert manager.look().night == "2026-11-28", "staff first"
        while house.room.changed("manager") == 1:
            house.events(1)
        await asyncio.sleep(0)
        assert house.shows(watcher)
        assert any(screen.look().night == NIGHT for screen in crowd), "they go on moving"
        await settle()
        assert all(screen.look().night == "2026-11-28" for screen in crowd)


async def test_who_owes_a_snapshot_gets_no_heartbeat_of_what_it_has_not_seen() -> None:
    house = House(nonsense=0)
    screens = [house.enter(audience) for audience in AUDIENCES]
    house.events(20)
    for screen in screens:
        house.hub.give_snapshot(screen.client)
    house.room.rebase(house.room.epoch, fold(empty_state(NIGHT), house.play.events[:2]), ())
    house.hub.rebased(house.room)
    house.hub.beat_all()
    house.hub._beat()
    assert all(screen.of("heartbeat") == [] for screen in screens)
    async with running(house):
        await settle()
        assert all(house.shows(screen) for screen in screens)


async def test_who_waits_for_a_version_hears_that_the_room_started_over_beyond_it() -> None:
    house = House(nonsense=0)
    house.play.run(5)
    waiting = asyncio.create_task(house.hub.reached(house.room, 4))
    await asyncio.sleep(0)
    house.room.rebase(house.room.epoch, fold(empty_state(NIGHT), house.play.events), ())
    house.hub.rebased(house.room)
    await asyncio.wait_for(waiting, 10)


async def test_in_the_lobby_a_screen_is_one_of_the_others() -> None:
    async with running(House()) as house:
        screen = house.enter("public")
        screen.look()
        house.hub.follow(None)
        await settle()
        assert screen.kinds()[2:] == [], "there is nothing to show; its heartbeat says so"
        assert screen.client.lane is house.hub.lobby.lanes["public"]
        assert screen.client.cohort is not None
