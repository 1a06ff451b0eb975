"""The sheet for the desk: who is expected, with codes that open the door, and no whole name."""

from datetime import UTC, datetime

import pytest

from app.db.clock import Clock
from app.domain.references import show_reference
from floorplan.nights import parse_instant
from tests.integration.web.club import NIGHT, Club, key


async def test_the_sheet_has_each_party_that_is_expected_and_no_other(club: Club) -> None:
    await club.open()
    manager = await club.signed_in()
    expected, cancelled, unpaid = [
        await club.held(await club.client((f"203.0.113.{n}", 1)), [n], email=f"{n}@example.com")
        for n in (7, 6, 5)
    ]
    for held in (expected, cancelled):
        answer = await manager.post(
            f"/v1/holds/{held['booking_id']}/confirm",
            json={"method": "cash", "amount_pence": held["deposit_pence"]}, headers=key(),
        )  # fmt: skip
        assert answer.status_code == 200, answer.text
    await manager.post(f"/v1/bookings/{cancelled['booking_id']}/cancel", headers=key())
    answer = await manager.get(f"/v1/nights/{NIGHT}/sheet")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "script-src" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    page = answer.text
    assert show_reference(expected["reference"]) in page
    assert show_reference(cancelled["reference"]) not in page
    assert show_reference(unpaid["reference"]) not in page
    assert "Ada L." in page
    assert "Lovelace" not in page
    drawn = (await manager.get(f"/v1/bookings/{expected['booking_id']}/code.svg")).text
    assert page.count("<svg ") == 1
    assert drawn.strip() in page, "the code that the door knows"
    assert "BR1:" not in page, "the code's text is a secret, also in a source"


async def test_a_night_that_is_not_there_has_no_sheet(club: Club) -> None:
    answer = await (await club.signed_in()).get("/v1/nights/2027-01-02/sheet")
    assert (answer.status_code, answer.json()["reason"]) == (404, "night_not_found")


async def test_the_sheet_says_when_it_was_made_by_the_venue_s_clock(
    club: Club, monkeypatch: pytest.MonkeyPatch
) -> None:
    await club.open()
    shown = parse_instant("2027-06-19T21:17:30.000Z")
    monkeypatch.setattr(club.parts.live, "clock", Clock(datetime.now(UTC), shown, 1.0))
    page = (await (await club.signed_in()).get(f"/v1/nights/{NIGHT}/sheet")).text
    assert "0 parties, made at 22:17." in page
