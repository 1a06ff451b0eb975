"""The anchor file by itself: what is due, what is written, and what a changed file gives away."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from app.anchors import ANCHOR_EVERY, Anchor, AnchorFile, Head, due

SECRET = "ab" * 32
HERE = "11111111-1111-4111-8111-111111111111"
NOW = datetime(2026, 11, 21, 23, 0, tzinfo=UTC)


def head(version: int, book: str = "2026-11-21", *, sealed: bool = False, digest: str = "") -> Head:
    return Head(book, version, digest or f"{version:064x}", sealed, HERE)


@pytest.fixture
def file(tmp_path: Path) -> AnchorFile:
    return AnchorFile(tmp_path / "kept" / "anchors.log", SECRET)


def fill(file: AnchorFile, versions: int = 4) -> list[bytes]:
    """So many anchors of one book; the lines of the file."""
    for version in range(1, versions + 1):
        assert file.append([head(version)], NOW + ANCHOR_EVERY * version)
    return file.path.read_bytes().splitlines(keepends=True)


def test_what_is_written_is_read_again_in_order(file: AnchorFile) -> None:
    fill(file)
    known = file.read()
    assert known.problems == []
    assert [(anchor.version, anchor.hash) for anchor in known.anchors] == [
        (version, f"{version:064x}") for version in range(1, 5)
    ]
    assert file.path.stat().st_mode & 0o777 == 0o600


def test_a_book_that_moved_is_due_every_ten_minutes_and_one_that_did_not_never(
    file: AnchorFile,
) -> None:
    assert file.append([head(1)], NOW) == [head(1)]
    assert file.append([head(2)], NOW + ANCHOR_EVERY - timedelta(seconds=1)) == []
    assert file.append([head(2)], NOW + ANCHOR_EVERY) == [head(2)]
    assert file.append([head(2)], NOW + ANCHOR_EVERY * 9) == []


def test_a_sealed_night_is_due_at_once(file: AnchorFile) -> None:
    file.append([head(1)], NOW)
    assert file.append([head(2, sealed=True)], NOW) == [head(2, sealed=True)]
    assert file.append([head(2, sealed=True)], NOW) == []


def test_each_book_has_its_own_turn(file: AnchorFile) -> None:
    file.append([head(1), head(5, "venue")], NOW)
    late = NOW + ANCHOR_EVERY
    assert file.append([head(1), head(6, "venue")], late) == [head(6, "venue")]


def test_a_book_that_went_back_or_was_written_again_is_due() -> None:
    anchor = Anchor("2026-11-21T23:00:00.000Z", HERE, "2026-11-21", 5, "aa", "")
    late = NOW + ANCHOR_EVERY
    assert due([head(4)], [anchor], late) == [head(4)]
    assert due([head(5, digest="bb")], [anchor], late) == [head(5, digest="bb")]
    assert due([head(5, digest="aa")], [anchor], late) == []


def test_another_workers_lines_count_as_ones_own(file: AnchorFile) -> None:
    other = AnchorFile(file.path, SECRET)
    file.append([head(1)], NOW)
    assert other.append([head(1)], NOW) == []
    other.append([head(2)], NOW + ANCHOR_EVERY)
    assert file.append([head(2)], NOW + ANCHOR_EVERY * 2) == []
    assert file.read().problems == []


def test_workers_that_write_at_once_make_one_line(file: AnchorFile) -> None:
    workers = [AnchorFile(file.path, SECRET) for _ in range(8)]
    start = threading.Barrier(len(workers))

    def write(worker: AnchorFile) -> None:
        start.wait()
        worker.append([head(1), head(1, "venue")], NOW)

    threads = [threading.Thread(target=write, args=(worker,)) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    known = file.read()
    assert [anchor.book for anchor in known.anchors] == ["2026-11-21", "venue"]
    assert known.problems == []


def test_without_the_lock_they_would_write_more_than_one(
    file: AnchorFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: two workers that looked before either wrote both find it their turn."""
    monkeypatch.setattr("app.anchors.fcntl.flock", lambda *_: None)
    both_looked = threading.Barrier(2)
    write = AnchorFile._write

    def slow(self: AnchorFile, *arguments: object) -> None:
        both_looked.wait()
        write(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(AnchorFile, "_write", slow)
    workers = [AnchorFile(file.path, SECRET) for _ in range(2)]
    threads = [threading.Thread(target=worker.append, args=([head(1)], NOW)) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(file.path.read_bytes().splitlines()) == 2


def test_a_line_that_was_changed_is_named(file: AnchorFile) -> None:
    lines = fill(file)
    lines[1] = lines[1].replace(b'"version":2', b'"version":7')
    file.path.write_bytes(b"".join(lines))
    known = file.read()
    assert known.problems[0] == "line 2 of the anchor file was not written by this service"
    assert [anchor.version for anchor in known.anchors] == [1, 3, 4]


def test_a_line_under_another_secret_is_named(file: AnchorFile) -> None:
    fill(file, 1)
    AnchorFile(file.path, "cd" * 32).append([head(2)], NOW + ANCHOR_EVERY * 5)
    assert file.read().problems == ["line 2 of the anchor file was not written by this service"]


@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_line_that_was_taken_out_is_missed(file: AnchorFile, index: int) -> None:
    lines = fill(file)
    del lines[index]
    file.path.write_bytes(b"".join(lines))
    number = index + 1
    assert file.read().problems == [f"lines are missing before line {number} of the anchor file"]


def test_a_line_that_was_made_unreadable_is_missed(file: AnchorFile) -> None:
    lines = fill(file)
    lines[1] = b"x" + lines[1]
    file.path.write_bytes(b"".join(lines))
    assert file.read().problems == ["lines are missing before line 3 of the anchor file"]


def test_the_torn_end_of_a_write_is_no_fault(file: AnchorFile) -> None:
    lines = fill(file, 2)
    file.path.write_bytes(b"".join(lines) + lines[1][:80])
    assert file.append([head(3)], NOW + ANCHOR_EVERY * 9) == [head(3)]
    known = file.read()
    assert known.problems == []
    assert [anchor.version for anchor in known.anchors] == [1, 2, 3]


def test_a_file_that_was_moved_away_begins_anew(file: AnchorFile) -> None:
    fill(file, 2)
    file.path.rename(file.path.with_suffix(".old"))
    assert file.append([head(2)], NOW + ANCHOR_EVERY * 3) == [head(2)]
    known = file.read()
    assert known.problems == []
    assert len(known.anchors) == 1


def test_a_line_holds_what_its_readers_are_promised(file: AnchorFile) -> None:
    line = msgspec.json.decode(fill(file, 1)[0])
    assert list(line) == ["at", "installation", "book", "version", "hash", "previous", "mac"]
    assert line["at"] == "2026-11-21T23:10:00.000Z"
