"""Two nodes behind nginx: one picture, whichever of them ends.

Method: customers hold and release through the proxy without a pause, screens look on through the
same proxy. A node is told to end while they do, and started again; then a node is killed. In the
end every promise is in the book once, every screen shows what the fold says, and never showed
anything else.
"""

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from app.db.pool import Database
from app.embedded.servers import URLs
from app.settings import Settings
from floorplan.venue import load_venue
from tests.conftest import PERSON_KEYS
from tests.faults.customers import busy
from tests.faults.proxied import House, proxied
from tests.faults.watchers import Watcher, assert_right, read_book, until, watching
from tests.integration.floor import House as Floor

BACK_SECONDS = 3.0
# Twenty changes a second: what a screen missed until it is back stays below `CATCH_UP_BYTES_MAX`,
# beyond which it rightly gets a snapshot.
PAUSE_SECONDS = 0.5


@pytest.fixture
def house(settings: Settings, database: URLs, redis_url: str) -> Iterator[House]:
    with proxied(database, redis_url, PERSON_KEYS) as found:
        yield found


def on(screens: list[Watcher], house: House, number: int) -> list[Watcher]:
    """The screens that the node serves."""
    process = house.nodes[number].process
    assert process is not None
    return [one for one in screens if one.node.startswith(f"{process.pid}-")]


async def test_screens_and_customers_outlive_a_restart_and_a_loss_of_either_node(
    house: House, settings: Settings
) -> None:
    night = house.night = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
    db = await Database.open(settings)
    await Floor(db, settings, load_venue()).open(night)
    await db.close()
    async with watching(house, 16, "public") as screens:
        assert on(screens, house, 0), "the proxy spreads them"
        assert on(screens, house, 1), "the proxy spreads them"
        async with busy(house, night, PAUSE_SECONDS) as customers:
            for number in (0, 1):  # a rolling restart
                leaving = on(screens, house, number)
                assert leaving
                assert await asyncio.to_thread(house.nodes[number].stop) == 0
                assert all(one.closed[-1] == 1012 for one in leaving)
                assert all(one.byes for one in leaving), "each was told when to come back"
                await until(lambda: all(one.node for one in screens), "their way back")
                await asyncio.to_thread(house.nodes[number].start)
                await customers.acknowledged(20)
            snapshots = [one.snapshots for one in screens]
            assert snapshots == [1] * 16, "they resumed from their versions on the other node"
            assert [one.asked for one in screens] == [0] * 16, "no version was lost on the way"
            assert [one.repeated for one in screens] == [[]] * 16, "none was seen twice"
            hit = on(screens, house, 0)
            assert hit
            closed = {one: len(one.closed) for one in hit}
            begun = time.monotonic()
            await asyncio.to_thread(house.nodes[0].kill)
            await until(lambda: all(len(o.closed) > n for o, n in closed.items()), "broken sockets")
            await until(lambda: all(one.node for one in screens), "the way to the other node")
            assert time.monotonic() - begun < BACK_SECONDS
            assert all(one.closed[closed[one]] == 1006 for one in hit)
            await customers.acknowledged(20)
        customers.assert_kept(await read_book(house, night))
        await assert_right(house, night, screens)
