"""The page about the door says what the code does."""

import re
from pathlib import Path
from typing import get_args

import msgspec

from app.domain.overrides import OverrideWhy, UndoWhy
from app.domain.sayings import Step
from app.domain.verdicts import precedence_table
from app.wire import Verdict

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "door.md").read_text("utf-8")


def test_the_page_has_the_order_of_precedence() -> None:
    assert precedence_table() in PAGE, "docs/door.md: paste app.domain.verdicts.precedence_table()"


def test_the_page_explains_every_step_and_field() -> None:
    said = set(re.findall(r"`([a-z_]+)`", PAGE))
    assert set(get_args(Step)) <= said
    plain = {"scan_id", "at", "door", "booking_id", "tables", "floor", "direction"}
    assert {field.name for field in msgspec.structs.fields(Verdict)} - plain <= said


def test_the_page_has_every_reason_to_override_and_to_undo() -> None:
    said = set(re.findall(r"`([a-z_]+)`", PAGE))
    assert {*get_args(OverrideWhy), *get_args(UndoWhy)} <= said
