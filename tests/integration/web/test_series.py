"""What each date of a series offers is told before it is booked, and to who comes too late."""

from typing import Any

import httpx
import pytest

from tests.integration.web.club import NIGHT, Club, key

# Four Saturdays from midsummer on; the third has no night.
WEEK, MISSING, LAST = "2027-06-26", "2027-07-03", "2027-07-10"


async def look(client: httpx.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    asked = {"times": 4, "party": 4, **query}
    answer = await client.get(f"/v1/nights/{NIGHT}/series", params=asked)
    assert answer.status_code == 200, answer.text
    dates: list[dict[str, Any]] = answer.json()["dates"]
    return dates


async def book(client: httpx.AsyncClient, dates: list[dict[str, Any]]) -> httpx.Response:
    wanted = [{name: date[name] for name in ("night", "tables", "from", "until")} for date in dates]
    body = {"party": 4, "contact": {"name": "Ada Lovelace"}, "dates": wanted}
    return await client.post("/v1/series", json=body, headers=key())


async def booked(club: Club, client: httpx.AsyncClient, date: dict[str, Any]) -> None:
    """The date is booked, and in the memory of who answers."""
    made = await book(client, [date])
    assert made.status_code == 201, made.text
    await club.parts.live.ensure(date["night"], made.json()["version"])


@pytest.fixture
async def manager(club: Club) -> httpx.AsyncClient:
    for night in (NIGHT, WEEK, LAST):
        await club.open(night)
    return await club.signed_in()


async def test_each_date_is_free_or_has_its_problem_and_what_else_is_free(
    club: Club, manager: httpx.AsyncClient
) -> None:
    (second,) = [one for one in await look(manager, tables="7") if one["night"] == WEEK]
    await booked(club, manager, second)
    dates = await look(manager, tables="7", **{"from": "22:30", "until": "03:00"})
    assert [one["night"] for one in dates] == [NIGHT, WEEK, MISSING, LAST]
    reasons = [one.get("problem", {}).get("reason") for one in dates]
    assert reasons == [None, "table_not_available", "night_not_found", None]
    assert "Saturday 3 July" in dates[2]["problem"]["detail"]
    assert dates[0]["tables"] == dates[3]["tables"] == [7]
    assert all(one["tables"] != [7] for one in dates[1]["alternatives"])
    assert dates[1]["alternatives"]
    # The wall's time, in summer: an hour before UTC's.
    assert (dates[0]["from"], dates[0]["until"]) == (
        "2027-06-19T21:30:00.000Z", "2027-06-20T02:00:00.000Z",
    )  # fmt: skip

    # Without tables named it is one set for as many dates as can be.
    dates = await look(manager)
    found = {tuple(one["tables"]) for one in dates if "problem" not in one}
    assert len(found) == 1
    assert found.pop() not in {(7,), ()}
    early = await look(manager, tables="7", **{"from": "20:00"})
    assert early[0]["problem"]["reason"] == "slot_outside_night"
    assert (await look(manager, tables="1", party=60))[0]["problem"]["reason"] == (
        "party_does_not_fit"
    )
    assert (await look(manager, party=60))[0]["problem"]["reason"] == "party_too_large"
    for bad in ({"times": 27}, {"times": 0}, {"tables": "17"}, {"from": "24:00"}):
        answer = await manager.get(
            f"/v1/nights/{NIGHT}/series", params={"times": 4, "party": 4, **bad}
        )
        assert answer.status_code == 422, bad


async def test_who_is_late_for_a_date_is_told_what_else_it_offers(
    club: Club, manager: httpx.AsyncClient
) -> None:
    agreed = [one for one in await look(manager, tables="7") if "problem" not in one]
    await booked(club, manager, agreed[1])
    counted = await club.counts()
    refused = await book(manager, agreed)
    assert refused.status_code == 409
    told = refused.json()
    assert told["reason"] == "series_not_free"
    assert [one["night"] for one in told["dates"]] == [WEEK]
    first = told["dates"][0]["alternatives"][0]
    after = await club.counts()
    assert {name: after[name] for name in counted} == counted, "nothing of it was written"
    agreed[1] = {**agreed[1], "tables": first["tables"]}
    made = await book(manager, agreed)
    assert made.status_code == 201, made.text
    series = made.json()["series_id"]
    listed = (await manager.get(f"/v1/series/{series}")).json()["bookings"]
    assert [one["tables"] for one in listed] == [[7], first["tables"], [7]]
    one = (await manager.get(f"/v1/bookings/{listed[0]['booking_id']}")).json()
    assert one["series_id"] == series
    path = f"/v1/bookings/{listed[0]['booking_id']}/history"
    history = (await manager.get(path)).json()["events"]
    assert history[0]["details"]["series_id"] == series
    assert "series" in history[0]["text"]
    rest = await manager.post(f"/v1/series/{series}/cancel", json={"since": WEEK}, headers=key())
    assert [one["night"] for one in rest.json()["bookings"]] == [WEEK, LAST]
    for bad in ({"night": "0000-00-00"}, {"from": "2027-06-31T21:30:00.000Z"}):
        assert (await book(manager, [{**agreed[0], **bad}])).status_code == 422
    unknown = await manager.post(f"/v1/series/{one['booking_id']}/cancel", headers=key())
    assert (unknown.status_code, unknown.json()["reason"]) == (404, "series_not_found")
