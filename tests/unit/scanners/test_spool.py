"""What could not be sent is on the disk, once, bounded, and told as it was seen."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scanners import spool as spools
from scanners.sender import LIFETIME_SECONDS, Sender, Undecided
from scanners.spool import KEPT_FOR, Spool, Spooled, instant
from tests.unit.scanners.desk import Desk, wait_until

ROOT = Path(__file__).resolve().parents[3]
CODE = "BR1:A SECRET"


def seen(number: int, at: datetime | None = None) -> Spooled:
    return Spooled(f"id-{number}", f"{CODE} {number}", "main", "in", instant(at or now()))


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    made = Spool(tmp_path / "state" / "main.spool")
    yield made
    made.close()


def test_scans_come_back_in_their_order_each_once_and_the_file_is_its_owners(
    spool: Spool, tmp_path: Path
) -> None:
    for number in (1, 2, 1):
        spool.put(seen(number))
    assert len(spool) == 2
    first = spool.first()
    assert first is not None
    assert (first.scan_id, first.code) == ("id-1", f"{CODE} 1")
    assert CODE not in repr(first)
    spool.drop("id-1")
    following = spool.first()
    assert following is not None
    assert following.scan_id == "id-2"
    assert stat.S_IMODE((tmp_path / "state/main.spool").stat().st_mode) == 0o600


def test_at_its_limit_the_oldest_goes_and_the_loss_is_counted(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spools, "KEPT_MOST", 3)
    for number in range(5):
        spool.put(seen(number))
    first = spool.first()
    assert first is not None
    assert (len(spool), spool.lost, first.scan_id) == (3, 2, "id-2")


def test_after_a_week_a_scan_is_forgotten(tmp_path: Path) -> None:
    file = tmp_path / "main.spool"
    before = Spool(file)
    before.put(seen(1, now() - KEPT_FOR - timedelta(minutes=1)))
    before.put(seen(2))
    before.close()
    after = Spool(file)
    assert len(after) == 1
    after.close()


def test_what_was_put_outlives_a_kill(tmp_path: Path) -> None:
    file = tmp_path / "main.spool"
    script = (
        "import sys, time; from pathlib import Path; from scanners.spool import Spool, Spooled\n"
        f"Spool(Path({str(file)!r})).put(Spooled('id', 'code', 'main', 'in', '2099-01-01'))\n"
        "print('put', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE) as one:
        assert one.stdout is not None
        assert one.stdout.readline() == b"put\n"
        os.kill(one.pid, signal.SIGKILL)
    after = Spool(file)
    assert len(after) == 1
    after.close()


class Camera:
    """A sender with a spool, and a clock that the test moves."""

    def __init__(self, desk: Desk, spool: Spool) -> None:
        self.now = 1000.0
        self.outcomes: list[object] = []
        self.sender = Sender(
            desk.address, "device-token", door="main", direction="in",
            report=lambda _code, outcome: self.outcomes.append(outcome),
            clock=lambda: self.now, spool=spool,
        )  # fmt: skip
        self.sender.start()

    def undecided(self) -> None:
        """The scan's time is over without an answer."""
        wait_until(lambda: self.sender.spooled == 1, "the scan is on the disk")
        self.now += LIFETIME_SECONDS + 1
        wait_until(lambda: len(self.outcomes) == 1, "the scan's outcome")
        assert isinstance(self.outcomes[0], Undecided)


def test_what_nobody_answered_is_told_as_it_was_seen_once_the_server_is_back(
    desk: Desk, spool: Spool
) -> None:
    desk.steps = ["hang up"] * 60
    camera = Camera(desk, spool)
    assert camera.sender.offer(CODE)
    camera.undecided()
    desk.steps = []
    camera.now += 10
    wait_until(lambda: camera.sender.spooled == 0, "the server has it")
    camera.sender.stop()
    told = desk.requests[-1]
    assert told["observed"]["verdict"] == "wait"
    assert told["scan_id"] == desk.requests[0]["scan_id"]
    assert desk.asked == [told["scan_id"]]


def test_what_the_server_had_decided_is_not_told_again(desk: Desk, spool: Spool) -> None:
    """The reply was lost after the commit: its verdict stands, and a new sighting is given it."""
    desk.steps = ["lose"] * 60
    camera = Camera(desk, spool)
    assert camera.sender.offer(CODE)
    camera.undecided()
    desk.steps = []
    camera.now += 10
    wait_until(lambda: camera.sender.spooled == 0, "the server has it")
    assert all("observed" not in request for request in desk.requests)
    assert camera.sender.offer(CODE)
    wait_until(lambda: len(camera.outcomes) == 2, "the verdict that was lost")
    camera.sender.stop()
    assert len(set(desk.scan_ids)) == 1


def test_what_the_server_does_not_take_goes_behind_the_others(desk: Desk, spool: Spool) -> None:
    spool.put(seen(1))
    spool.put(seen(2))
    desk.steps = [(404, b"{}")]
    camera = Camera(desk, spool)
    wait_until(lambda: camera.sender._next_upload_at > 1050, "the first was not taken")
    camera.now += 61
    wait_until(lambda: len(desk.requests) == 2, "the second is sent")
    camera.now += 61
    wait_until(lambda: camera.sender.spooled == 0, "both are told")
    camera.sender.stop()
    assert [one["scan_id"] for one in desk.requests] == ["id-1", "id-2", "id-1"]
