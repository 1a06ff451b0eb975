"""A log line tells what is on the list, and of an exception nothing that a library quotes."""

import ast
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.settings import Settings
from app.web.logs import FIELDS, JsonLines, configure_logs, told
from app.web.table import operations
from floorplan.venue import load_venue

ROOT = Path(__file__).resolve().parents[3]


def line_of(**extra: object) -> dict[str, object]:
    record = logging.makeLogRecord({"msg": "happened", "levelname": "INFO", "name": "app", **extra})
    made: dict[str, object] = json.loads(JsonLines().format(record))
    return made


def test_a_field_that_is_not_on_the_list_is_named_and_not_told() -> None:
    line = line_of(booking_id="b-1", name_of_guest="Ada Lovelace", code="BR1:SECRET")
    assert line["booking_id"] == "b-1"
    assert line["withheld"] == ["code", "name_of_guest"]
    assert "Ada" not in json.dumps(line)
    assert "SECRET" not in json.dumps(line)
    assert "withheld" not in line_of(booking_id="b-1")


def fields_in(source: str) -> set[str]:
    """The keys of every `extra={...}` that is written out."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.keyword(arg="extra", value=ast.Dict(keys=keys)):
                found |= {str(key.value) for key in keys if isinstance(key, ast.Constant)}
    return found


def test_every_field_that_the_code_gives_and_every_parameter_of_a_path_is_on_the_list() -> None:
    given = set()
    for file in (ROOT / "app").rglob("*.py"):
        given |= fields_in(file.read_text("utf-8"))
    assert {"staff_id", "status"} <= given, "the code gives no fields any more"
    assert given <= FIELDS
    settings = Settings.from_environment({"BACKROOM_DEMO": "1"})
    table = operations(load_venue(), settings)
    assert {name for one in table for name in one.parameters} <= FIELDS


def raised(error: Exception) -> Exception:
    """The error as it is caught, with its traceback."""

    def fail() -> None:
        raise error

    try:
        fail()
    except Exception as caught:  # noqa: BLE001 - whatever it is
        return caught
    raise AssertionError("nothing was raised")


def test_an_exception_tells_where_and_what_and_no_value() -> None:
    inner = raised(
        ValueError("""invalid input for query argument $1: 'ada@example.com' and "Ada" """)
    )
    outer = RuntimeError("the rule broke\nDETAIL: Failing row contains (7, Lovelace).\nHINT: none")
    outer.__cause__ = inner
    text = "".join(told(raised(outer)))
    for canary in ("ada@example.com", "Ada", "Lovelace"):
        assert canary not in text
    assert "builtins.ValueError: invalid input for query argument $1: '...' and '...'" in text
    assert "builtins.RuntimeError: the rule broke" in text
    assert text.count("in fail") == 2


def test_of_a_group_every_exception_is_told_and_a_circle_ends() -> None:
    group = ExceptionGroup("both", [raised(KeyError("Ada")), raised(TypeError("no such thing"))])
    text = "".join(told(raised(group)))
    assert "KeyError" in text
    assert "no such thing" in text
    assert "Ada" not in text.replace("raised(KeyError", "")
    first, second = ValueError("a"), ValueError("b")
    first.__context__, second.__context__ = second, first
    assert len(told(first)) < 100


@pytest.fixture
def levels() -> Iterator[None]:
    """Every logger is afterwards as it was before."""
    root = logging.getLogger()
    before = {name: logging.getLogger(name).level for name in list(root.manager.loggerDict)}
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in list(root.manager.loggerDict):
        logging.getLogger(name).setLevel(before.get(name, logging.NOTSET))


def test_at_debug_level_only_our_own_loggers_speak_more(
    levels: None, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs("debug", "n-1")
    logging.getLogger("app.web.anything").debug("ours")
    for library in ("asyncio", "uvicorn.error", "redis", "httpx", "websockets.server"):
        logging.getLogger(library).debug("Authorization: Bearer canary")
        logging.getLogger(library).info("Authorization: Bearer canary")
    logging.getLogger("some.library").warning("heard")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["message"] for line in lines] == ["ours", "heard"]
    assert {line["node"] for line in lines} == {"n-1"}


def test_a_text_with_a_line_break_stays_one_line() -> None:
    record = logging.makeLogRecord({"msg": "%s", "args": ('a\n{"level": "error"}\u2028b',)})
    assert len(JsonLines().format(record).split("\n")) == 1
