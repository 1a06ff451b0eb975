"""Bodies, queries and path parameters: what gets through, and how the rest is told."""

import asyncio
import re
from ast import literal_eval
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from app import wire
from app.errors import Malformed, NotValid
from app.settings import Settings
from app.web.availability import AvailabilityQuery
from app.web.bodies import Disconnected, decode_body, decode_query, not_valid, read_body
from app.web.problems import Problem
from app.web.table import operations
from app.wire.forms import FORMS
from floorplan.venue import load_venue

DECODER = msgspec.json.Decoder(wire.HoldTables)
GOOD = b'{"night":"2026-11-21","tables":[7],"party":4}'


def arriving(*messages: dict[str, Any]) -> Any:
    waiting = list(messages)

    async def receive() -> dict[str, Any]:
        if not waiting:
            await asyncio.Event().wait()
        return {"type": "http.request", **waiting.pop(0)}

    return receive


def decode(body: bytes, kind: str | None = "application/json", *, empty: bool = False) -> Any:
    return decode_body(body, kind, DECODER, may_be_empty=empty)


async def test_a_body_in_pieces_is_put_together() -> None:
    receive = arriving({"body": b"ab", "more_body": True}, {"body": b"c"})
    assert await read_body(receive, None) == b"abc"


async def test_a_body_is_not_read_beyond_the_limit() -> None:
    endless = [{"body": b"x" * 60, "more_body": True} for _ in range(100)]
    with pytest.raises(Problem) as refused:
        await read_body(arriving(*endless), None, limit=100)
    assert refused.value.status == 413
    # One that says so before is not read at all.
    with pytest.raises(Problem):
        await read_body(arriving(), "101", limit=100)
    assert await read_body(arriving({"body": b"x" * 100}), "100", limit=100) == b"x" * 100


async def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.web.bodies.BODY_SECONDS", 0.02)
    with pytest.raises(Problem) as refused:
        await read_body(arriving({"body": b"x", "more_body": True}), None)
    assert refused.value.status == 408


async def test_nobody_is_answered_who_went_away() -> None:
    with pytest.raises(Disconnected):
        await read_body(arriving({"type": "http.disconnect"}), None)


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8"])
def test_json_by_any_spelling_is_taken(kind: str) -> None:
    assert decode(GOOD, kind).party == 4


def test_no_body_is_an_empty_object_where_the_address_says_everything() -> None:
    decoder = msgspec.json.Decoder(wire.Nothing)
    assert decode_body(b"", None, decoder, may_be_empty=True) == wire.Nothing()
    assert decode_body(b"{}", "application/json", decoder, may_be_empty=True) == wire.Nothing()
    with pytest.raises(Malformed):
        decode(b"")


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b'{"night":"2026-11-21","tables":[7],"party":"4"}', "$.party"),
        (b'{"night":"2026-11-21","tables":[7,99],"party":4}', "$.tables[1]"),
        (b'{"night":"2026-11-21","tables":[7],"party":4,"contact":{"name":""}}', "$.contact.name"),
        (b'{"night":"tonight","tables":[7],"party":4}', "$.night"),
        (b'{"night":"2026-11-21","tables":[7]}', "$"),
        (b"[]", "$"),
        (b'{"night":"2026-11-21","tables":[7],"party":4,"contact":{"name":"\\u0000"}}', "$"),
    ],
)
def test_the_place_of_a_wrong_value_is_named(body: bytes, place: str) -> None:
    with pytest.raises(NotValid) as refused:
        decode(body)
    assert (refused.value.status, refused.value.fields["place"]) == (422, place)


def test_what_a_stranger_held_up_is_judged_and_its_nul_not_complained_of() -> None:
    decoder = msgspec.json.Decoder(wire.ScanRequest)
    body = b'{"scan_id":"%s","door":"main","code":"a\\u0000b"}' % str(uuid4()).encode()
    with pytest.raises(NotValid):
        decode_body(body, "application/json", decoder, may_be_empty=False)
    read = decode_body(body, "application/json", decoder, may_be_empty=False, any_text=True)
    assert read.code == "a\ufffdb"


def test_a_name_that_no_field_has_is_cut_and_told() -> None:
    refused = not_valid(f"Object contains unknown field `{'x' * 500}` - at `$.contact`")
    assert refused.fields == {"place": "$.contact", "unknown_field": "x" * 60}


def test_a_query_is_read_into_its_shape() -> None:
    query = decode_query(b"party=6&feature=booth&feature=quiet", AvailabilityQuery)
    assert (query.party, query.feature) == (6, ("booth", "quiet"))


def test_a_query_takes_each_name_once_unless_it_is_a_list() -> None:
    with pytest.raises(NotValid) as refused:
        decode_query(b"party=6&party=6", AvailabilityQuery)
    assert refused.value.fields["place"] == "?party"


def test_a_form_is_told_in_words_and_not_as_an_expression() -> None:
    decoder = msgspec.json.Decoder(wire.OpenNight)
    with pytest.raises(NotValid) as refused:
        decode_body(b'{"night": "saturday"}', "application/json", decoder, may_be_empty=False)
    assert refused.value.detail == "Expected a date, as 2026-11-21 at $.night."
    assert all("regex" not in words for words in FORMS.values())


def test_no_operation_asks_for_a_form_that_has_no_words() -> None:
    table = operations(load_venue(), Settings.from_environment({}))
    shapes = {one.request for one in table} | {one.query for one in table}
    shapes |= {kind for one in table for kind in one.parameters.values()}
    schemas = msgspec.json.schema_components([shape for shape in shapes if shape is not None])
    asked = set(re.findall(r"'pattern': ('(?:[^'\\]|\\.)*')", repr(schemas)))
    assert {literal_eval(one) for one in asked} <= set(FORMS)
