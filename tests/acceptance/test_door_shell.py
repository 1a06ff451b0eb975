"""The door opens without a network, and is never of two releases."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Error, Page, expect
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from app.settings import CHECKOUT
from app.web.pages import Files, StaticFiles, serve_file
from app.web.release import DoorWorker
from tests.acceptance.test_door import booked, paired
from tests.acceptance.visits import TABLET, Visits
from tests.premises import Premises, wait_for

pytestmark = pytest.mark.browser

INSTALLED = "async () => Boolean((await navigator.serviceWorker.ready).active)"
KEPT = """async () => {
  const { kept } = await import("/static/js/door/keeping.js");
  return Object.values((await kept())?.guests.names ?? {});
}"""


def test_the_door_opens_without_a_network_with_tonights_list(
    visits: Visits, night: str, premises: Premises
) -> None:
    visits.expect("Failed to load resource")
    visits.expect("WebSocket connection")
    booked(premises, [4], 5, "Ada Lovelace")
    page = paired(visits, premises.added("tablet", "Tablet 9", "main"))
    assert page.evaluate(INSTALLED)
    wait_for(lambda: page.evaluate(KEPT) == ["Ada L."], "the list is kept")
    assert [one.get("errorId") for one in installability(page)] == []
    page.context.set_offline(True)
    page.reload()
    expect(page.locator("#arrivals .party")).to_contain_text("Ada L.")
    expect(page.locator("#arrivals-count")).to_contain_text("as of 22:30")
    expect(page.locator("#door")).to_have_value("main")
    expect(page.locator("#ready-word")).to_have_text("Cannot verify")
    visits.picture(page, "offline")
    # No other screen is touched by it: without a network there is none.
    with pytest.raises(Error):
        page.context.new_page().goto("/floor")
    # Nothing of the interface was kept.
    kept = page.evaluate(
        """async () => {
          const found = [];
          for (const name of await caches.keys())
            for (const request of await (await caches.open(name)).keys())
              found.push(new URL(request.url).pathname);
          return found;
        }"""
    )
    assert "/door" in kept
    assert [path for path in kept if path != "/door" and not path.startswith("/static/")] == []
    page.context.set_offline(False)
    expect(page.locator("#link")).to_have_attribute("data-link", "live")
    expect(page.locator("#ready-word")).to_have_text("Ready")


def installability(page: Page) -> list[dict[str, object]]:
    """What Chromium has against installing it; being a private window is no fault of ours."""
    session = page.context.new_cdp_session(page)
    found = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
    return [one for one in found if one["errorId"] != "in-incognito"]


class Copy:
    """A server of the door's files alone, which a test may change."""

    def __init__(self, folder: Path) -> None:
        self.static = folder / "static"
        shutil.copytree(CHECKOUT / "static", self.static)
        files = Files(self.static)
        self.worker = DoorWorker(self.static)

        class PageFile:
            async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
                await serve_file(files, "pages/door.html", scope, send, None)

        class Worker:
            async def __call__(_self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: N805
                await self.worker(scope, receive, send)

        router = Router(
            [
                Route("/door", PageFile()),
                Route("/door-worker.js", Worker()),
                Route("/static/{name:path}", StaticFiles(files)),
            ]
        )
        config = uvicorn.Config(router, port=0, lifespan="off", log_level="error", ws="none")
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        wait_for(lambda: self.server.started, "the copy is served")
        [listening] = self.server.servers
        self.origin = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"

    def release(self, name: str) -> None:
        """Another release: two files that say which one they are of."""
        for file in ("js/words.js", "js/icons.js"):
            path = self.static / file
            said = f"\nglobalThis.releases = [...(globalThis.releases ?? []), {name!r}];\n"
            path.write_text((CHECKOUT / "static" / file).read_text() + said)

    def close(self) -> None:
        self.server.should_exit = True
        self.thread.join(10)


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Copy]:
    served = Copy(tmp_path)
    yield served
    served.close()


def test_a_new_release_is_taken_over_whole_and_half_of_one_never(
    visits: Visits, copy: Copy
) -> None:
    visits.expect("status of 404")
    copy.release("one")
    page = visits.context(TABLET).new_page()
    page.goto(f"{copy.origin}/door")
    assert page.evaluate(INSTALLED)
    releases = "globalThis.releases"
    assert page.evaluate(releases) == ["one", "one"]

    # A release that is being copied over the old one: the list is new, one of its files is not.
    listed = DoorWorker(copy.static)
    copy.release("two")
    script = listed._script()
    listed._script = lambda: script  # type: ignore[method-assign]
    copy.worker = listed
    (copy.static / "js/icons.js").write_text((CHECKOUT / "static/js/icons.js").read_text())
    page.evaluate("async () => (await navigator.serviceWorker.ready).update().catch(() => null)")
    states = """async () => {
      const ours = await navigator.serviceWorker.ready;
      return [Boolean(ours.installing), Boolean(ours.waiting)];
    }"""
    wait_for(lambda: page.evaluate(states) == [False, False], "half a release is given up")
    page.reload()
    assert page.evaluate(releases) == ["one", "one"]

    copy.release("three")
    copy.worker = DoorWorker(copy.static)
    page.evaluate("async () => { await (await navigator.serviceWorker.ready).update(); }")
    wait_for(lambda: page.evaluate(states) == [False, True], "the whole release waits")
    page.reload()
    assert page.evaluate(releases) == ["one", "one"], "it waits for a quiet moment"
    with page.expect_navigation():
        page.evaluate(
            "async () => (await navigator.serviceWorker.ready).waiting.postMessage('take over')"
        )
    wait_for(lambda: page.evaluate(releases) == ["three", "three"], "the whole new release")
    names = page.evaluate("async () => (await caches.keys()).length")
    assert names == 1
