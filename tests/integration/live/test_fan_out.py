"""From a committed event to every screen, with nothing broken."""

import asyncio

import pytest

from app.embedded.servers import URLs
from floorplan import events as book
from tests.integration.live.nodes import node, screen, scribe, until


@pytest.mark.parametrize("direct", [True, False], ids=["raw frames", "asgi"])
async def test_a_committed_event_is_on_every_screen_in_its_own_projection(
    database: URLs, redis_url: str, direct: bool
) -> None:
    async with (
        scribe(database.app) as hand,
        node(database.app, redis_url, direct=direct) as n1,
        screen(n1, "manager") as manager,
        screen(n1, "door") as door,
        screen(n1, "public") as public,
    ):
        screens = {"manager": manager, "door": door, "public": public}
        for it in screens.values():
            await it.reach(1)
            assert it.kinds() == ["welcome", "snapshot"]
        version = await hand.go_on(60)
        await n1.reach(hand.night, version)
        for audience, it in screens.items():
            await it.reach(n1.live.state(hand.night).changed[audience])
            assert it.state == n1.live.document(hand.night, audience)
            assert it.gaps == 0
        assert all("line" not in frame for frame in public.of("event") + door.of("event"))
        assert any("line" in frame for frame in manager.of("event"))


async def test_two_nodes_show_the_same_bytes(database: URLs, redis_url: str) -> None:
    async with (
        scribe(database.app) as hand,
        node(database.app, redis_url, name="n1") as n1,
        node(database.app, redis_url, name="n2") as n2,
        screen(n1) as one,
        screen(n2) as two,
    ):
        await asyncio.gather(one.reach(1), two.reach(1))
        await hand.go_on(40)
        final = max(event.version for event in hand.play.events)
        await until(lambda: n1.version(hand.night) == n2.version(hand.night) == final)
        changed = n1.live.state(hand.night).changed["manager"]
        await asyncio.gather(one.reach(changed), two.reach(changed))
        assert one.state == two.state
        frames = [[t for t in it.texts if '"type":"event"' in t] for it in (one, two)]
        assert frames[0] == frames[1]
        assert len(frames[0]) > 10


async def test_a_table_blocked_by_hand_is_on_the_map(database: URLs, redis_url: str) -> None:
    async with (
        scribe(database.app) as hand,
        node(database.app, redis_url) as n1,
        screen(n1) as manager,
    ):
        await manager.reach(1)
        version = await hand.write(
            book.TableBlocked(
                block_id="33333333-3333-4333-8333-333333333333",
                table=7,
                blocked_from="2026-11-21T22:00:00.000Z",
                blocked_until="2026-11-22T05:00:00.000Z",
                reason="spill",
                in_force=True,
            )
        )
        await manager.reach(version)
        assert manager.state["tables"]["7"]["status"] == "maintenance"
        assert manager.of("event")[-1]["line"]["text"] == "T7 blocked: spill"
