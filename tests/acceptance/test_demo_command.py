"""`backroom demo` as a person starts it: links, a night under way, a second start that goes on.

Method: the real command with its workers and its player in processes of their own, on a database of
this test; what it prints is read as a person would.
"""

import re
import signal
from collections.abc import Iterator

import httpx
import pytest

from app.settings import Settings
from tests.integration.test_supervisor import Service, free_port, wait_for
from tests.probes import query

TOLD = re.compile(r"^\d\d:\d\d  ", re.MULTILINE)
COUNT_EVENTS = "SELECT count(*) FROM event WHERE book <> 'venue'"
COUNT_SEALED = "SELECT count(*) FROM night WHERE status = 'sealed'"
# Who booked twice on one night: the player forgot somebody.
FIND_TWICE = """
SELECT count(*) FROM (
    SELECT FROM booking b JOIN person p ON p.id = b.person_id
     WHERE b.status NOT IN ('expired', 'released')
     GROUP BY b.night, p.name_index HAVING count(*) > 1
) AS twice
"""


class Demo:
    """The command on the test's database, started as often as the test asks."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._running: list[Service] = []

    def start(self, *options: str) -> Service:
        environment = self._settings.environment() | {"PORT": str(free_port())}
        environment.pop("PUBLIC_URL")
        made = Service(["-m", "app", "demo", *options], environment)
        self._running.append(made)
        return made

    def ask(self, *statements: str) -> int:
        found = query(self._settings.owner_database_url, *statements)
        assert isinstance(found, int)
        return found

    def stop(self, service: Service) -> None:
        service.process.send_signal(signal.SIGTERM)
        assert service.ends() == 0, service.end

    def close(self) -> None:
        for service in self._running:
            if service.process.poll() is None:
                service.process.kill()
                service.ends()


@pytest.fixture
def demo(settings: Settings) -> Iterator[Demo]:
    made = Demo(settings)
    try:
        yield made
    finally:
        made.close()


def test_it_gives_links_that_work_once_and_a_second_start_goes_on_with_the_night(
    demo: Demo,
) -> None:
    first = demo.start("--speed", "120", "--seed", "3")
    link = first.says(r"/sign-in#link=(\S+)\s+then /floor")[1]
    origin = f"http://127.0.0.1:{first.port}"
    with httpx.Client(base_url=origin, headers={"Origin": origin}) as browser:
        signed_in = browser.post("/v1/session", json={"link": link})
        assert (signed_in.status_code, signed_in.json()["role"]) == (201, "MANAGER")
        assert browser.post("/v1/session", json={"link": link}).status_code == 401
        first.says(r"Table \d+: booked for \d")
        nights = browser.get("/v1/nights").json()
        assert nights["speed"] == 120
        assert len([one for one in nights["nights"] if one["status"] == "open"]) >= 4
    demo.stop(first)
    before = demo.ask(COUNT_EVENTS)
    assert before > 4

    second = demo.start("--speed", "120", "--seed", "3", "--quiet")
    second.says(r"The demo's clock shows 21:\d\d on Saturday")
    second.says(r"/sign-in#link=\S+\s+then /door")
    wait_for(lambda: demo.ask(COUNT_EVENTS) > before + 5, lambda: second.end)
    demo.stop(second)
    assert not TOLD.search(second.text), "--quiet told something of the night"
    assert demo.ask(COUNT_SEALED) == 0, "the night that was interrupted was sealed"
    assert demo.ask(FIND_TWICE) == 0
