"""From bytes on the wire to a checked message: bodies, query strings, path parameters."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct
from starlette.types import Receive

from app.errors import Malformed, NotValid
from app.web.problems import Problem
from app.wire.forms import FORMS

# The largest request of ours is a night with sixteen prices, 3 KB; a code is 144 characters.
BODY_BYTES: Final = 64 * 1024
WEBHOOK_BODY_BYTES: Final = 512 * 1024
BODY_SECONDS: Final = 10.0  # a client that sends slower than this only holds memory

# "Expected `int`, got `str` - at `$.party`"
_PLACE: Final = re.compile(r"^(?P<sentence>.*?)(?: - at `(?P<place>[^`]*)`)?$", re.DOTALL)
_UNKNOWN: Final = re.compile(r"^Object contains unknown field `(?P<name>.*)`$", re.DOTALL)

Shape = TypeVar("Shape")


class Disconnected(Exception):
    """The client went away before its request was complete."""


async def read_body(receive: Receive, length: str | None, limit: int = BODY_BYTES) -> bytes:
    """The whole body. Raises Problem 413 or 408; Disconnected: nobody waits for an answer."""
    if length is not None and is_longer(length, limit):
        raise _too_large(limit)
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Disconnected
                chunk = message.get("body", b"")
                size += len(chunk)
                if size > limit:
                    raise _too_large(limit)
                chunks.append(chunk)
                if not message.get("more_body", False):
                    return b"".join(chunks)
    except TimeoutError:
        raise Problem(
            408,
            "body_too_slow",
            f"The body did not arrive within {BODY_SECONDS:.0f} s. Send it again.",
            headers={"Connection": "close"},
        ) from None


async def read_signed(receive: Receive, lengths: list[str]) -> bytes:
    """The whole body of a signed message, as it came.

    Raises Malformed: it is longer than any that is signed, or did not come within its time.
    """
    try:
        return await read_body(receive, lengths[0] if lengths else None, WEBHOOK_BODY_BYTES)
    except Problem as problem:
        raise Malformed("webhook_not_valid", problem.detail) from None


def decode_body(
    body: bytes,
    content_type: str | None,
    decoder: msgspec.json.Decoder[Shape],
    *,
    may_be_empty: bool,
    any_text: bool = False,
) -> Shape:
    """The message that the body holds. With `any_text` a NUL in it is read as U+FFFD.

    Raises Problem 415, Malformed `malformed_json` (400), NotValid `not_valid` (422) with `place`.
    """
    if not body and may_be_empty:
        body = b"{}"
    elif not is_json(content_type):
        raise Problem(
            415, "not_json", "Send the body as JSON, with Content-Type: application/json."
        )
    if not body:
        raise Malformed("malformed_json", "The body is empty. Send a JSON object.")
    try:
        # Postgres has no text with NUL in it; no field of ours needs one.
        if any_text:
            body = body.replace(b"\\u0000", b"\\ufffd")
        elif b"\\u0000" in body:
            raise NotValid("not_valid", "A text contains NUL (\\u0000). Remove it.", place="$")
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        # A wrong shape is told before the end is read: first be sure that this is JSON at all.
        raise _malformed(body) or not_valid(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _malformed(body) or not_valid(str(error)) from None


def _malformed(body: bytes) -> Malformed | None:
    try:
        msgspec.json.decode(body)
    except UnicodeDecodeError:
        sentence = "it is not UTF-8"
    except (msgspec.DecodeError, RecursionError) as error:
        sentence = str(error)
    else:
        return None
    return Malformed("malformed_json", f"The body is not JSON: {sentence}. Send a JSON object.")


def decode_query(query: bytes, shape: type[Struct]) -> Any:
    """The query string in its shape; each name once, but for fields that are lists.

    Raises NotValid `not_valid` with the place `?name`.
    """
    try:
        pairs = parse_qsl(
            query.decode("ascii"), keep_blank_values=True, strict_parsing=bool(query),
            errors="strict", max_num_fields=50,
        )  # fmt: skip
    except ValueError:
        raise NotValid(
            "not_valid", "The query string cannot be read. Use name=value&name=value.", place="?"
        ) from None
    lists = _lists_of(shape)
    found: dict[str, Any] = {}
    for name, value in pairs:
        if "\x00" in value or "\x00" in name:
            raise NotValid("not_valid", "The query contains NUL. Remove it.", place="?")
        if name in lists:
            found.setdefault(name, []).append(value)
        elif name in found:
            raise NotValid(
                "not_valid", f"The parameter {name[:40]} is given twice.", place=f"?{name[:40]}"
            )
        else:
            found[name] = value
    try:
        return msgspec.convert(found, shape, strict=False)
    except msgspec.ValidationError as error:
        refused = not_valid(str(error), root="?")
        name = str(refused.fields["place"])[1:].partition("[")[0]
        if str(error).startswith("Invalid enum value"):
            values = found[name] if name in lists else [found[name]]
            for value in values:
                check_word(value, _words_of(shape)[name], f"?{name}")
        raise refused from None


def check_word(word: str | None, known: Sequence[str], place: str) -> None:
    """Raises NotValid `not_valid` with the words that are `known` where this is none of them."""
    if word is not None and word not in known:
        raise NotValid(
            "not_valid",
            f"There is no {word[:40]!r} at {place}. Use one of: {', '.join(known)}.",
            place=place,
            known=list(known),
        )


@cache
def _words_of(shape: type[Struct]) -> dict[str, list[str]]:
    """The words that each field of a query takes, where it takes some words only."""
    found: dict[str, list[str]] = {}
    fields = {field.name: field.encode_name for field in msgspec.structs.fields(shape)}
    for field in msgspec.inspect.type_info(shape).fields:  # type: ignore[attr-defined]
        kinds = [field.type]
        for kind in kinds:
            if isinstance(kind, msgspec.inspect.LiteralType):
                found[fields[field.name]] = [str(word) for word in kind.values]
            kinds += getattr(kind, "types", ())
            kinds += filter(None, [getattr(kind, "item_type", None), getattr(kind, "type", None)])
    return found


@cache
def _lists_of(shape: type[Struct]) -> frozenset[str]:
    """The names of a query that may come several times; looking at a shape takes 50 us."""
    return frozenset(
        field.encode_name
        for field in msgspec.structs.fields(shape)
        if isinstance(field.default_factory, type) or isinstance(field.default, tuple)
    )


def decode_path(parameters: Mapping[str, str], shapes: Mapping[str, Any]) -> dict[str, Any]:
    """Each parameter of the path in its type. Raises NotValid with the place `{name}`."""
    found = {}
    for name, shape in shapes.items():
        try:
            found[name] = msgspec.convert(parameters[name], shape, strict=False)
        except msgspec.ValidationError as error:
            raise not_valid(str(error), root=f"{{{name}}}") from None
    return found


def not_valid(message: str, root: str = "$") -> NotValid:
    """msgspec's sentence as a refusal that names the place and says what is expected."""
    matched = _PLACE.match(message)
    assert matched is not None
    sentence = spoken(matched["sentence"])
    path = (matched["place"] or "$").removeprefix("$")
    if root == "?":
        path = path.removeprefix(".")
    place = root + path
    if unknown := _UNKNOWN.match(sentence):
        name = unknown["name"][:60]
        return NotValid(
            "not_valid",
            f"There is no field {name!r} at {place}. Remove it, or mend its spelling.",
            place=place,
            unknown_field=name,
        )
    return NotValid("not_valid", f"{sentence} at {place}.", place=place, expected=sentence)


def spoken(sentence: str) -> str:
    """The sentence with the name of a form where msgspec gives its regular expression."""
    for form, words in FORMS.items():
        if sentence.endswith(f"matching regex {form!r}"):
            return f"Expected {words}"
    return sentence


def is_longer(length: str, limit: int) -> bool:
    """Whether the Content-Length announces more; one that is no number is left to the bytes."""
    if not (length.isascii() and length.isdigit()):
        return False
    return len(length.lstrip("0")) > len(str(limit)) or int(length) > limit


def is_json(content_type: str | None) -> bool:
    """`application/json`, with or without parameters."""
    return (content_type or "").partition(";")[0].strip().lower() == "application/json"


def _too_large(limit: int) -> Problem:
    # The rest of the body is not read, so the connection cannot be used for another request.
    return Problem(
        413,
        "body_too_large",
        f"The body is larger than {limit // 1024} KiB. Send less.",
        headers={"Connection": "close"},
        limit_bytes=limit,
    )
