"""A customer with a phone and one thumb, from `/` to the entry code: `python -m load.customer_way`.

`backroom serve` with demo data, and a headless Chromium with a phone's screen, whose network is as
slow as named. The thumb takes as long as a person's: so long for each tap, so long for each key.
Exit code 1 when the way takes longer than a minute on any of the networks.
"""

import shutil
import sys
import time
from typing import Any, Final
from uuid import uuid4

from load.event_rate import open_night
from load.house import House

SECONDS_MOST: Final = 60.0
TOKEN: Final = "load-" + uuid4().hex  # of this run's own demo
TAP_MS: Final = 1000.0  # to see what is next and to reach it
KEY_MS: Final = 200.0
# Added to each request, and what goes down the line; up it is a third.
NETWORKS: Final = {
    "none": (0, 0.0),
    "4G, crowded": (150, 1600.0),
    "3G, slow": (400, 400.0),
}
FLAGS: Final = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")


def slow_down(page: Any, latency_ms: int, kilobits: float) -> None:
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False, "latency": latency_ms,
            "downloadThroughput": kilobits * 125, "uploadThroughput": kilobits * 125 / 3,
        },
    )  # fmt: skip


def walk(page: Any, origin: str, phone: str) -> dict[str, float]:
    """Seconds from the beginning to each place on the way."""
    begun = time.monotonic()
    reached: dict[str, float] = {}

    def at(place: str) -> None:
        reached[place] = time.monotonic() - begun

    def tap(button: Any) -> None:
        button.wait_for()
        page.wait_for_timeout(TAP_MS)
        button.tap()

    page.goto(origin, wait_until="commit")
    best = page.locator("#offers .offer").first
    best.wait_for()
    at("tables")
    tap(best.get_by_role("button").first)
    page.get_by_label("Name").press_sequentially("Ada Lovelace", delay=KEY_MS)
    tap(page.get_by_label("Phone"))
    page.get_by_label("Phone").press_sequentially(phone, delay=KEY_MS)
    tap(page.locator("dialog button[type=submit]"))
    pay = page.get_by_role("button", name="Pay £")
    pay.wait_for()
    at("held")
    tap(pay)
    tap(page.get_by_role("button", name="Good card"))
    page.wait_for_function("() => document.querySelector('.ticket-code')?.naturalWidth > 0")
    at("code")
    return reached


def main() -> int:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only here a browser is needed

    house = House(BACKROOM_DEMO="1", BACKROOM_DEMO_TOKEN=TOKEN)
    slowest = 0.0
    try:
        house.wait_until_ready()
        open_night(house.origin, TOKEN)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=list(FLAGS)
            )
            for number, (name, (latency_ms, kilobits)) in enumerate(NETWORKS.items()):
                context = browser.new_context(
                    viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
                )
                page = context.new_page()
                page.set_default_timeout(SECONDS_MOST * 1000)
                if kilobits:
                    slow_down(page, latency_ms, kilobits)
                reached = walk(page, house.origin, f"0113 496 {number:04}")
                print(f"{name:12}", *(f"{place} {s:5.1f} s" for place, s in reached.items()))
                slowest = max(slowest, reached["code"])
                context.close()
            browser.close()
    finally:
        house.stop()
    print(f"slowest {slowest:.1f} s of {SECONDS_MOST:.0f} s")
    return int(slowest > SECONDS_MOST)


if __name__ == "__main__":
    sys.exit(main())
