"""What holds on every page: hostile names do nothing, everything has a name, nothing overflows."""

import re
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from playwright.sync_api import Dialog, Page, ViewportSize, expect

from tests.acceptance.visits import NOT_SIGNED_IN, PHONE, Visits, table
from tests.premises import ROOT, Premises, key, wait_for

HOSTILE = {
    1: "<img src=x onerror=alert(1)><script>alert(2)</script>",
    2: "\u202egnissim\u202c \u2066\u05d0\u05d1\u05d2 ' OR 1=1 --",
    5: "W" * 120,
    6: "${alert(1)}{{7*7}}&lt;b&gt;\"'`><svg/onload=alert(1)>",
}
INTERACTIVE = {
    "button", "link", "textbox", "searchbox", "combobox", "checkbox", "radio", "slider",
    "spinbutton", "switch", "tab", "menuitem", "option", "meter", "image", "dialog",
}  # fmt: skip
PAGES = {
    "/": None, "/sign-in": None, "/docs": None, "/floor": "MANAGER", "/door": "DOOR_STAFF",
    "/admin": "SUPER_ADMIN",
}  # fmt: skip


def open_page(visits: Visits, path: str, size: ViewportSize | None = None, **more: Any) -> Page:
    role = PAGES[path]
    if role is None:
        page = visits.page(path, size, **more)
    else:
        page = visits.staff(path, role, size, **more)
    if path == "/admin":
        expect(page.locator("#section tbody tr").first).to_be_visible()
    elif path not in ("/sign-in", "/docs"):
        expect(page.locator("#link")).to_have_attribute("data-link", "live")
    return page


@pytest.mark.browser
def test_hostile_names_are_text_on_every_screen(
    visits: Visits, night: str, premises: Premises
) -> None:
    with premises.desk() as desk:
        for number, name in HOSTILE.items():
            body = {"night": night, "tables": [number], "party": 4, "contact": {"name": name}}
            desk.post("/v1/holds", json=body, headers=key()).raise_for_status()
        desk.patch(
            f"/v1/nights/{night}", json={"name": HOSTILE[1]}, headers=key()
        ).raise_for_status()
    asked: list[str] = []

    def hear(alert: Dialog) -> None:
        asked.append(alert.message)
        alert.dismiss()

    for path in ("/floor", "/", "/door"):
        page = open_page(visits, path)
        page.on("dialog", hear)
        if path == "/floor":
            for number, name in HOSTILE.items():
                table(page, number).click()
                expect(page.locator("#sheet .guest-name")).to_have_text(name)
            page.keyboard.press("Escape")
            expect(page.locator("#list")).to_contain_text("onerror=alert(1)")
            visits.picture(page, "floor")
            assert no_overflow(page)
        if path != "/door":
            expect(page.locator("body")).to_contain_text("<script>alert(2)</script>")
        assert (
            page.locator("img[onerror], svg[onload], body script:not([type=module])").count() == 0
        )
    assert asked == []


@pytest.mark.browser
def test_the_listening_for_complaints_hears_what_the_policy_forbids(
    visits: Visits, premises: Premises
) -> None:
    page = visits.page("/sign-in")
    page.evaluate(
        "() => { const s = document.createElement('script');"
        " s.append('window.ran = 1'); document.body.append(s); }"
    )
    page.evaluate("setTimeout(() => { throw new Error('on purpose') })")
    page.wait_for_timeout(50)
    heard, visits.complaints = visits.complaints, []
    assert page.evaluate("window.ran") is None
    assert any("Content Security Policy" in one or "TrustedScript" in one for one in heard), heard
    assert any("on purpose" in one for one in heard), heard


@pytest.mark.browser
def test_no_page_scrolls_sideways_on_a_phone_and_every_control_has_a_name(
    visits: Visits, night: str, premises: Premises
) -> None:
    visits.expect(NOT_SIGNED_IN)
    with premises.desk() as desk:
        body = {"night": night, "tables": [7], "party": 4, "contact": {"name": "Ada Lovelace"}}
        desk.post("/v1/holds", json=body, headers=key()).raise_for_status()
    for path in PAGES:
        page = open_page(visits, path, PHONE)
        if path == "/docs":
            expect(page.locator("#operations")).to_contain_text("/v1/holds")
        assert no_overflow(page), path
        assert nameless(page) == [], path
        assert page.evaluate(LOST_JS) == [], path
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
        visits.picture(page, path.strip("/") or "public")
        if path == "/floor":
            table(page, 7).click()
            assert nameless(page) == [], "the sheet"
            page.locator('#sheet [data-act="confirm"]').click()
            assert nameless(page) == [], "the dialog"
            assert no_overflow(page), "the dialog"
        page.context.close()


# Texts in no landmark: who goes from landmark to landmark by a screen reader never comes by them.
LOST_JS = """
() => {
  const kept = "header, main, nav, aside, footer, section[aria-label], [role=alert], [role=status],"
    + " dialog, .skip, noscript, script";
  const lost = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const at = walk.currentNode.parentElement;
    if (walk.currentNode.data.trim() && at.checkVisibility() && !at.closest(kept))
      lost.push(walk.currentNode.data.trim());
  }
  return lost;
}
"""


def no_overflow(page: Page) -> bool:
    return bool(
        page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        )
    )


def nameless(page: Page) -> list[str]:
    """Controls and pictures that the browser's own accessibility tree has no name for."""
    tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")
    controls = [
        node
        for node in tree["nodes"]
        if not node.get("ignored") and node.get("role", {}).get("value") in INTERACTIVE
    ]
    assert controls, "the tree was empty"
    return [
        str(node["role"]["value"])
        for node in controls
        if not node.get("name", {}).get("value", "").strip()
    ]


# Every text's contrast as it is drawn: its colour on the grounds behind it, washes blended in,
# and as faint as it is drawn. A party that has ended is disabled, and still to be read.
# Left out: text in the drawing, which lies on shapes, and what is disabled or cut away.
FAINT_JS = """
() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = ([r, g, b, a], below) => [r, g, b].map((one, i) => one * a + below[i] * (1 - a));
  const light = (colour) => {
    const [r, g, b] = colour.map((one) => one / 255)
      .map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const faint = [];
  let count = 0;
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const at = walk.currentNode.parentElement;
    const box = at.getBoundingClientRect();
    const hidden = !at.checkVisibility({opacityProperty: true, visibilityProperty: true});
    if (!walk.currentNode.data.trim() || hidden || box.width < 3 || box.height < 3) continue;
    if (at.closest("svg, :disabled:not(.party), .visually-hidden, .skip")) continue;
    if (at.closest("noscript, script, option")) continue;
    const layers = [];
    for (let one = at; one; one = one.parentElement)
      layers.push(rgba(getComputedStyle(one).backgroundColor));
    const opaque = layers.findIndex((layer) => layer[3] === 1);
    let ground = (layers[opaque] ?? [255, 255, 255]).slice(0, 3);
    for (const layer of layers.slice(0, opaque < 0 ? layers.length : opaque).reverse())
      ground = over(layer, ground);
    const style = getComputedStyle(at);
    const [r, g, b, a] = rgba(style.color);
    let opacity = 1;
    for (let one = at; one; one = one.parentElement) opacity *= getComputedStyle(one).opacity;
    const ink = over([r, g, b, a * opacity], ground);
    const [high, low] = [light(ink), light(ground)].sort((a, b) => b - a);
    const large = parseFloat(style.fontSize) >= 24;
    count += 1;
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < (large ? 3 : 4.5))
      faint.push(`${walk.currentNode.data.trim()} (${at.className}): ${ratio.toFixed(2)}`);
  }
  return {count, faint};
}
"""

WITH_NOTE_JS = f"""
(ink) => {{
  const note = document.getElementById("stale");
  note.hidden = false;
  note.textContent = "Not live";
  note.style.transition = "none";
  note.style.color = ink;
  return ({FAINT_JS.strip()})();
}}
"""

# A colour on its way from one to another is nobody's choice.
STILL_JS = """
() => document.getAnimations().every(
  (one) => one.playState !== "running" || one.effect.getComputedTiming().iterations === Infinity)
"""


def texts_of(page: Page, what: str) -> dict[str, Any]:
    """How many texts the page shows and which are too faint, once it is there and still."""
    wait_for(lambda: page.evaluate(FAINT_JS)["count"] > 4, f"{what} shows its texts")
    wait_for(lambda: page.evaluate(STILL_JS), f"{what} is still")
    found: dict[str, Any] = page.evaluate(FAINT_JS)
    return found


@pytest.mark.browser
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_is_drawn_with_enough_contrast(
    visits: Visits, night: str, premises: Premises, theme: Literal["light", "dark"]
) -> None:
    with premises.desk() as desk:
        wishes = [
            {"night": night, "tables": [number], "party": 4, "contact": {"name": name}}
            for number, name in ((7, "Ada Lovelace"), (8, "Grace Hopper"))
        ]
        _, held = [desk.post("/v1/holds", json=one, headers=key()).json() for one in wishes]
        paid = {"method": "cash", "amount_pence": held["deposit_pence"]}
        desk.post(f"/v1/holds/{held['booking_id']}/confirm", json=paid, headers=key())
        over = {"night": night, "tables": [9], "party": 4, "contact": {"name": "Mary Shelley"}}
        ended = desk.post("/v1/holds", json=over, headers=key()).json()
        paid = {"method": "cash", "amount_pence": ended["deposit_pence"]}
        desk.post(f"/v1/holds/{ended['booking_id']}/confirm", json=paid, headers=key())
        desk.post(f"/v1/bookings/{ended['booking_id']}/cancel", json={}, headers=key())
        desk.post("/v1/tables/3/block", json={"night": night, "reason": "spill"}, headers=key())
    faint: dict[str, list[str]] = {}
    for path in PAGES:
        page = open_page(visits, path, color_scheme=theme)
        if path == "/docs":
            expect(page.locator("#operations")).to_contain_text("/v1/holds")
        if path == "/":
            expect(page.locator("#offers .offer").first).to_be_visible()
        if path == "/floor":
            expect(page.locator(".party[data-ended]", has_text="Mary Shelley")).to_be_visible()
        faint[path] = texts_of(page, path)["faint"]
        if path == "/floor":
            for number in (7, 8, 3):
                table(page, number).click()
                faint[f"sheet {number}"] = texts_of(page, f"sheet {number}")["faint"]
            # Shown and read in one go: the page itself hides the note again as soon as it draws.
            faint["stale"] = page.evaluate(WITH_NOTE_JS, "")["faint"]
            assert page.evaluate(WITH_NOTE_JS, "gray")["faint"], "it sees nothing"
    assert {place: found for place, found in faint.items() if found} == {}


# -- colours, from the tokens alone ---------------------------------------------------------------

# Each ink on the grounds that it is written on.
GROUNDS = ("ground", "panel", "raised")
WRITTEN = {
    "ink": GROUNDS, "ink-soft": GROUNDS, "ink-faint": GROUNDS, "brass": GROUNDS,
    "available": GROUNDS, "reserved": GROUNDS, "held": GROUNDS, "occupied": GROUNDS,
    "resetting": GROUNDS, "maintenance": GROUNDS,
    "good": GROUNDS, "warn": GROUNDS, "bad": GROUNDS,
    "on-brass": ("brass",), "occupied-ink": ("occupied-wash",),
}  # fmt: skip


def tokens() -> Iterator[tuple[str, str, str]]:
    """Name, light and dark value of each colour that is opaque in both."""
    text = (ROOT / "static/css/tokens.css").read_text(encoding="utf-8")
    yield from re.findall(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);", text)


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_ink_can_be_read_on_its_grounds(theme: str) -> None:
    known = {name: light if theme == "light" else dark for name, light, dark in tokens()}
    faint = {
        f"{ink} on {ground}": round(contrast(known[ink], known[ground]), 2)
        for ink, grounds in WRITTEN.items()
        for ground in grounds
        if contrast(known[ink], known[ground]) < 4.5
    }
    assert faint == {}
    assert contrast("#777777", "#ffffff") < 4.5 < contrast("#767676", "#ffffff")
