"""The tablet's half of the offline protocol in the browser is the one that the simulation proved.

Goal: `static/js/door/offline/core.js` gives the outputs of `scanners/offline.py` for whatever
happens, and `codes.js` reads a code as `scanners.codes` does. Method: the nights of several hundred
seeds of the simulation, with all that went wrong in them, are played again in Chromium, input by
input; codes of every kind are read on both sides. The modules are loaded as the screen loads them.
"""

import base64
import json
import mimetypes
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from playwright.sync_api import Page, Route, sync_playwright

from scanners.codes import (
    CodeRefused,
    TicketClaims,
    base45,
    generate_key,
    mint,
    public_bytes,
    read_claims,
)
from tests.simulation.world import World

STATIC = Path(__file__).parents[2] / "static"
ORIGIN = "https://screens.test"  # WebCrypto wants a secure context
SEEDS = 400
AT_ONCE = 40
VENUE = 1
Json = dict[str, Any]

pytestmark = pytest.mark.browser

# The texts are long and their differences few: they are compared where they are.
PLAY_JS = """
async (text) => {
  const {Device} = await import("/static/js/door/offline/core.js");
  const ordered = (value) => JSON.stringify(value, (key, one) =>
    one && typeof one === "object" && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1))) : one);
  let steps = 0;
  for (const life of JSON.parse(text)) {
    const device = new Device();
    for (const {given, out} of life) {
      steps += 1;
      const played = ordered(device.step(given));
      if (played !== ordered(out)) return {steps, given, out, played};
    }
  }
  return {steps};
}
"""
READ_JS = """
async ({texts, nights, venue}) => {
  const {readCode, importKeys} = await import("/static/js/door/offline/codes.js");
  const keys = await importKeys(nights);
  if (keys === null) return null;
  return Promise.all(texts.map((text) => readCode(text, keys, venue)));
}
"""


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


def lives_of(seed: int) -> list[list[Json]]:
    """What each tablet was given in each of its lives, and what followed."""
    world = World(seed, traced=True)
    world.run()
    lives: list[list[Json]] = []
    for tablet in world.tablets:
        for line in tablet.trace:
            if line["given"]["type"] == "start":
                lives.append([])
            lives[-1].append(line)
    return lives


def test_the_browser_does_what_the_proven_machine_does(screen: Page) -> None:
    steps = 0
    for first in range(0, SEEDS, AT_ONCE):
        lives = [life for seed in range(first, first + AT_ONCE) for life in lives_of(seed)]
        told = screen.evaluate(PLAY_JS, json.dumps(lives))
        assert told.keys() == {"steps"}, told
        steps += told["steps"]
    assert steps > 100_000


def codes() -> tuple[list[str], list[Json], Any]:
    """Texts of every kind, and the keys that are known."""
    key, other = generate_key(), generate_key()
    claims = TicketClaims(
        key_id=7, generation=2, ticket_id=UUID(int=2**127 + 12345), venue=VENUE,
        not_before=datetime(2026, 11, 21, 22, tzinfo=UTC), valid_minutes=420, party=6,
    )  # fmt: skip
    changed = {
        "venue": {"venue": 2}, "key": {"key_id": 8}, "type": {"type": 3}, "guest": {"type": 2},
        "format": {"format": 9},
        "party": {"party": 255}, "generation": {"generation": 255}, "minutes": {"valid_minutes": 0},
    }  # fmt: skip
    texts = [mint(claims, key), mint(claims, other)]
    texts += [mint(msgspec.structs.replace(claims, **one), key) for one in changed.values()]
    good = texts[0]
    data = base45.decode(good[4:])
    for bit in range(0, len(data) * 8, 5):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << (bit % 8)
        texts.append("BR1:" + base45.encode(bytes(flipped)))
    texts += [
        "", good.lower(), good + " ", " " + good, good[:-1], good[:-1] + "\0", "BR1:" + ":" * 140,
        "BR1:" + "é" * 140, "https://example.com/" + "a" * 124, "WIFI:S:club;T:WPA;P:x;;",
        "A" * 4096, "BR2:" + good[4:],
    ]  # fmt: skip
    known = [{"key_id": 7, "public": base64.b64encode(public_bytes(key)).decode()}]
    return texts, known, {7: key.public_key()}


def said(text: str, keys: Any) -> Json:
    """What Python reads, in the browser's words."""
    try:
        claims = read_claims(text, keys, venue=VENUE)
    except CodeRefused as refused:
        return {"claims": None, "refused": refused.reason}
    return {
        "claims": {
            "key_id": claims.key_id,
            "type": claims.type,
            "generation": claims.generation,
            "ticket_id": str(claims.ticket_id),
            "venue": claims.venue,
            "not_before": int(claims.not_before.timestamp()),
            "valid_minutes": claims.valid_minutes,
            "party": claims.party,
        },
        "refused": None,
    }


def test_the_browser_reads_a_code_as_the_service_does(screen: Page) -> None:
    texts, known, keys = codes()
    read = screen.evaluate(READ_JS, {"texts": texts, "nights": known, "venue": VENUE})
    assert read is not None, "this Chromium has no Ed25519"
    expected = [said(text, keys) for text in texts]
    assert {one["refused"] for one in expected} == {
        None, "not_our_code", "wrong_venue", "unknown_key", "bad_signature",
    }  # fmt: skip
    assert read == expected
