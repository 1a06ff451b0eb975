"""The tablet's own camera: from the pixels of a film, through the worker, to the verdict."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Playwright, expect

from tests import needs
from tests.acceptance.test_door import booked, verdict
from tests.acceptance.visits import FLAGS, TABLET, Visits
from tests.premises import Premises, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.camera]


def filmed(playwright: Playwright, premises: Premises, film: Path) -> Visits:
    from load.lens import browser_with  # noqa: PLC0415 - only where OpenCV's libraries are

    return Visits(browser_with(playwright, film, *FLAGS), premises, "camera")


def requests_of(page: Any) -> list[dict[str, Any]]:
    heard: list[dict[str, Any]] = []
    page.on(
        "request",
        lambda one: (
            heard.append(one.post_data_json)
            if one.url.endswith("/v1/scans") and one.method == "POST"
            else None
        ),
    )
    return heard


def test_guests_hold_up_their_codes_and_several_are_answered_without_a_touch(
    playwright: Playwright, premises: Premises, night: str, tmp_path: Path
) -> None:
    """One after the other; two at once are told apart from one; a foreign code goes nowhere."""
    needs.opencv()
    from load.lens import write_film  # noqa: PLC0415

    one, two, three, four = [booked(premises, [n], 1)["code"] for n in (7, 8, 11, 12)]
    film = write_film(
        tmp_path / "door.mjpeg",
        [((), 1.5), ((one,), 1), ((), 0.5), ((two,), 1), ((), 0.5), ((three, four), 1.5), ((), 4)],
    )
    visits = filmed(playwright, premises, film)
    try:
        page = visits.staff("/door", "DOOR_STAFF", TABLET)
        expect(page.locator("#link")).to_have_attribute("data-link", "live")
        sent = requests_of(page)
        page.evaluate(
            """() => { window.seen = []; new MutationObserver(() =>
              window.seen.push(document.getElementById('hint').textContent))
              .observe(document.getElementById('hint'), {childList: true}); }"""
        )
        page.locator("#camera").click()
        expect(page.locator("#viewfinder")).to_be_visible()
        verdict(page, "admit", "Come in")
        expect(page.locator("#scans .scan-row b")).to_have_text(["Come in × 1"] * 2)
        wait_for(
            lambda: "▲ One code at a time" in page.evaluate("window.seen"),
            "two in view are told one at a time",
        )
        visits.picture(page, "crowd")
        assert [body["code"] for body in sent] == [one, two]
        with premises.desk() as desk:
            state = desk.get(f"/v1/nights/{night}/state").json()["state"]
        assert sum(state["counts"]["inside"].values()) == 2
        # Off is off: the lens is given back.
        page.locator("#camera").click()
        expect(page.locator("#viewfinder")).to_be_hidden()
        assert page.evaluate("document.getElementById('viewfinder').srcObject") is None
        visits.leave()
        assert visits.complaints == []
    finally:
        visits.browser.close()


def test_a_browser_with_a_detector_of_its_own_is_used_and_a_false_one_is_not(
    visits: Visits,
) -> None:
    """Chromium on this system has none, so the choice is made for a scope that is made up."""
    page = visits.page("/door", TABLET)
    visits.expect("status of 401 ")
    chosen = page.evaluate(
        """async () => {
          const { chooseReader } = await import("/static/js/door/reading.js");
          class Good {
            static getSupportedFormats() { return Promise.resolve(["qr_code", "ean_13"]); }
            detect() { return Promise.resolve([{ rawValue: "BR1:X" }]); }
          }
          class Without extends Good {
            static getSupportedFormats() { return Promise.resolve(["ean_13"]); }
          }
          class Hollow {
            static getSupportedFormats() { return Promise.reject(new Error("none")); }
          }
          const found = [];
          for (const BarcodeDetector of [Good, Without, Hollow, undefined]) {
            const reader = await chooseReader({ BarcodeDetector, OffscreenCanvas });
            found.push(reader.by);
            if (reader.by === "browser") found.push(...(await reader.read(null)));
          }
          return found;
        }"""
    )
    assert chosen == ["browser", "BR1:X", "wasm", "wasm", "wasm"]
