"""The hub and screens that take no more: what they are spared, and what they get."""

import asyncio

from app.live.frames import framed
from app.live.protocol import SLOW
from app.live.rooms import Room
from tests.cases.play import NIGHT
from tests.unit.live.screens import (
    EPOCH,
    KERNEL_BYTES,
    House,
    MemoryScreen,
    frames_since,
    one_more,
    running,
    settle,
)
from tests.unit.live.sockets import MemorySocket


async def test_a_slow_screen_gets_one_merged_frame_when_it_drains() -> None:
    async with running(House()) as house:
        slow, quick = house.enter(), house.enter()
        slow.outlet.block()
        while slow.client.paused_at is None:
            house.events(5)
            await settle()
        held = len(slow.outlet.held)
        behind = slow.client.version
        house.events(30)
        await settle()
        assert len(slow.outlet.held) == held, "above the mark nothing is queued"
        slow.look()
        slow.outlet.drain()
        await settle()
        assert house.shows(slow)
        assert house.shows(quick)
        last = slow.of("event")[-1]
        assert (last["after"], last["version"]) == (behind, house.room.version)
        house.events(5)
        await settle()
        assert house.shows(slow), "and then it is one of the others again"


async def test_a_slow_screen_holds_no_more_however_long_it_lasts() -> None:
    async with running(House()) as house:
        slow = house.enter()
        slow.outlet.block()
        while slow.client.paused_at is None:
            house.events(25)  # one write: what is held is the mark and one write beyond it
            await settle()
        held = slow.outlet.held_bytes_most
        house.events(500)
        await settle()
        assert slow.outlet.held_bytes_most == held
        assert held < 2 * KERNEL_BYTES


async def test_a_screen_slower_than_the_ring_starts_over() -> None:
    house = House()
    small = Room(EPOCH, house.room.state, ring_events=5)
    house.room = house.hub.rooms[NIGHT] = small
    async with running(house):
        slow = house.enter()
        slow.outlet.block()
        while slow.client.paused_at is None:
            house.events(5)
            await settle()
        house.events(20)
        await settle()
        slow.outlet.drain()
        await settle()
        assert slow.kinds()[-1] == "snapshot"
        assert house.shows(slow)


async def test_a_screen_that_stays_slow_is_closed_and_a_quick_one_is_not() -> None:
    async with running(House(slow_seconds=0.0)) as house:
        slow, quick = house.enter(), house.enter()
        slow.outlet.block()
        while slow.client.paused_at is None:
            house.events(5)
            await settle()
        ticking = asyncio.create_task(house.hub.tick())
        await asyncio.wait_for(slow.outlet.closed.wait(), 5)
        ticking.cancel()
        assert slow.outlet.ended == (SLOW, "too slow")
        assert quick.outlet.ended is None
        assert house.hub.counts.closed_slow == 1


async def test_who_asks_for_a_snapshot_while_slow_gets_it_when_drained() -> None:
    async with running(House()) as house:
        slow = house.enter()
        slow.outlet.block()
        while slow.client.paused_at is None:
            house.events(5)
            await settle()
        house.hub.give_snapshot(slow.client)
        house.events(3)
        await settle()
        assert slow.kinds() == ["welcome", "snapshot"]
        slow.outlet.drain()
        await settle()
        assert slow.kinds()[-1] == "snapshot"
        assert house.shows(slow)


async def test_a_socket_that_takes_no_more_before_it_is_greeted_is_closed() -> None:
    """When it drained it would be written to as if it had been given a snapshot."""
    async with running(House()) as house:
        screen = MemoryScreen()
        screen.outlet.block()
        screen.outlet.push(b"\x8a\0" * KERNEL_BYTES)  # the answers to its pings
        house.hub.attach(screen.client, house.room, None)
        assert screen.outlet.ended == (SLOW, "too slow")
        screen.outlet.held.clear()
        screen.outlet.drain()
        assert screen.client.cohort is None


async def test_a_socket_that_shuts_while_slow_is_not_written_to_when_it_drains() -> None:
    async with running(House()) as house:
        slow = house.enter()
        slow.outlet.block()
        while slow.client.paused_at is None:
            house.events(5)
            await settle()
        slow.client.version = house.room.version  # it lacks nothing
        slow.client.on_shut()
        slow.outlet.drain()
        assert slow.client.cohort is None


async def test_who_is_gone_is_not_kept_as_slow() -> None:
    async with running(House()) as house:
        screen = house.enter()
        house.hub.detach(screen.client)
        screen.client.on_pause()  # a close frame, or a pong, fills what the kernel holds
        assert house.hub.slow_sockets() == 0
        screen.client.on_drain()
        assert screen.client.cohort is None


async def test_one_that_is_slow_right_after_it_resumed_finds_no_gap() -> None:
    """What it was sent last is older than the room was: the frame has to join on to that."""
    house = House(nonsense=0)
    one_more(house, "public")
    version = house.room.version
    while house.room.version < version + 3 or frames_since(house, version, "public"):
        version = house.room.changed("public")
        house.events(1)
    screen = MemoryScreen("public")
    screen.night, screen.version = NIGHT, version
    screen.document = house.room.document("public")
    screen.outlet.block()
    screen.outlet.push(framed(b'{"type":"%s"}' % (b"x" * (KERNEL_BYTES - 100))))
    house.hub.attach(screen.client, house.room, version)
    assert screen.client.paused_at is not None
    async with running(house):
        one_more(house, "public")
        await settle()
        screen.outlet.drain()
        await settle()
        assert screen.look().gaps == 0
        assert house.shows(screen)


async def test_a_kernel_that_is_full_to_the_byte_takes_nothing_of_the_next_frame() -> None:
    """It took the last frame whole, so that nothing told of a pause before the next one."""
    async with running(House(nonsense=0)) as house:
        socket = MemorySocket(1_000_000)
        screen = MemoryScreen(outlet=socket)
        house.hub.attach(screen.client, house.room, None)
        socket.capacity = socket.held
        one_more(house, "manager")
        await settle()
        assert screen.client.paused_at is not None
        one_more(house, "manager")
        await settle()
        socket.take(1_000_000)
        socket.take(1_000_000)
        await settle()
        assert house.shows(screen)
        assert screen.client.cohort is not None
