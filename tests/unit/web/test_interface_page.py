"""The page about the interface says what the table says."""

from pathlib import Path

from app.settings import Settings
from app.web.limits import (
    DEVICE_CALLS,
    SIGN_INS,
    STAFF_READS,
    STAFF_WRITES,
    STRANGER_READS,
    STRANGER_WRITES,
)
from app.web.overview import operations_table
from app.web.table import operations
from floorplan.venue import load_venue

PAGE = Path(__file__).resolve().parents[3] / "docs" / "interface.md"


def test_the_page_has_every_operation_with_its_permission_and_roles() -> None:
    table = operations_table(operations(load_venue(), Settings.from_environment({})))
    assert PAGE.read_text().endswith(table), "write this at the end of the page:\n" + table


def test_the_page_has_the_limits() -> None:
    text = PAGE.read_text()
    for sentence in (
        f"{STRANGER_READS.most} reads a minute, {STRANGER_WRITES.most} writes in 15 minutes",
        f"{STAFF_READS.most} reads and {STAFF_WRITES.most} writes a minute",
        f"{DEVICE_CALLS.per_second:g} calls a second, bursts of {DEVICE_CALLS.burst}",
        f"{SIGN_INS.most} in {SIGN_INS.seconds // 60} minutes",
    ):
        assert sentence in text
    assert STRANGER_WRITES.seconds == 15 * 60
    assert {STRANGER_READS.seconds, STAFF_READS.seconds, STAFF_WRITES.seconds} == {60}
