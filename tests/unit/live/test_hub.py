"""The hub against outlets in memory: order, joining, slowness, heartbeats."""

import asyncio
from functools import partial

import pytest

from app.live import hub as hub_module
from app.live import rooms as rooms_module
from app.live.hub import BEAT_SECONDS, HEARTBEAT_SECONDS, Offer
from app.live.messages import message_of
from app.live.protocol import REVOKED
from app.live.rooms import Room
from floorplan.fold import fold
from floorplan.state import AUDIENCES, empty_state
from tests.cases.play import NIGHT, Play
from tests.unit.live.screens import (
    EPOCH,
    KERNEL_BYTES,
    House,
    MemoryScreen,
    beat,
    frames_since,
    next_room,
    one_more,
    running,
    settle,
)


def one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cohort for each screen, and a turn for everybody else between any two writes."""
    monkeypatch.setattr(hub_module, "YIELD_EVERY", 1)
    monkeypatch.setattr(rooms_module, "COHORT_MOST", 1)


async def test_every_audience_gets_its_frames_in_order() -> None:
    async with running(House()) as house:
        screens = [house.enter(audience) for audience in AUDIENCES]
        for _ in range(40):
            house.events(1)
            await settle()
        for screen in screens:
            assert house.shows(screen)
            versions = [frame["version"] for frame in screen.of("event")]
            assert versions == sorted(set(versions))


async def test_what_arrives_while_writing_waits_goes_out_in_one_write() -> None:
    async with running(House(nonsense=0)) as house:
        screen = house.enter()
        before = screen.outlet.writes
        house.events(25)
        await settle()
        assert screen.outlet.writes == before + 1
        assert len(screen.of("event")) == frames_since(house, 1)
        assert house.shows(screen)


async def test_a_frame_is_one_object_for_all_sockets() -> None:
    async with running(House(nonsense=0)) as house:
        screens = [house.enter() for _ in range(5)]
        for screen in screens:
            screen.look()
        house.events(5)  # some of them the public does not see
        await settle()
        assert len({id(screen.outlet.read[-1]) for screen in screens}) == 1


async def test_staff_are_written_to_before_the_public() -> None:
    order: list[str] = []
    async with running(House(nonsense=0)) as house:
        for audience in ("public", "door", "manager"):
            screen = house.enter(audience)
            screen.outlet.on_push = partial(order.append, audience)
        while {"public", "door", "manager"} - set(order):
            order.clear()
            house.events(1)
            await settle()
    assert order == ["manager", "door", "public"]


async def test_a_screen_that_comes_between_an_event_and_its_frame_gets_it_once() -> None:
    async with running(House(nonsense=0)) as house:
        early = house.enter()
        house.events(3)  # nothing is written yet: no await
        late = house.enter()
        house.events(2)
        await settle()
        assert house.shows(early)
        assert house.shows(late)
        assert len(late.of("event")) == frames_since(house, 4)


async def test_a_snapshot_taken_apart_from_joining_the_list_would_lose_an_event() -> None:
    """The negative control: what `attach` would be with an await in the middle."""
    async with running(House(nonsense=0)) as house:
        screen = MemoryScreen()
        wire = house.room.snapshot("manager")
        while house.room.changed("manager") == 1:
            house.events(1)
        await settle()
        house.hub._enter(screen.client, house.room)
        screen.outlet.push(wire)
        await settle()
        assert not house.shows(screen)


async def test_a_screen_that_comes_or_goes_while_others_are_written_to_is_right(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one_at_a_time(monkeypatch)
    async with running(House()) as house:
        screens = [house.enter() for _ in range(10)]
        for number in range(60):
            house.events(1)
            for _ in range(number % 7):
                await asyncio.sleep(0)
            screens.append(house.enter(AUDIENCES[number % 3]))
            house.hub.detach(screens.pop(number % 9).client)
        await settle()
        await settle()
        assert all(house.shows(screen) for screen in screens)


async def test_an_event_joins_one_that_is_being_written(monkeypatch: pytest.MonkeyPatch) -> None:
    one_at_a_time(monkeypatch)
    async with running(House(nonsense=0)) as house:
        screens = [house.enter("public") for _ in range(6)]
        writes = [screen.outlet.writes for screen in screens]

        def meanwhile() -> None:
            screens[2].outlet.on_push = lambda: None
            one_more(house, "public")

        screens[2].outlet.on_push = meanwhile
        one_more(house, "public")
        await settle()
        made = [s.outlet.writes - before for s, before in zip(screens, writes, strict=True)]
        assert made == [2, 2, 2, 1, 1, 1], "those still to be written to get both in one write"
        assert all(len(screen.of("event")) == 2 for screen in screens)
        assert all(house.shows(screen) for screen in screens)


async def test_staff_do_not_wait_until_the_public_has_an_earlier_event(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one_at_a_time(monkeypatch)
    order: list[str] = []
    async with running(House(nonsense=0)) as house:
        crowd = [house.enter("public") for _ in range(6)]
        manager = house.enter("manager")
        for screen in (*crowd, manager):
            screen.outlet.on_push = partial(order.append, screen.client.audience)

        def meanwhile() -> None:
            order.append("public")
            crowd[1].outlet.on_push = partial(order.append, "public")
            one_more(house, "manager")

        crowd[1].outlet.on_push = meanwhile
        one_more(house, "public")
        await settle()
        assert order.index("manager") == 0, "the first event is the manager's too"
        assert order[1:4] == ["public", "public", "manager"]
        assert house.shows(manager)


async def test_who_pauses_while_others_are_written_to_lacks_what_it_was_not_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one_at_a_time(monkeypatch)
    async with running(House(nonsense=0)) as house:
        early, late = house.enter(), house.enter()
        one_more(house, "manager")
        await settle()
        version = house.room.version
        late.outlet.block()
        # Something else than a frame fills its buffer, while another is written to.
        early.outlet.on_push = lambda: late.outlet.push(b"\x89" * (KERNEL_BYTES + 1))
        one_more(house, "manager")
        await settle()
        assert late.client.paused_at is not None
        assert late.client.version == version
        late.outlet.held.clear()
        late.outlet.drain()
        await settle()
        assert house.shows(early)
        assert house.shows(late)


async def test_changes_without_a_pause_keep_nobody_from_moving_on_and_heartbeats_from_leaving(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one_at_a_time(monkeypatch)
    async with running(House(nonsense=0)) as house:
        crowd = [house.enter("public", follows_tonight=False) for _ in range(4)]
        follower = house.enter("public")
        # Whenever somebody is written to, there is another event: the hub is never done.
        more = iter(range(300))

        def meanwhile() -> None:
            if next(more, None) is not None:
                one_more(house, "public")

        for screen in crowd:
            screen.outlet.on_push = meanwhile
        one_more(house, "public")
        await asyncio.sleep(0)
        house.hub.add(next_room())
        house.hub.follow("2026-11-28")
        beat(house, 80)
        for _ in range(10):
            await asyncio.sleep(0)
        assert next(more, None) is not None, "it goes on"
        assert follower.look().night == "2026-11-28"
        assert len(follower.of("heartbeat")) == 1
        await settle()


@pytest.mark.parametrize(("events", "ring"), [(12, 5), (400, 2000)])
async def test_a_cohort_that_lacks_too_much_gets_the_newest_state(events: int, ring: int) -> None:
    house = House(nonsense=0)
    house.room = house.hub.rooms[NIGHT] = Room(EPOCH, house.room.state, ring_events=ring)
    async with running(house):
        screens = [house.enter(audience) for audience in AUDIENCES]
        house.events(events)  # no await: they come faster than anything is written
        await settle()
        assert all(house.shows(screen) for screen in screens)
        assert all(screen.outlet.writes == 2 for screen in screens)
        manager = screens[AUDIENCES.index("manager")]
        assert len(manager.look().frames) == 3, "a welcome, a snapshot, and one frame for all"


async def test_one_that_ends_while_others_are_written_to_is_not_written_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one_at_a_time(monkeypatch)
    async with running(House(nonsense=0)) as house:
        screens = [house.enter() for _ in range(3)]
        house.hub.end(screens[0].client, REVOKED, "revoked")
        screens[0].outlet.ended = None  # as if it could still be written to
        screens[1].outlet.on_push = lambda: house.hub.end(screens[2].client, REVOKED, "revoked")
        writes = [screen.outlet.writes for screen in screens]
        while house.room.changed("manager") == 1:
            house.events(1)
        await settle()
        after = [screen.outlet.writes for screen in screens]
        assert (after[0], after[2]) == (writes[0], writes[2])
        assert after[1] > writes[1]


async def test_offers_are_taken_once_and_in_order() -> None:
    house = House()
    play = Play(1)
    play.run(5)
    messages, state = [], empty_state(NIGHT)
    for event in play.events:
        message, state = message_of(EPOCH, state, event)
        messages.append(message)
    assert house.hub.offer(messages[0]) is Offer.OLD
    assert house.hub.offer(messages[2]) is Offer.GAP
    assert house.room.version == 1
    assert house.hub.offer(messages[1]) is Offer.NEW
    assert house.hub.offer(messages[1]) is Offer.OLD
    assert house.hub.offer(messages[2]) is Offer.NEW
    assert house.room.state == fold(empty_state(NIGHT), play.events[:3])
    foreign, _ = message_of("another", house.room.state, play.events[3])
    assert house.hub.offer(foreign) is Offer.FOREIGN
    elsewhere = Play(1, night="2030-01-01")
    elsewhere.run(1)
    message, _ = message_of(EPOCH, empty_state("2030-01-01"), elsewhere.events[0])
    assert house.hub.offer(message) is Offer.FOREIGN


# -- cohorts --------------------------------------------------------------------------------------


async def test_more_events_than_the_ring_holds_cost_those_who_lack_one_of_them_that_one() -> None:
    house = House(nonsense=0)
    house.room = house.hub.rooms[NIGHT] = Room(EPOCH, house.room.state, ring_events=3)
    async with running(house):
        screen = house.enter("public")
        quiet = 0
        while quiet <= 5:  # events that change nothing for the public, more than are kept
            before = house.room.changed("public")
            house.events(1)
            await settle()
            quiet = quiet + 1 if house.room.changed("public") == before else 0
        frames = len(screen.look().frames)
        one_more(house, "public")
        await settle()
        assert screen.kinds()[frames:] == ["event"]
        assert house.shows(screen)


async def test_who_come_one_by_one_while_events_go_out_are_soon_with_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rooms_module, "COHORT_MOST", 10)
    async with running(House(nonsense=0)) as house:
        lane = house.room.lanes["manager"]
        screens = []
        for _ in range(40):
            one_more(house, "manager")  # nobody has it yet: there is no cohort to join
            screens.append(house.enter())
            await settle()
        one_more(house, "manager")
        await settle()
        assert len(lane._level) == 4
        assert all(house.shows(screen) for screen in screens)
        for screen in screens[1:]:
            house.hub.detach(screen.client)
        one_more(house, "manager")
        assert len(lane._behind) == 1, "nobody's are not kept"
        house.hub.detach(screens[0].client)
        await settle()
        one_more(house, "manager")
        assert not lane.is_behind


async def test_cohorts_that_become_one_are_both_written_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rooms_module, "COHORT_MOST", 3)
    async with running(House(nonsense=0)) as house:
        screens = [house.enter() for _ in range(5)]
        for leaves in (0, 4):  # of the three, then of the two: now there is room for all
            house.hub.detach(screens[leaves].client)
            one_more(house, "manager")
            await settle()
        assert len(house.room.lanes["manager"]._level) == 1
        assert all(house.shows(screen) for screen in screens[1:4])


# -- heartbeats -----------------------------------------------------------------------------------


async def test_a_heartbeat_never_overtakes_a_change_and_its_hash_is_right() -> None:
    async with running(House()) as house:
        screens = [house.enter(audience) for audience in AUDIENCES]
        for _ in range(30):
            house.events(1)
            beat(house, 80)
            await settle()
        for screen in screens:
            assert len(screen.of("heartbeat")) == 30
            assert screen.overtaken == screen.mismatches == 0


async def test_a_heartbeat_before_its_change_would_be_noticed() -> None:
    """The negative control of the test above."""
    async with running(House(nonsense=0)) as house:
        screen = house.enter()
        while house.room.changed("manager") == 1:
            house.events(1)
        house.hub._ticks += 80
        house.hub._beat()
        assert screen.of("heartbeat") == [], "who lacks a change gets none"
        screen.outlet.push(house.hub._heartbeat(house.room.lanes["manager"]))
        assert screen.look().overtaken == 1


@pytest.mark.parametrize("audience", AUDIENCES)
async def test_each_screen_gets_one_heartbeat_in_its_interval_and_not_all_at_once(
    audience: str,
) -> None:
    async with running(House()) as house:
        ticks = round(HEARTBEAT_SECONDS[audience] / BEAT_SECONDS)
        screens = [house.enter(audience) for _ in range(2 * ticks)]
        at_once: list[int] = []
        for _ in range(ticks):
            before = house.hub.counts.heartbeats
            beat(house)
            await settle()
            at_once.append(house.hub.counts.heartbeats - before)
        assert all(len(screen.of("heartbeat")) == 1 for screen in screens)
        assert max(at_once) == 2


async def test_setting_the_clock_is_told_to_everybody_at_once() -> None:
    async with running(House()) as house:
        screens = [house.enter("public") for _ in range(5)]
        house.hub.beat_all()
        await settle()
        assert all(len(screen.of("heartbeat")) == 1 for screen in screens)
