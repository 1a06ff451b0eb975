"""The door's log as a manager reads it: what fits the filters, and the same as a file."""

from pathlib import Path

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
    page.get_by_label("Reason").fill("ejection")
    page.get_by_label("Reason").press("Enter")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("police")
    expect(rows.first).to_contain_text("Street door")
    with page.expect_download() as saved:
        page.get_by_role("button", name="As CSV").click()
    file = tmp_path / "log.csv"
    saved.value.save_as(file)
    text = file.read_text("utf-8-sig")
    assert text.splitlines()[0].startswith("version,at,kind,door")
    assert "ejection" in text
    assert "injury" not in text
