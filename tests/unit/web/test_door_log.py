"""The log as a file: what a spreadsheet would run is a text, and each column has its name."""

import pytest

from app.db.door_log import DoorLine
from app.web.door_log import COLUMNS, ledger_line, log_line, log_rows
from app.web.spreadsheets import csv_of, plain_cell

AT = "2026-11-21T23:41:07.000Z"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert plain_cell(text) == f"'{text}"


def test_a_head_count_below_stays_a_number_and_nothing_is_lost() -> None:
    row = DoorLine(
        7, "HEADCOUNT_CHANGED", AT, "staff:m",
        '{"floor":"upstairs","door":"main","change":-3,"inside":{"upstairs":9},"why":"head_count"}',
    )  # fmt: skip
    head, line = csv_of(COLUMNS, log_rows([log_line(row)])).decode("utf-8-sig").splitlines()
    assert head == ",".join(COLUMNS)
    assert line == f"7,{AT},head_count,main,staff:m,head_count,head_count,-3,,"


@pytest.mark.parametrize(
    ("word", "said", "change"),
    [
        ("GUEST_CHECKED_IN", '"people":4', 4),
        ("GUEST_CHECKED_OUT", '"people":2', -2),
        ("ENTRY_OVERRIDDEN", '"people":1,"why":"known_guest"', 1),
        ("CHECK_IN_UNDONE", '"people":3,"what":"admitted","why":"other"', -3),
        ("CHECK_IN_UNDONE", '"people":3,"what":"out","why":"other"', 3),
        ("CHECK_IN_UNDONE", '"people":3,"what":"moved","why":"other"', 0),
        ("HEADCOUNT_CHANGED", '"change":-5,"why":"head_count"', -5),
        ("HEADCOUNT_CHANGED", '"change":2,"why":"stairs"', 0),
    ],
)
def test_the_ledger_says_by_how_many_the_house_changed(word: str, said: str, change: int) -> None:
    payload = f'{{"door":"main","inside":{{"upstairs":9}},{said}}}'
    assert ledger_line(DoorLine(7, word, AT, "device:d", payload)).change == change
