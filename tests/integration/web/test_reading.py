"""What the reads say: what is free, the floor now and then, the book, codes, names."""

import asyncio
import io
import re
from typing import Any

import asyncpg
import httpx
import msgspec
import numpy as np
import pytest
from PIL import Image

from app.db.connections import Connections
from app.payments.breaker import FAILURES
from app.payments.side import Side
from app.payments.work import look
from app.web.health import observe
from floorplan.projection import project, state_hash
from scanners.codes.reading import read_codes
from tests.integration.live.nodes import until_async
from tests.integration.web.club import NIGHT, Club, key

DEADLINE_SECONDS = 5.0


async def reach(club: Club, version: int) -> None:
    """The hub has the version; every read from memory shows it."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while (await club.parts.live.ensure(NIGHT, version)).version < version:
            pass  # each turn waits up to a second for it


@pytest.fixture
async def manager(club: Club) -> httpx.AsyncClient:
    await club.open()
    return await club.signed_in()


async def test_the_venue_comes_with_its_drawings_and_is_sent_once(club: Club) -> None:
    client = await club.client()
    answer = await client.get("/v1/floor")
    venue = answer.json()
    assert [table["number"] for table in venue["tables"]] == list(range(1, 17))
    assert {floor["name"] for floor in venue["floors"]} == {"upstairs", "downstairs"}
    assert venue["drawings"]["upstairs"].startswith("<svg ")
    assert venue["grace_minutes"] == 30
    assert answer.headers["content-encoding"] == "gzip"
    again = await client.get("/v1/floor", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_nights_are_listed_with_tonight_and_the_venues_clock(
    club: Club, manager: httpx.AsyncClient
) -> None:
    await reach(club, 1)

    async def tonight() -> bool:
        return bool((await manager.get("/v1/nights")).json()["tonight"])

    await until_async(tonight, "tonight, which is known a moment after the state")
    listed = (await manager.get("/v1/nights")).json()
    assert (listed["tonight"], listed["speed"]) == (NIGHT, 1.0)
    one = (await manager.get(f"/v1/nights/{NIGHT}")).json()
    assert listed["nights"] == [one]
    assert len(one["tables"]) == 16


async def test_availability_is_answered_from_memory_and_not_twice(
    club: Club, manager: httpx.AsyncClient
) -> None:
    await reach(club, 1)
    stranger = await club.client()
    path = f"/v1/nights/{NIGHT}/availability"
    first = await stranger.get(path, params={"party": 4})
    tables = [one["tables"] for one in first.json()["sets"]]
    assert [2] in tables
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "no-cache"

    async def ask(**query: Any) -> httpx.Response:
        return await stranger.get(path, params=query, headers={"If-None-Match": tag})

    same, other = await ask(party=4), await ask(party=5)
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    assert other.status_code == 200
    # The public sees a hold: the tag changes. It does not see a table's number of people.
    held = await club.held(manager, [2])
    await reach(club, held["version"])
    moved = await ask(party=4)
    assert moved.status_code == 200
    assert [2] not in [one["tables"] for one in moved.json()["sets"]]
    tag = moved.headers["etag"]
    paid = await manager.post(
        f"/v1/holds/{held['booking_id']}/confirm",
        json={"method": "cash", "amount_pence": held["deposit_pence"]},
        headers=key(),
    )
    await reach(club, paid.json()["version"])
    assert (await ask(party=4)).status_code == 304
    text = club.parts.metrics.text().decode()
    assert 'availability_answers_total{how="not_modified",worker="test"} 2.0' in text


async def test_the_floor_is_not_sent_again_while_nothing_moved(
    club: Club, manager: httpx.AsyncClient
) -> None:
    await reach(club, 1)
    path = f"/v1/nights/{NIGHT}/state"
    first = await manager.get(path)
    seen = {"If-None-Match": first.headers["etag"]}
    same = await manager.get(path, headers=seen)
    assert (same.status_code, same.content) == (304, b"")
    assert "no-store" in same.headers["cache-control"]
    door = await manager.get(path, params={"audience": "door"}, headers=seen)
    assert door.status_code == 200, "another audience sees another floor"
    then = await manager.get(path, params={"version": 1}, headers=seen)
    assert then.status_code == 200, "a version that was asked for by its number"
    held = await club.held(manager, [2])
    await reach(club, held["version"])
    moved = await manager.get(path, headers=seen)
    assert (moved.status_code, moved.json()["version"]) == (200, held["version"])


async def test_a_wish_orders_the_offers_and_a_party_beyond_all_is_told_so(
    club: Club, manager: httpx.AsyncClient
) -> None:
    path = f"/v1/nights/{NIGHT}/availability"
    up = (await manager.get(path, params={"party": 4, "floor": "upstairs"})).json()["sets"]
    down = (await manager.get(path, params={"party": 4, "floor": "downstairs"})).json()["sets"]
    assert (up[0]["tables"][0] <= 8, down[0]["tables"][0] <= 8) == (True, False)
    assert {"floor_as_asked"} <= {reason["reason"] for reason in up[0]["reasons"]}
    for asked in ({"prefers": "sauna"}, {"zone": "sauna"}):
        unknown = await manager.get(path, params={"party": 4, **asked})
        assert (unknown.status_code, unknown.json()["place"]) == (422, f"?{next(iter(asked))}")
    large = (await manager.get(path, params={"party": 60})).json()
    assert (large["sets"], large["problem"]["reason"]) == ([], "party_too_large")


async def test_a_version_asked_for_twice_is_the_same_bytes_and_folds_to_the_state(
    club: Club, manager: httpx.AsyncClient
) -> None:
    held = await club.held(manager, [2])
    await reach(club, held["version"])
    path = f"/v1/nights/{NIGHT}/state"
    now = await manager.get(path)
    then = await manager.get(path, params={"version": held["version"]})
    assert now.content == then.content  # from memory, and folded from the book
    early = [(await manager.get(path, params={"version": 1})).content for _ in range(2)]
    assert early[0] == early[1] != now.content
    by_instant = await manager.get(path, params={"at": now.json()["at"]})
    assert by_instant.content == now.content
    state = club.parts.live.state(NIGHT)
    document = msgspec.json.decode(now.content)["state"]
    assert state_hash(document) == state_hash(project(state, "manager"))
    await club.held(manager, [3])
    assert (await manager.get(path, params={"version": held["version"]})).content == now.content
    beyond = await manager.get(path, params={"version": 999})
    assert (beyond.status_code, beyond.json()["reason"]) == (404, "version_not_found")


async def test_the_book_is_read_in_pages_each_event_with_its_line(
    club: Club, manager: httpx.AsyncClient
) -> None:
    held = await club.held(manager, [2])
    path = f"/v1/nights/{NIGHT}/events"
    whole = (await manager.get(path)).json()
    assert [event["version"] for event in whole["events"]] == list(range(1, held["version"] + 1))
    assert [event["type"] for event in whole["events"]] == [
        "NIGHT_OPENED", "BOOKING_INITIATED", "TABLES_SELECTED",
    ]  # fmt: skip
    assert whole["events"][0]["line"]["text"].startswith("Night opened")
    paged = []
    for after in range(held["version"]):
        page = (await manager.get(path, params={"after": after, "limit": 1})).json()
        assert page["version"] == held["version"]
        paged += page["events"]
    assert paged == whole["events"]
    assert "Ada" not in str(whole)


async def test_an_action_carries_the_number_of_its_request_into_the_book(
    club: Club, manager: httpx.AsyncClient
) -> None:
    answer = await manager.post(
        "/v1/tables/7/block", json={"night": NIGHT, "reason": "spill"}, headers=key()
    )
    assert answer.status_code == 201, answer.text
    events = (await manager.get(f"/v1/nights/{NIGHT}/events")).json()["events"]
    assert events[-1]["correlation_id"] == answer.headers["x-request-id"]


async def test_an_owner_gets_their_code_as_a_picture_that_reads(
    club: Club, manager: httpx.AsyncClient
) -> None:
    guest = await club.client()
    held = await club.held(guest, [2])
    guest.headers["Authorization"] = f"Bearer {held['token']}"
    path = f"/v1/bookings/{held['booking_id']}"
    none = await guest.get(f"{path}/code.png")
    assert (none.status_code, none.json()["reason"]) == (404, "code_not_found")
    await manager.post(
        f"/v1/holds/{held['booking_id']}/confirm",
        json={"method": "card", "amount_pence": held["deposit_pence"]},
        headers=key(),
    )
    code = (await guest.get(path)).json()["code"]
    picture = await guest.get(f"{path}/code.png")
    assert picture.headers["content-type"] == "image/png"
    assert picture.headers["cache-control"] == "no-store"
    with Image.open(httpx_file(picture)) as image:
        grey = np.array(image.convert("L"))
    assert [reading.text for reading in read_codes(grey)] == [code]
    drawing = await guest.get(f"{path}/code.svg")
    assert drawing.headers["content-type"] == "image/svg+xml"
    assert drawing.text.startswith("<svg ")
    # The door reads the booking, and not its code.
    door = await club.signed_in("DOOR_STAFF")
    assert "code" not in (await door.get(path)).json()
    assert (await door.get(f"{path}/code.png")).status_code == 403


def httpx_file(answer: httpx.Response) -> io.BytesIO:
    return io.BytesIO(answer.content)


async def test_the_metrics_show_the_floor_and_the_requests(
    club: Club, manager: httpx.AsyncClient
) -> None:
    held = await club.held(manager, [2])
    await reach(club, held["version"])
    observe(club.parts)
    text = (await manager.get("/metrics")).text
    assert 'active_bookings{status="pending",worker="test"} 1.0' in text
    assert (
        'http_requests_total{method="POST",route="/v1/holds",status="201",worker="test"} 1.0'
        in text
    )
    assert 'database_connections{pool="app",state="busy",worker="test"}' in text
    assert 'people_inside{floor="upstairs",worker="test"} 0.0' in text
    found = re.search(r'database_statement_seconds_count\{worker="test"\} (\d+)', text)
    assert found is not None
    assert int(found[1]) > 3, "each message to Postgres is timed, on every use of a connection"


async def test_the_way_from_commit_to_hub_is_measured(
    club: Club, manager: httpx.AsyncClient
) -> None:
    await reach(club, 1)
    held = await club.held(manager, [2])
    await reach(club, held["version"])
    async with asyncio.timeout(DEADLINE_SECONDS):
        while watched := list(club.parts.lag._watching):
            await asyncio.wait(watched)
    assert 'commit_to_hub_seconds_count{worker="test"}' in club.parts.metrics.text().decode()


async def test_readiness_names_each_part_and_is_degraded_without_redis(
    club: Club, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await club.client(("127.0.0.1", 1))
    ready = await client.get("/health/ready")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")
    assert set(ready.json()["parts"]) == {
        "database", "migrations", "functions", "roles", "redis", "listener", "live", "messages",
        "payments",
    }  # fmt: skip

    async def away() -> None:
        raise ConnectionError("refused")

    monkeypatch.setattr(club.parts.redis, "ping", away)
    degraded = await client.get("/health/ready")
    assert (degraded.status_code, degraded.json()["status"]) == (200, "degraded")


async def test_a_worker_without_stripe_is_degraded_and_its_metrics_say_so(club: Club) -> None:
    client, stranger = await club.client(("127.0.0.1", 1)), await club.client()
    money = club.parts.money
    money.side = side = Side("sk_test_nobody", api_url="http://127.0.0.1:9")
    await look(money)
    async with asyncio.timeout(DEADLINE_SECONDS):  # a machine that is busy is away for a moment
        while (await client.get("/health/ready")).json()["status"] != "ready":
            pass
    for _ in range(FAILURES):
        side.breaker.failed()
    side.calls["refund", "failed"] += 3
    ready = await client.get("/health/ready")
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
    told = ready.json()["parts"]["payments"]
    assert not told["ok"]
    assert told["detail"].startswith("Stripe is away: open; 0 events and 0 refunds wait")
    assert (await stranger.get("/v1/payments/ways")).json()["away"] is True
    observe(club.parts)
    metrics = club.parts.metrics.text().decode()
    assert 'payments_away{worker="test"} 1.0' in metrics
    assert 'stripe_calls{call="refund",outcome="failed",worker="test"} 3.0' in metrics
    assert 'payments_waiting{what="stuck",worker="test"} 0.0' in metrics


async def test_a_worker_is_not_ready_as_owner_or_with_an_older_schema(club: Club) -> None:
    settings = club.parts.settings
    made = await asyncpg.create_pool(settings.owner_database_url, min_size=1, max_size=2)
    owner = Connections(made, 2)
    real, club.parts.db.auth = club.parts.db.auth, owner
    client = await club.client(("127.0.0.1", 1))
    try:
        strong = await client.get("/health/ready")
        assert strong.status_code == 503
        assert not strong.json()["parts"]["roles"]["ok"]
        assert "auth (as owner)" in strong.json()["parts"]["roles"]["detail"]
    finally:
        club.parts.db.auth = real
        await made.execute("DELETE FROM migration WHERE name LIKE '0003%'")
        await owner.close()
    older = await client.get("/health/ready")
    assert older.status_code == 503
    assert "0003_people.sql" in older.json()["parts"]["migrations"]["detail"]


async def test_a_worker_goes_on_serving_while_the_functions_are_the_next_release_s(
    club: Club,
) -> None:
    owner = await asyncpg.connect(club.parts.settings.owner_database_url)
    client = await club.client(("127.0.0.1", 1))
    name = "functions/lock_floor.sql"
    try:
        await owner.execute("UPDATE migration SET sha256 = 'newer' WHERE name = $1", name)
        upgraded = await client.get("/health/ready")
        await owner.execute("DELETE FROM migration WHERE name = $1", name)
        lacking = await client.get("/health/ready")
    finally:
        await owner.close()
    assert (upgraded.status_code, upgraded.json()["status"]) == (200, "degraded")
    assert upgraded.json()["parts"]["migrations"]["ok"]
    assert name in upgraded.json()["parts"]["functions"]["detail"]
    assert lacking.status_code == 503
    assert name in lacking.json()["parts"]["migrations"]["detail"]


async def test_a_lost_database_is_told_as_a_part_that_is_away(club: Club) -> None:
    await club.open()
    await reach(club, 1)
    stranger = await club.client()
    club.parts.db.app.terminate()
    ready = await stranger.get("/health/ready")
    assert (ready.status_code, ready.json()["status"]) == (503, "away")
    refused = await stranger.post("/v1/holds", json={}, headers=key())
    assert refused.status_code == 422  # a nonsense body is told so without the database
    nights = await stranger.get("/v1/nights")
    assert (nights.status_code, nights.json()["reason"]) == (503, "database_away")
    assert nights.headers["retry-after"] == "1"
    # What is in memory is still answered.
    path = f"/v1/nights/{NIGHT}/availability"
    assert (await stranger.get(path, params={"party": 4})).status_code == 200
