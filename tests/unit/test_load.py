"""`make load` runs every measurement to the end, and says by its exit code that one was missed."""

import importlib.util
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from load.__main__ import MEASUREMENTS, main
from load.saturday.__main__ import database_p95_ms

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


@pytest.mark.parametrize(
    ("counts", "p95_ms"),
    [((50, 90, 100, 100), 37.5), ((100, 100, 100, 100), 9.5), ((0, 0, 0, 5), float("inf"))],
)
def test_the_95th_percentile_lies_within_its_bucket(counts: tuple[int, ...], p95_ms: float) -> None:
    bounds = ("0.01", "0.025", "0.05", "+Inf")
    text = "\n".join(
        f'database_statement_seconds_bucket{{le="{bound}",worker="1"}} {count}'
        for bound, count in zip(bounds, counts, strict=True)
    )
    assert database_p95_ms(text) == pytest.approx(p95_ms)
