"""However many ask, one looks; and who watches over the node gets no old answer."""

import asyncio

import pytest

from app.web.looks import Looks


class World:
    """Counts how often it was looked at, and how many did so at the same time."""

    def __init__(self) -> None:
        self.looked = 0
        self.at_once = 0
        self.most_at_once = 0

    async def look(self) -> int:
        self.looked += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        return self.looked


async def test_a_thousand_strangers_are_one_look() -> None:
    world, looks = World(), Looks[int](age_seconds=3600)
    found = await asyncio.gather(*(looks.find(world.look, fresh=False) for _ in range(1000)))
    assert set(found) == {1}
    assert world.looked == 1


async def test_an_old_look_is_not_given_to_anybody() -> None:
    world, looks = World(), Looks[int](age_seconds=0)
    assert [await looks.find(world.look, fresh=False) for _ in range(3)] == [1, 2, 3]


async def test_who_watches_gets_a_look_that_began_after_they_asked() -> None:
    world, looks = World(), Looks[int](age_seconds=3600)
    assert await looks.find(world.look, fresh=False) == 1
    assert await looks.find(world.look, fresh=True) == 2
    # The first begins a look, and all who asked while it was under way share the next.
    found = await asyncio.gather(*(looks.find(world.look, fresh=True) for _ in range(100)))
    assert set(found) <= {3, 4}
    assert world.most_at_once == 1
    assert await looks.find(world.look, fresh=False) == world.looked


async def test_a_look_that_fails_is_not_remembered() -> None:
    looks = Looks[int](age_seconds=3600)

    async def fail() -> int:
        raise ConnectionError("away")

    with pytest.raises(ConnectionError):
        await looks.find(fail, fresh=False)
    assert await looks.find(World().look, fresh=False) == 1
