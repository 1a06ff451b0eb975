"""The release that the door's service worker keeps is whole, and another when any file changes."""

import re
import shutil
from pathlib import Path

import pytest

from app.settings import CHECKOUT
from app.web.release import PAGE, STARTED, release_of

STATIC = CHECKOUT / "static"


def test_the_release_has_the_page_and_all_that_it_needs_and_nothing_of_other_screens() -> None:
    release = release_of(STATIC)
    assert PAGE in release
    assert set(STARTED) <= set(release)
    assert all(len(hash_) == 64 for hash_ in release.values())
    ours = {f"/static/js/door/{file.name}" for file in (STATIC / "js/door").glob("*.js")}
    assert ours - set(release) == {"/static/js/door/service-worker.js"}
    others = re.compile(r"/static/(js|css)/(floor|admin|public|manage|sign-in|docs)\b")
    assert [address for address in release if others.match(address)] == []


def test_the_addresses_that_scripts_start_by_are_the_ones_that_are_written_down() -> None:
    """A worker or a binary is not imported, so it is not found by walking."""
    started: set[str] = set()
    for file in (STATIC / "js/door").rglob("*.js"):
        started |= set(re.findall(r'= "(/static/[^"]+)"', file.read_text()))
    assert started == set(STARTED)


def test_a_changed_file_is_another_release_and_a_missing_one_is_none(tmp_path: Path) -> None:
    copy = tmp_path / "static"
    shutil.copytree(STATIC, copy)
    assert release_of(copy) == release_of(STATIC)
    words = copy / "js/words.js"
    words.write_text(words.read_text() + "\n// another\n")
    changed, before = release_of(copy), release_of(STATIC)
    assert {name for name in before if changed[name] != before[name]} == {"/static/js/words.js"}
    words.unlink()
    with pytest.raises(FileNotFoundError):
        release_of(copy)
