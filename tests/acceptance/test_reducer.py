"""The browser's reducer and hash against the cases that both ends share.

Goal: what Chromium holds after the frames is what the fold says, to the last byte of its hash.
Method: the modules of `static/js` are loaded as the screens load them, from a page without a
server; each case of `tests/cases/` runs through them there.
"""

import json
import mimetypes
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, sync_playwright

from tests.cases.make_cases import FOLDER

STATIC = Path(__file__).parents[2] / "static"
ORIGIN = "http://screens.test"
Json = dict[str, Any]

pytestmark = pytest.mark.browser

# Takes the frames in order as a screen does and tells what it holds in the end.
PLAY_JS = """
async ({snapshot, frames}) => {
  const {reduce} = await import("/static/js/reducer.js");
  const {stateHash} = await import("/static/js/hash.js");
  let {state} = reduce(null, snapshot);
  let asks = false;
  for (const frame of frames) {
    const step = reduce(state, frame);
    state = step.state;
    asks ||= step.ask;
  }
  const {night, epoch, version, document} = state;
  return {night, epoch, version, state: document, hash: stateHash(document), asks};
}
"""
SPELL_JS = """
async (document) => {
  const {canonical, stateHash} = await import("/static/js/hash.js");
  return {canonical: canonical(document), hash: stateHash(document)};
}
"""


def cases(name: str) -> list[Json]:
    loaded: list[Json] = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    return loaded


def serve(route: Route) -> None:
    path = route.request.url.removeprefix(ORIGIN)
    if path == "/":
        route.fulfill(body="<!doctype html><title>Cases</title>", content_type="text/html")
        return
    file = STATIC / path.removeprefix("/static/")
    kind = mimetypes.types_map.get(file.suffix, "text/plain")
    route.fulfill(body=file.read_bytes(), content_type=kind)


@pytest.fixture(scope="module")
def screen(chromium: Path) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(chromium), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        page.route("**/*", serve)
        page.goto(f"{ORIGIN}/")
        yield page
        browser.close()


@pytest.mark.parametrize("case", cases("reducer.json"), ids=lambda case: f"{case['name']}")
def test_the_browser_holds_what_the_fold_says_after_the_frames(screen: Page, case: Json) -> None:
    told = {"snapshot": case["snapshot"], "frames": case["frames"]}
    assert screen.evaluate(PLAY_JS, told) == {**case["final"], "asks": case["asks"]}


@pytest.mark.parametrize("case", cases("state_hash.json"), ids=lambda case: case["hash"])
def test_the_browser_spells_and_hashes_a_document_as_the_service_does(
    screen: Page, case: Json
) -> None:
    expected = {"canonical": case["canonical"], "hash": case["hash"]}
    assert screen.evaluate(SPELL_JS, case["document"]) == expected


def heartbeat(case: Json, **changed: Any) -> Json:
    final = case["final"]
    beat = {
        "type": "heartbeat",
        "epoch": final["epoch"],
        "night": final["night"],
        "version": final["version"],
        "changed": final["version"],
        "hash": final["hash"],
        "now": "2026-11-21T23:00:00.000Z",
        "speed": 1,
    }
    return {**beat, **changed}


@pytest.mark.parametrize(
    ("difference", "asks"),
    [
        ({}, False),
        ({"version": 10_000}, False),
        ({"hash": "00000000"}, True),
        ({"version": 10_000, "changed": 9_999}, True),
        ({"epoch": "another"}, True),
        ({"night": "2026-11-22"}, True),
    ],
    ids=[
        "in_step",
        "others_saw_more",
        "hash_differs",
        "a_frame_is_missing",
        "another_epoch",
        "another_night",
    ],
)
def test_a_heartbeat_is_believed_only_when_nothing_can_be_missing(
    screen: Page, difference: Json, asks: bool
) -> None:
    case = next(case for case in cases("reducer.json") if not case["asks"])
    told = {
        "snapshot": case["snapshot"],
        "frames": [*case["frames"], heartbeat(case, **difference)],
    }
    held = screen.evaluate(PLAY_JS, told)
    assert held["asks"] is asks
    assert held["hash"] == case["final"]["hash"]
