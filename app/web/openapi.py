"""The OpenAPI 3.1 document, made from the table of operations and the shapes of messages."""

import re
from collections.abc import Iterable
from typing import Any, Final

import msgspec
from msgspec import Struct

from app.domain.principals import ELEVATED, ROLES
from app.web.answers import Answer
from app.web.floor import hash_of, tagged
from app.web.operations import Call, Operation
from app.web.problems import PROBLEM_JSON, TITLES

REFERENCE: Final = "#/components/schemas/{name}"

INFO: Final = {
    "title": "The Backroom: live floor operations",
    "version": "0.1.0",
    "description": (
        "Sixteen tables on two floors, one book per night. Instants are UTC texts with three "
        "decimals, money is integer pence, a night is its business date (06:00 to 06:00 in "
        "London). Every refusal is a problem document with a stable `reason`. A write takes an "
        "`Idempotency-Key`: sent again with the same key it gives the same answer. The live floor "
        "itself comes over the WebSocket at `/ws`."
    ),
}
TAGS: Final = {
    "floor": "What is where, what is free, and the moves of the floor.",
    "nights": "Nights are opened, edited and closed by managers.",
    "bookings": "Holds and bookings; owners act by the token of their hold.",
    "door": "Scans, verdicts and the clicker.",
    "people": "Sessions of staff.",
    "persons": "What is kept about people: looked up, shown, exported, erased; and bans.",
    "devices": "Tablets and cameras: pairing them, what they tell, taking them away.",
    "audit": "The books, for whoever answers for the venue.",
    "health": "For who runs the service.",
    "demo": "Only while a demo runs.",
}
KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "A new UUID for each new request; the same one to send a request again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
}


class ProblemDocument(Struct, frozen=True):
    """A refusal (RFC 9457); some carry further fields that their reason explains."""

    type: str
    title: str
    status: int
    reason: str
    detail: str
    request_id: str


class Document:
    """The document of a table; the same bytes for as long as the worker runs."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self.body = msgspec.json.encode(document_of(tuple(operations)))
        self.tag = f'"{hash_of(self.body)}"'


async def get_openapi(call: Call) -> Answer:
    return tagged(call, call.parts.interface.body, call.parts.interface.tag)


def document_of(operations: tuple[Operation, ...]) -> dict[str, Any]:
    """The whole document as plain data."""
    shapes = _shapes(operations)
    schemas, components = msgspec.json.schema_components(shapes, ref_template=REFERENCE)
    schema_of = {id(shape): schema for shape, schema in zip(shapes, schemas, strict=True)}
    paths: dict[str, Any] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(
            operation, schema_of
        )
    used = {operation.tag for operation in operations}
    return {
        "openapi": "3.1.0",
        "info": INFO,
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "tags": [{"name": n, "description": d} for n, d in TAGS.items() if n in used],
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": {
                "Problem": {
                    "description": "A refusal, with a stable reason.",
                    "headers": {
                        "Retry-After": {
                            "description": "Seconds to wait (429, 503).",
                            "schema": {"type": "integer"},
                        }
                    },
                    "content": {
                        PROBLEM_JSON: {"schema": schema_of[id(ProblemDocument)]},
                    },
                }
            },
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": "sid"},
                "token": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def _shapes(operations: tuple[Operation, ...]) -> list[Any]:
    found: dict[int, Any] = {id(ProblemDocument): ProblemDocument}
    for operation in operations:
        wanted = [operation.request, *operation.answers.values(), *operation.parameters.values()]
        for shape in wanted:
            if shape not in (None, bytes):
                found[id(shape)] = shape
    return list(found.values())


def _described(operation: Operation, schema_of: dict[int, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": _who(operation),
        "responses": _responses(operation, schema_of),
    }
    if operation.permission is not None:
        described["x-permission"] = operation.permission
        described["x-step-up"] = operation.permission in ELEVATED
        if operation.permission not in ROLES["ANONYMOUS"]:
            described["security"] = [{"session": []}, {"token": []}]
    if operation.own is not None:
        described["x-own-permission"] = operation.own
    parameters = _parameters(operation, schema_of)
    if parameters:
        described["parameters"] = parameters
    if operation.request is not None:
        described["requestBody"] = {
            "required": not operation.request_may_be_empty,
            "content": {"application/json": {"schema": schema_of[id(operation.request)]}},
        }
    return described


def _who(operation: Operation) -> str:
    """The sentence about who may: the permission, and the roles that have it."""
    if operation.permission is None:
        return f"{operation.summary} Everybody may."
    roles = [role for role, held in ROLES.items() if operation.permission in held]
    told = f"{operation.summary} Needs `{operation.permission}` ({', '.join(roles)})."
    if operation.permission in ELEVATED:
        told += " Needs a step-up within the last five minutes: `POST /v1/session/elevate`."
    if operation.own is not None:
        told += f" The owner of the booking needs `{operation.own}`."
    return told


def _parameters(operation: Operation, schema_of: dict[int, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": schema_of[id(shape)]}
        for name, shape in operation.parameters.items()
    ]
    if operation.query is not None:
        _, components = msgspec.json.schema_components([operation.query], ref_template=REFERENCE)
        schema = components[operation.query.__name__]
        required = set(schema.get("required", ()))
        found += [
            {"name": name, "in": "query", "required": name in required, "schema": field}
            for name, field in schema["properties"].items()
        ]
    if operation.idempotent:
        found.append(KEY)
    return found


def _responses(operation: Operation, schema_of: dict[int, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for status, shape in operation.answers.items():
        answer: dict[str, Any] = {"description": _sentence(status, shape)}
        if shape is bytes:
            kind = {"type": "string", "contentMediaType": operation.media}
            answer["content"] = {operation.media: {"schema": kind}}
        elif shape is not None:
            answer["content"] = {operation.media: {"schema": schema_of[id(shape)]}} | {
                media: {"schema": {"type": "string"}} for media in operation.other_media
            }
        found[str(status)] = answer
    problem = {"$ref": "#/components/responses/Problem"}
    for status in _refusals(operation):
        found.setdefault(str(status), problem)
    return found


def _refusals(operation: Operation) -> list[int]:
    """The statuses of the refusals that the operation may give."""
    statuses = {400, 405, 421, 500}  # 400 anywhere: a body in a coding that is not taken
    if operation.limits != "none":
        statuses |= {401, 429, 503}  # 401 wherever somebody is looked up: a token that is over
    if operation.permission is not None and operation.permission not in ROLES["ANONYMOUS"]:
        statuses |= {403}
    if not operation.is_safe:
        statuses |= {403}  # another site's page
    if operation.parameters or operation.query:
        statuses |= {404, 422}
    if operation.request is not None:
        statuses |= {404, 408, 409, 413, 415, 422}
    return sorted(statuses & set(TITLES))


def _sentence(status: int, shape: Any) -> str:
    """A response needs a description: the first sentence of the shape's own."""
    told = (getattr(shape, "__doc__", None) or "").strip() if isinstance(shape, type) else ""
    if shape in (dict, str, bytes) or not told or told.startswith(("dict(", "str(")):
        return {200: "As asked.", 201: "Made.", 204: "Done.", 503: "A part is away."}[status]
    first: str = re.split(r"(?<=\.)\s", " ".join(told.split()))[0]
    return first
