"""What waits goes together; what cannot goes alone; nobody waits for whoever is stuck."""

import asyncio
from collections.abc import Sequence

import pytest

from app.db import group_commit
from app.db.group_commit import GroupCommit
from app.errors import NotReady


class Book:
    """Does what is asked when its gate is open, and notes what went with what."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.done: list[list[str]] = []
        self.breaks = False
        self.commit = GroupCommit(self._alone, self._together)

    async def _alone(self, asked: str) -> str:
        await self.gate.wait()
        self.done.append([asked])
        if asked == "refused":
            raise LookupError(asked)
        return asked.upper()

    async def _together(self, asked: Sequence[str]) -> Sequence[str | None]:
        await self.gate.wait()
        if self.breaks:
            raise OSError("the link broke")
        self.done.append(list(asked))
        return [None if one == "refused" else one.upper() for one in asked]

    def ask(self, name: str, key: str | None = None) -> asyncio.Task[str]:
        return asyncio.create_task(self.commit.run(frozenset(key or name), name))


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is ever late."""
    monkeypatch.setattr(group_commit, "TURN_SECONDS", 60.0)


@pytest.mark.usefixtures("patient")
async def test_the_first_goes_at_once_and_what_came_meanwhile_together() -> None:
    book = Book()
    asked = [book.ask(name) for name in "abc"]
    await turns()
    book.gate.set()
    assert await asyncio.gather(*asked) == ["A", "B", "C"]
    assert book.done == [["a"], ["b", "c"]]
    assert await book.ask("d") == "D"
    assert book.done[2:] == [["d"]], "nobody is waited for"


@pytest.mark.usefixtures("patient")
async def test_two_of_one_key_are_never_in_one_group_and_keep_their_order() -> None:
    book = Book()
    asked = [book.ask("a"), *(book.ask(f"b{n}", "b") for n in range(3)), book.ask("c")]
    await turns()
    book.gate.set()
    await asyncio.gather(*asked)
    assert book.done == [["a"], ["b0", "c"], ["b1"], ["b2"]]


@pytest.mark.usefixtures("patient")
async def test_a_group_is_no_larger_than_the_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "MOST", 3)
    book = Book()
    asked = [book.ask(name) for name in "abcdef"]
    await turns()
    book.gate.set()
    await asyncio.gather(*asked)
    assert book.done == [["a"], ["b", "c", "d"], ["e", "f"]]


@pytest.mark.usefixtures("patient")
async def test_what_is_not_for_the_group_is_done_alone_and_raises_what_that_raises() -> None:
    book = Book()
    asked = [book.ask(name) for name in ("a", "b", "refused", "c")]
    await turns()
    book.gate.set()
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert [found[0], found[1], found[3]] == ["A", "B", "C"]
    assert isinstance(found[2], LookupError)
    assert book.done == [["a"], ["b", "refused", "c"], ["refused"]]


@pytest.mark.usefixtures("patient")
async def test_a_group_that_breaks_is_done_one_by_one() -> None:
    book = Book()
    book.breaks = True
    asked = [book.ask(name) for name in "abc"]
    await turns()
    book.gate.set()
    assert await asyncio.gather(*asked) == ["A", "B", "C"]
    assert sorted(book.done) == [["a"], ["b"], ["c"]]


@pytest.mark.usefixtures("patient")
async def test_who_went_away_before_it_began_has_nothing_done() -> None:
    book = Book()
    asked = [book.ask(name) for name in "abc"]
    await turns()
    asked[1].cancel()
    await turns()
    book.gate.set()
    assert [await asked[0], await asked[2]] == ["A", "C"]
    assert book.done == [["a"], ["c"]]


@pytest.mark.usefixtures("patient")
async def test_who_goes_away_meanwhile_takes_nothing_from_the_others() -> None:
    book = Book()
    book.gate.set()
    first = book.ask("a")
    await turns()
    await first
    book.gate.clear()
    asked = [book.ask(name) for name in "abc"]
    await turns()
    asked[0].cancel()  # it was alone under way: the others begin
    await turns()
    asked[1].cancel()
    book.gate.set()
    assert await asked[2] == "C"
    assert book.done == [["a"], ["b", "c"]]


async def test_the_next_begin_beside_one_that_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "TURN_SECONDS", 0.0)
    book = Book()
    asked = [book.ask(name) for name in "abc"]
    for _ in range(200):
        if len(book.commit.under_way) > 1:
            break
        await asyncio.sleep(0.001)
    assert len(book.commit.under_way) > 1
    book.gate.set()
    assert await asyncio.gather(*asked) == ["A", "B", "C"]
    await turns()
    assert not book.commit.under_way


async def test_no_more_are_under_way_than_the_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "TURN_SECONDS", 0.0)
    monkeypatch.setattr(group_commit, "MOST", 1)
    book = Book()
    asked = [book.ask(str(number)) for number in range(12)]
    for _ in range(50):
        await asyncio.sleep(0.001)
        assert len(book.commit.under_way) <= group_commit.AT_ONCE_MOST
    book.gate.set()
    await asyncio.gather(*asked)
    assert sorted(book.done, key=lambda group: int(group[0])) == [[str(n)] for n in range(12)]


@pytest.mark.usefixtures("patient")
async def test_the_queue_and_the_wait_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "WAITING_MOST", 2)
    monkeypatch.setattr(group_commit, "WAIT_SECONDS", 0.01)
    book = Book()
    first = book.ask("a")
    await turns()
    waiting = [book.ask(name) for name in "bc"]
    await turns()
    for too_late in (book.ask("d"), *waiting):
        with pytest.raises(NotReady, match="busy"):
            await too_late
    book.gate.set()
    assert await first == "A"
    assert await book.ask("e") == "E"


@pytest.mark.usefixtures("patient")
async def test_a_thousand_at_once_are_all_answered() -> None:
    """As many as may want one night in one instant."""
    book = Book()
    names = [str(number) for number in range(1000)]
    asked = [asyncio.create_task(book.commit.run(frozenset([name]), name)) for name in names]
    await turns()
    book.gate.set()
    assert await asyncio.gather(*asked) == names
    assert max(map(len, book.done)) == group_commit.MOST
    assert [name for group in book.done for name in group] == names
