"""The door's log as a manager reads it: what fits the filters, and the same as a file."""

import csv
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from tests.acceptance.test_admin import admin
from tests.acceptance.visits import Visits
from tests.premises import Premises, key

pytestmark = pytest.mark.browser


def test_a_manager_finds_an_incident_and_takes_the_log_along(
    visits: Visits, premises: Premises, night: str, tmp_path: Path
) -> None:
    with premises.desk() as desk:
        for kind, outcome in (("ejection", "police"), ("injury", "first_aid")):
            said = {"night": night, "door": "main", "kind": kind, "outcome": outcome}
            desk.post("/v1/incidents", json=said, headers=key()).raise_for_status()
    page = admin(visits, "door-log", "MANAGER")
    rows = page.locator("#section tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("Injury")
    report = page.locator(".report")
    expect(report.locator("[data-figure=incidents] dd")).to_have_text("2")
    expect(report.locator("[data-figure=people_admitted] dd")).to_have_text("0")
    with premises.desk() as desk:
        said = {"scan_id": str(uuid4()), "door": "main", "direction": "in", "code": "nobody's"}
        desk.post("/v1/scans", json=said, headers=key()).raise_for_status()
    page.get_by_role("button", name="Newest").click()
    expect(report.locator("[data-figure=entries_refused] dd")).to_have_text("1")
    visits.picture(page, "night-report")
    page.set_viewport_size({"width": 390, "height": 844})
    visits.picture(page, "night-report-phone")
    page.set_viewport_size({"width": 1400, "height": 860})
    rows = page.locator("#section tbody tr")
    expect(rows).to_have_count(3)
    page.get_by_label("Reason").select_option("ejection")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("police")
    expect(rows.first).to_contain_text("Street door")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Log as CSV").click()
    file = tmp_path / "log.csv"
    saved.value.save_as(file)
    text = file.read_text("utf-8-sig")
    assert text.splitlines()[0].startswith("version,at,kind,door")
    assert "ejection" in text
    assert "injury" not in text
    with page.expect_download() as saved:
        report.get_by_role("button", name="Report as CSV").click()
    assert saved.value.suggested_filename == f"night-report-{night}.csv"
    saved.value.save_as(file)
    *lines, total = csv.DictReader(file.read_text("utf-8-sig").splitlines())
    for figure in ("incidents", "entries_refused"):
        shown = report.locator(f"[data-figure={figure}] dd").inner_text()
        assert total[figure] == shown == str(sum(int(line[figure]) for line in lines))


def test_incidents_are_recorded_on_the_floor_and_the_desk_sheet_is_printed_from_it(
    visits: Visits, premises: Premises, night: str
) -> None:
    page = visits.staff("/floor", "MANAGER")
    sheet = page.get_by_role("link", name="Print the desk sheet")
    expect(sheet).to_have_attribute("href", f"/v1/nights/{night}/sheet")
    with page.context.expect_page() as opened:
        sheet.click()
    expect(opened.value.locator("h1")).to_be_visible()
    page.locator("#tab-feed").click()
    page.get_by_role("button", name="Record an incident").click()
    form = page.get_by_role("dialog")
    form.get_by_label("What happened").select_option("ejection")
    form.get_by_label("What came of it").select_option("police")
    visits.picture(page, "incident")
    form.get_by_role("button", name="Record it").click()
    expect(form).to_be_hidden()
    expect(page.locator(".toast")).to_contain_text("Number for the register")
    with premises.desk() as desk:
        lines = desk.get(f"/v1/nights/{night}/door-log", params={"kind": "incident"}).json()
    (line,) = lines["lines"]
    assert (line["door"], line["staff"].split(":")[0]) == ("main", "staff")
