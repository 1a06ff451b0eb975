"""`make load` runs every measurement to the end, and says by its exit code that one was missed."""

import argparse
import ast
import importlib.util
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import numpy as np
import pytest

from load.__main__ import MEASUREMENTS, main
from load.fanout.__main__ import Judge, told
from load.fanout.stage import Seen
from load.options import amount, whole
from load.saturday.__main__ import bottleneck, database_p95_ms, judged
from load.saturday.screen import Lateness

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


def test_every_option_of_a_measurement_says_what_it_is() -> None:
    options = [
        (file.relative_to(LOAD).as_posix(), call)
        for file in LOAD.rglob("*.py")
        for call in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "add_argument"
    ]
    assert len(options) > 30
    mute = [
        f"{name}:{call.lineno}"
        for name, call in options
        if all(word.arg != "help" for word in call.keywords)
    ]
    assert mute == []


@pytest.mark.parametrize("text", ["0", "-1", "x", "", "1e400", "nan"])
def test_nothing_is_measured_in_no_time(text: str) -> None:
    for number in (whole, amount):
        with pytest.raises(argparse.ArgumentTypeError, match="not"):
            number(text)


def test_numbers_above_nothing_are_taken() -> None:
    assert (whole("3"), amount("0.5")) == (3, 0.5)
    with pytest.raises(argparse.ArgumentTypeError):
        whole("0.5")


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


TOLD: Final = {
    "requests": 9000, "failures": 0, "p95_ms": 80.0, "live_frames": 5000, "live_p50_ms": 10.0,
    "live_p99_ms": 60.0, "gaps": 0, "cut_off": 0, "late_p99_ms": 5.0, "overloaded": False,
    "errors": [],
}  # fmt: skip
METRICS: Final = """
database_statement_seconds_bucket{le="0.01",worker="1"} 96
database_statement_seconds_bucket{le="0.1",worker="1"} 100
database_statement_seconds_bucket{le="+Inf",worker="1"} 100
availability_answers_total{how="kept",worker="1"} 95
availability_answers_total{how="computed",worker="1"} 5
"""
RUSH: Final = (True, 16, 1.5)


def test_a_night_that_kept_everything_is_said_to_have() -> None:
    assert judged(TOLD, METRICS, RUSH) == []


@pytest.mark.parametrize(
    ("told", "metrics", "rush", "missed"),
    [
        ({"p95_ms": 200.0}, METRICS, RUSH, {"API, p95"}),
        ({}, METRICS.replace(" 96", " 50"), RUSH, {"database statement, p95"}),
        ({}, METRICS.replace(" 95", " 45"), RUSH, {"availability from memory"}),
        ({"failures": 9}, METRICS, RUSH, {"errors"}),
        ({"live_p99_ms": 100.0}, METRICS, RUSH, {"live update, p99"}),
        ({}, METRICS, (True, 16, 3.0), {"1,000 attempts to book at once"}),
        ({}, METRICS, (False, 15, 1.5), {"1,000 attempts to book at once"}),
        ({"gaps": 1}, METRICS, RUSH, {"versions missed by a screen"}),
        ({"cut_off": 1}, METRICS, RUSH, {"screens that were cut off"}),
        # Nobody asked, and no screen heard anything: zeros are no good figures.
        ({"requests": 0, "p95_ms": 0.0}, METRICS, RUSH, {"API, p95", "errors"}),
        ({"live_frames": 0, "live_p99_ms": 0.0}, METRICS, RUSH,
         {"live update, p99", "versions missed by a screen"}),
        ({}, METRICS.replace("availability", "other"), RUSH, {"availability from memory"}),
    ],
)  # fmt: skip
def test_each_promise_can_be_missed_alone(
    told: dict[str, Any], metrics: str, rush: tuple[bool, int, float], missed: set[str]
) -> None:
    assert set(judged(TOLD | told, metrics, rush)) == missed


def test_a_load_that_is_itself_the_bottleneck_is_said() -> None:
    assert bottleneck(TOLD) is None
    assert "its own core" in (bottleneck(TOLD | {"overloaded": True}) or "")
    late = Lateness()
    for number in range(100):
        late.woke(number, number + (0.2 if number >= 90 else 0.001))
    assert late.p99_ms() == pytest.approx(200)
    assert "too late" in (bottleneck(TOLD | {"late_p99_ms": late.p99_ms()}) or "")


def test_screens_that_had_nothing_to_spare_are_no_measure_of_the_server() -> None:
    judge = Judge()
    seen = Seen(frames=1, cpu_us=8.0, taken=np.array([1.0]), lost=0, connect_seconds=1.0,
                socket_kb=24.0, screens_busy=0.3, grown_kb=0)  # fmt: skip
    told(judge, "hub", seen)
    assert judge.missed == []
    told(judge, "hub", replace(seen, screens_busy=0.95))
    assert judge.missed == ["screens that are not the limit, ours"]


def test_a_measurement_that_is_terminated_leaves_no_folder(tmp_path: Path) -> None:
    played = (
        "import os, signal\n"
        "from load.fanout import stage\n"
        "def compiled(folder): os.kill(os.getpid(), signal.SIGTERM)\n"
        "stage.compiled = compiled\n"
        "with stage.stage('c'): pass\n"
    )
    told = {**os.environ, "TMPDIR": str(tmp_path)}
    ended = subprocess.run([sys.executable, "-c", played], env=told, check=False)
    assert ended.returncode == 128 + signal.SIGTERM
    assert list(tmp_path.iterdir()) == []
