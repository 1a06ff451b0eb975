"""`docs/security.md` names what is there: every module, every test, every requirement with both."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
PLACE = re.compile(r"`((?:app|docs|floorplan|scanners|static|tests|\.ci)/[\w./-]+)(?:::(\w+))?`")
TEST_FILE = re.compile(r"`(test_\w+\.py)(?:::(\w+))?`")


def rows() -> list[list[str]]:
    """The cells of each row of the table of requirements."""
    table = PAGE.partition("<!-- requirements -->")[2].partition("<!-- end -->")[0]
    lines = [line for line in table.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@cache
def named_in(file: Path) -> frozenset[str]:
    names = [
        node.name
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return frozenset(name for name in names if name.startswith("test_"))


def missing(text: str) -> list[str]:
    """What the text names and nobody can find."""
    lost = []
    for place, test in PLACE.findall(text):
        path = ROOT / place
        if not path.exists() or (test and test not in named_in(path)):
            lost.append(f"{place}::{test}")
    for name, test in TEST_FILE.findall(text):
        found = list((ROOT / "tests").rglob(name))
        if not found or (test and not any(test in named_in(file) for file in found)):
            lost.append(f"{name}::{test}")
    return lost


def test_everything_that_the_page_names_is_there() -> None:
    assert len(PLACE.findall(PAGE)) > 100
    assert missing(PAGE) == []


@pytest.mark.parametrize(
    "named",
    [
        "`app/web/nothing.py`",
        "`tests/unit/test_security_page.py::test_of_nothing`",
        "`test_nothing.py`",
        "`test_security_page.py::test_of_nothing`",
    ],
)
def test_what_is_not_there_would_be_noticed(named: str) -> None:
    assert len(missing(named)) == 1
    assert missing("`test_security_page.py::test_what_is_not_there_would_be_noticed`") == []


def test_every_requirement_has_its_place_and_its_test() -> None:
    found = rows()
    assert len(found) > 40
    for cells in found:
        number, level, what, where, shown = cells
        assert re.fullmatch(r"asked for|\d+\.\d+\.\d+((, | to )\d+\.\d+\.\d+)*", number), number
        assert level in ("2", "3"), number
        assert what, number
        assert PLACE.search(where), number
        assert re.search(r"`tests/", shown), number
