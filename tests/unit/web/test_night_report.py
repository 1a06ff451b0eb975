"""The night's report as a file: rows for who reads it, and nothing that a spreadsheet would run."""

import csv

from app.web.night_report import COLUMNS, FIGURES, report_rows
from app.web.spreadsheets import csv_of
from floorplan.events import Event, Figures
from floorplan.report import ReportLine

AT = "2026-11-21T23:41:07.000Z"


def line(version: int, payload: bytes, change: Figures, *, after_seal: bool = False) -> ReportLine:
    event = Event("2026-11-21", version, "ENTRY_REFUSED", "x", AT, "staff:m", "c", payload)
    return ReportLine(event, change, after_seal)


def rows(*lines: ReportLine) -> list[dict[str, str]]:
    text = csv_of(COLUMNS, report_rows(lines, 9)).decode("utf-8-sig")
    return list(csv.DictReader(text.splitlines()))


def test_a_row_says_which_line_it_is_and_the_last_what_they_come_to() -> None:
    refused = b'{"scan_id":"s","reason":"already_in","door":"main"}'
    first, second, total = rows(
        line(3, refused, Figures(entries_refused=1)), line(7, refused, Figures(entries_refused=1))
    )
    assert [first[name] for name in COLUMNS[:7]] == [
        "night", "3", AT, "ENTRY_REFUSED", "staff:m", "main", "",
    ]  # fmt: skip
    assert second["entries_refused"] == "1"
    assert (total["part"], total["version"], total["entries_refused"]) == ("total", "9", "2")


def test_what_came_after_the_seal_has_a_total_of_its_own() -> None:
    nothing = rows()
    assert [row["part"] for row in nothing] == ["total"]
    assert {nothing[0][name] for name in FIGURES} == {"0"}
    late = line(8, b"{}", Figures(refunds_pence=-500), after_seal=True)
    last, total, beside = rows(late)
    assert (last["part"], last["refunds_pence"]) == ("after_seal", "-500"), "a number stays one"
    assert (total["part"], total["refunds_pence"]) == ("total", "0")
    assert (beside["part"], beside["refunds_pence"]) == ("total_after_seal", "-500")


def test_a_door_by_hand_is_no_formula() -> None:
    by_hand = b'{"scan_id":"s","reason":"x","door":"=1+1"}'
    assert rows(line(3, by_hand, Figures(entries_refused=1)))[0]["door"] == "'=1+1"
