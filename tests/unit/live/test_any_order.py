"""The hub over sockets that take some bytes, none, or break, in whatever order things happen.

Every screen that is left must end up right, having been sent each version once; nobody may be left
outside, nor kept who is gone. `asyncio` is the only scheduler: a seed plays the same again.
"""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.live import hub as hub_module
from app.live import rooms as rooms_module
from app.live.hub import Offer
from app.live.protocol import REVOKED
from app.live.rooms import Lane, Room
from floorplan.fold import fold
from floorplan.state import AUDIENCES, empty_state
from tests.cases.play import NIGHT, Play
from tests.unit.live.screens import EPOCH, House, MemoryScreen, settle
from tests.unit.live.sockets import MemorySocket

NEXT_NIGHT = "2026-11-28"
MOVES = (
    "event", "event", "events", "enter", "enter", "resume", "read", "read all", "ask", "goodbye",
    "reset", "end", "leave", "beat", "beat all", "follow", "rebase", "turn", "turn", "turn",
)  # fmt: skip


class Evening:
    """A hub with two nights and a lobby, and screens behind sockets of many sizes."""

    def __init__(self, data: st.DataObject) -> None:
        self.data = data
        self.house = House(seed=data.draw(st.integers(0, 1000)))
        self.hub = self.house.hub
        small = data.draw(st.sampled_from((5, 2000)))
        self.house.room = self.hub.rooms[NIGHT] = Room(
            EPOCH, self.house.room.state, ring_events=small
        )
        play = Play(4, night=NEXT_NIGHT)
        play.run(3)
        self.hub.add(Room(EPOCH, play.state))
        self.screens: list[tuple[MemoryScreen, MemorySocket]] = []

    def events(self, count: int) -> None:
        room, play = self.house.room, self.house.play
        for _ in range(count):
            while len(play.events) <= room.version:
                play.run(1)
            assert self.house.tell(play.events[room.version]) is Offer.NEW

    def enter(self, before: MemoryScreen | None = None) -> None:
        audience = self.data.draw(st.sampled_from(AUDIENCES)) if before is None else ""
        socket = MemorySocket(self.data.draw(st.sampled_from((200, 2_000, 20_000, 1_000_000))))
        follows = self.data.draw(st.booleans())
        screen = MemoryScreen(
            audience if before is None else before.client.audience,
            follows_tonight=follows,
            outlet=socket,
        )
        tonight = self.hub.rooms[self.hub.tonight] if self.hub.tonight else self.hub.lobby
        room = tonight if follows else self.house.room
        since = None
        if before is not None and before.look().night == room.night and room.night is not None:
            since = before.version
            screen.night, screen.version = before.night, before.version
            screen.document = before.document
        socket.on_lost = lambda: self.hub.detach(screen.client)
        self.hub.attach(screen.client, room, since)
        self.screens.append((screen, socket))

    def rebase(self) -> None:
        """Postgres lost some of the last events: others of the same versions may follow."""
        room = self.house.room
        version = self.data.draw(st.integers(1, room.version))
        room.rebase(EPOCH, fold(empty_state(NIGHT), self.house.play.events[:version]), ())
        self.hub.rebased(room)

    def move(self, move: str) -> None:
        """Whatever is no move of the service or the network is a turn of the loop."""
        match move:
            case "event":
                self.events(1)
            case "events":
                self.events(20)
            case "enter":
                self.enter()
            case "beat":
                self.hub._ticks += self.data.draw(st.sampled_from((1, 4, 80)))
                self.hub._wake.set()
            case "beat all":
                self.hub.beat_all()
            case "follow":
                self.hub.follow(self.data.draw(st.sampled_from((NIGHT, NEXT_NIGHT, None))))
            case "rebase":
                self.rebase()
            case _ if self.screens:
                self.move_one(move, *self.data.draw(st.sampled_from(self.screens)))

    def move_one(self, move: str, screen: MemoryScreen, socket: MemorySocket) -> None:
        match move:
            case "resume":
                self.enter(screen)
            case "read":
                socket.take(self.data.draw(st.sampled_from((1, 150, 3_000))))
            case "read all":
                socket.take(1_000_000)
            case "ask" if not socket.is_lost:
                self.hub.give_snapshot(screen.client)
            case "goodbye":
                socket.say_goodbye()
            case "reset":
                socket.reset()
            case "end":
                self.hub.end(screen.client, REVOKED, "revoked")
            case "leave":
                self.hub.detach(screen.client)
                self.screens.remove((screen, socket))

    def lanes(self) -> list[Lane]:
        rooms = (*self.hub.rooms.values(), self.hub.lobby)
        return [lane for room in rooms for lane in room.lanes.values()]

    def check(self) -> None:
        """What holds at any moment."""
        placed = 0
        for lane in self.lanes():
            assert all(cohort.version == lane.top for cohort in lane._level)
            behind = [cohort.version for cohort in lane._behind]
            assert behind == sorted(behind)
            assert not behind or behind[-1] < lane.top
            assert lane.is_behind <= (lane in self.hub._behind)
            for cohort in (*lane._level, *lane._behind):
                assert len(cohort.clients) <= rooms_module.COHORT_MOST
                placed += len(cohort.clients)
                for client in cohort.clients:
                    assert client.cohort is cohort
                    assert client in lane.clients
                    assert client.paused_at is None
                    assert not client.ends
                    assert not client.owes_snapshot
        assert placed == sum(client.cohort is not None for client in self.hub._clients)
        assert self.hub._paused <= self.hub._clients.keys()

    async def end(self) -> None:
        """Everybody reads all there is; whoever is cut is cut."""
        while True:
            await settle()
            unread = [socket for _, socket in self.screens if socket.held]
            if not unread:
                break
            for socket in unread:
                socket.take(1_000_000)
        self.check()
        assert not self.hub._behind
        assert not self.hub._to_move
        assert not self.hub._paused
        for screen, socket in self.screens:
            client = screen.client
            if not socket.is_open:
                assert client not in self.hub._clients
                assert client.cohort is None
                continue
            lane = client.lane
            assert lane is not None
            assert client.cohort is not None, "nobody would ever write to it"
            assert lane.room.night == (self.hub.tonight if client.follows_tonight else NIGHT)
            screen.look()
            assert screen.gaps == screen.twice == screen.overtaken == screen.mismatches == 0
            if lane.room.night is not None:
                assert screen.night == lane.room.night
                assert screen.version >= lane.room.changed(client.audience)
                assert screen.document == lane.room.document(client.audience)
        for screen, _ in self.screens:
            self.hub.detach(screen.client)
        assert not self.hub._clients
        assert not any(lane.clients for lane in self.lanes())


async def _play(data: st.DataObject) -> None:
    evening = Evening(data)
    running = asyncio.create_task(evening.hub.run())
    for move in data.draw(st.lists(st.sampled_from(MOVES), min_size=40, max_size=160)):
        evening.move(move)
        if move == "turn":
            await asyncio.sleep(0)
        evening.check()
    await evening.end()
    assert not running.done()
    running.cancel()
    await asyncio.wait((running,))


@pytest.mark.parametrize("most", [1, 3, 100])
def test_whatever_happens_in_whatever_order_every_screen_ends_up_right(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "YIELD_EVERY", most)
    monkeypatch.setattr(rooms_module, "COHORT_MOST", most)

    @given(st.data())
    @settings(max_examples=30)
    def every_screen_ends_up_right(data: st.DataObject) -> None:
        asyncio.run(_play(data))

    every_screen_ends_up_right()
