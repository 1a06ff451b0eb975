"""`make load` runs every measurement to the end, and says by its exit code that one was missed."""

import importlib.util
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from load.__main__ import MEASUREMENTS, main

LOAD = Path(__file__).resolve().parents[2] / "load"
# Tools without a budget.
WITHOUT = {"load.storm", "load.unit_costs"}


def test_every_measurement_is_there_and_none_is_left_out() -> None:
    assert all(importlib.util.find_spec(module) for module in MEASUREMENTS)
    runnable = {
        f"load.{file.stem}"
        for file in LOAD.glob("*.py")
        if "def main()" in file.read_text("utf-8") and file.stem != "__main__"
    }
    assert runnable - WITHOUT <= MEASUREMENTS.keys()


@pytest.mark.parametrize("missing", [None, "load.attempts", "load.saturday"])
def test_a_missed_budget_ends_in_an_exit_code_and_not_in_the_rest_being_left_out(
    missing: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[str] = []

    def run(command: list[str], *, check: bool) -> SimpleNamespace:
        assert not check
        ran.append(command[2])
        return SimpleNamespace(returncode=int(command[2] == missing))

    monkeypatch.setattr(subprocess, "run", run)
    assert main([]) == (missing is not None)
    assert ran == list(MEASUREMENTS)
    assert (missing or "All budgets are kept") in capsys.readouterr().out.splitlines()[-1]
