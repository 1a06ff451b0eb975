"""A manager books a table for several weeks, with one date taken and one without a night."""

from datetime import date, timedelta

import pytest
from playwright.sync_api import Locator, expect

from tests.acceptance.test_changes import opened
from tests.acceptance.test_manage import confirm, held
from tests.acceptance.visits import PHONE, Visits, act, dialog, table
from tests.premises import Premises

pytestmark = pytest.mark.browser


def test_dates_are_told_agreed_booked_and_the_rest_cancelled(
    visits: Visits, night: str, premises: Premises
) -> None:
    second, third = opened(premises, 7), opened(premises, 14)
    missing = (date.fromisoformat(premises.night) + timedelta(days=21)).isoformat()
    confirm(premises, held(premises, [7], night=second))
    mara = visits.staff("/floor", size=PHONE)
    mara.locator("#floor-switch button").first.click()
    table(mara, 7).click()
    act(mara, "series").click()
    dialog(mara).get_by_label("Name").fill("<b>Ada</b> \u202eLovelace")
    dialog(mara).get_by_label("Deposits").select_option("card")
    visits.picture(mara, "wish")
    dialog(mara).get_by_role("button", name="Look at the dates").click()

    def date_row(one: str) -> Locator:
        return dialog(mara).locator(f'[data-night="{one}"]')

    expect(date_row(second)).to_have_attribute("data-problem", "table_not_available")
    expect(date_row(missing)).to_have_attribute("data-problem", "night_not_found")
    expect(dialog(mara).get_by_role("status")).to_contain_text("2 of 4 dates")
    dialog(mara).locator(f'select[name="{second}"]').select_option(index=0)
    expect(dialog(mara).get_by_role("status")).to_contain_text("3 of 4 dates")
    visits.picture(mara, "dates")
    dialog(mara).get_by_role("button", name="Book these dates").click()
    expect(mara.locator("dialog")).to_have_count(0)
    expect(table(mara, 7)).to_have_attribute("data-status", "reserved")

    act(mara, "change").click()
    dialog(mara).locator('[data-act="change-series"]').click()
    expect(dialog(mara).locator(".series-date")).to_have_count(3)
    expect(date_row(third)).to_contain_text("Confirmed")
    visits.picture(mara, "series")
    act_in = dialog(mara).locator('[data-act="series-cancel"]')
    expect(act_in).to_contain_text("these 3 dates")
    act_in.click()
    dialog(mara).get_by_role("button", name="Cancel these dates").click()
    expect(table(mara, 7)).to_have_attribute("data-status", "available")
