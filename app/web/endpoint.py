"""The way of one request: who, how often, may they, from where, what; then the handler; then out.

Nothing is done before the caller is known to be allowed it, and nothing of the request is decoded
before that either.
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

import msgspec
from msgspec import Struct
from starlette.types import Receive, Scope, Send

from app.actions.act import Caller
from app.actions.credentials import step_up_needed
from app.actions.scopes import judge_scope
from app.actions.sign_in import is_known
from app.domain.origins import origin_key, origin_of
from app.domain.principals import ANONYMOUS, ELEVATED, ROLES, Principal
from app.errors import Malformed, NotAllowed, NotFound, NotSignedIn, NotValid
from app.web.agents import agent_of
from app.web.answers import send_answer
from app.web.bodies import decode_body, decode_path, decode_query, read_body, read_signed
from app.web.identify import (
    KNOWN_COOKIES,
    Identified,
    cookie_of,
    identify,
    judge_site,
    owns,
    waits,
)
from app.web.limits import (
    DEVICE_CALLS,
    KNOWN_SIGN_INS,
    PAIRINGS,
    SIGN_INS,
    STAFF_READS,
    STAFF_WRITES,
    STRANGER_READS,
    STRANGER_WRITES,
)
from app.web.operations import Call, Operation
from app.web.parts import Parts
from app.web.problems import Problem
from app.web.visitors import Visitor, values
from app.wire import Instant, NightDate
from floorplan.nights import InstantUnreadable, parse_instant

# Beyond these, adding a night's length runs off the end of Python's calendar or of Postgres'.
YEARS: Final = range(2000, 2200)
# What an owner may own, as paths name it.
OWNED: Final = ("booking_id", "waitlist_id")
NOBODY: Final = Identified(ANONYMOUS)
_KEY: Final = re.compile(r"[\x21-\x7e]{1,200}")
_EDITION: Final = re.compile(r'"?[0-9]{1,9}"?')


class Endpoint:
    """One operation as an ASGI application."""

    def __init__(self, operation: Operation, parts: Parts) -> None:
        self.operation = operation
        self._parts = parts
        self._origin_key = origin_key(parts.settings.secret)
        shape = operation.request
        self._decoder = None if shape is None else msgspec.json.Decoder(shape)
        self._dates = [] if shape is None else dates_of(shape)
        self._query_dates = [] if operation.query is None else dates_of(operation.query)
        self._path_dates = [n for n, kind in operation.parameters.items() if kind is NightDate]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises Refusal: the envelope answers it as a problem document."""
        operation, parts = self.operation, self._parts
        headers = scope["headers"]
        visitor: Visitor = scope["state"]["visitor"]
        identified = NOBODY
        if operation.limits != "none":  # what has no limit costs nothing: no look-up, no Postgres
            identified = await identify(parts.db, headers, parts.settings.secret)
        await self._limit(identified, visitor, cookie_of(headers, KNOWN_COOKIES))
        handler = operation.handler
        if identified.revoked is not None and operation.revoked is not None:
            principal, handler = identified.revoked, operation.revoked
        else:
            principal = identified.acting_with(operation.permission)
        scope["state"]["actor"] = principal.actor
        if (operation.idempotent or not operation.is_safe) and not operation.signed:
            judge_site(headers, visitor, parts.hosts, by_cookie=identified.by_cookie)
        own = None
        if handler is operation.handler:
            own = judge_permission(operation, principal, visitor, scope["path_params"])
            judge_step_up(operation, principal)
            judge_night(operation, principal, scope["path_params"])
        path = decode_path(scope["path_params"], operation.parameters)
        for name in self._path_dates:
            check_date(path[name], f"{{{name}}}")
        scope["state"]["path"] = path
        later = operation.finds_own and may_own(operation, principal)
        if own is not None and not later:
            await self._judge_owner(principal, own, path[own])
            judge_own(operation, principal)
        try:
            key = key_in(headers) if operation.idempotent else None
            query = None
            if operation.query is not None:
                query = decode_query(scope["query_string"], operation.query)
                check_calendar(query, self._query_dates, "?")
            body, raw = None, b""
            if self._decoder is not None:
                length = values(headers, b"content-length")
                raw = await read_body(receive, length[0] if length else None)
                body = self._decode(headers, raw)
            elif operation.signed:
                raw = await read_signed(receive, values(headers, b"content-length"))
        except Exception:
            # Of anybody else's booking an owner hears only that it is not found.
            if own is not None and later:
                await self._judge_owner(principal, own, path[own])
            raise
        caller = Caller(
            principal=principal,
            correlation_id=scope["state"]["request_id"],
            key=key,
            body_hash=b""
            if operation.is_safe
            else request_hash(scope["method"], scope["path"], raw),
            address=visitor.address,
            origin=origin_of(self._origin_key, visitor.address),
            edition=edition_in(headers),
        )
        seen = values(headers, b"if-none-match")
        call = Call(
            parts=parts,
            principal=principal,
            visitor=visitor,
            caller=caller,
            path=path,
            query=query,
            body=body,
            etag=seen[0] if seen else None,
            token=cookie_of(headers),
            known=cookie_of(headers, KNOWN_COOKIES),
            agent=agent_of(headers),
            raw=raw if operation.signed else b"",
            signature=", ".join(values(headers, b"stripe-signature")) or None,
        )
        await send_answer(send, await handler(call))

    async def _judge_owner(self, principal: Principal, kind: str, it: str) -> None:
        """Raises NotFound: the booking, or the place on the waitlist, is not the owner's."""
        if kind == "booking_id" and not await owns(self._parts.db, principal, it):
            raise NotFound("booking_not_found", "There is no such booking.")
        if kind == "waitlist_id" and not await waits(self._parts.db, principal, it):
            raise NotFound("waitlist_not_found", "There is no such place on the waitlist.")

    def _decode(self, headers: list[tuple[bytes, bytes]], raw: bytes) -> Struct:
        assert self._decoder is not None
        kinds = values(headers, b"content-type")
        body: Struct = decode_body(
            raw,
            kinds[0] if len(kinds) == 1 else None,
            self._decoder,
            may_be_empty=self.operation.request_may_be_empty,
            any_text=self.operation.any_text,
        )
        check_calendar(body, self._dates, "$.")
        return body

    async def _limit(self, identified: Identified, visitor: Visitor, known: str | None) -> None:
        kind = self.operation.limits
        # A device whose token is over uploads at its own pace, and at nobody's cost.
        limiter, principal = self._parts.limiter, identified.principal or identified.revoked
        if kind == "none" or (tells_health(self.operation) and visitor.is_near):
            return
        if kind == "sign_in" and known is not None and await is_known(self._parts.db, known):
            await limiter.spend(KNOWN_SIGN_INS, known, stranger_writes=True)
            return
        if kind == "sign_in":
            await limiter.spend(SIGN_INS, visitor.address, stranger_writes=True)
        if kind == "pairing":
            await limiter.spend(PAIRINGS, visitor.address, stranger_writes=True)
            return
        if principal is not None and principal.kind == "staff":
            await limiter.spend(
                STAFF_READS if self.operation.is_safe else STAFF_WRITES, principal.id
            )
        elif principal is not None and principal.kind == "device":
            await limiter.spend(DEVICE_CALLS, principal.id)
        else:
            # A link is proven by its signature, so a whole club behind one address can use theirs;
            # the token of a hold is anybody's word until its booking is looked up.
            whose = visitor.address
            if principal is not None and (principal.booking_id or principal.kind == "guest"):
                whose = principal.id
            if self.operation.is_safe:
                await limiter.spend(STRANGER_READS, whose)
            else:
                await limiter.spend(STRANGER_WRITES, whose, stranger_writes=True)


def tells_health(operation: Operation) -> bool:
    """Whether it tells how the worker is, to whoever watches over it from near."""
    return operation.permission == "health:read"


def judge_permission(
    operation: Operation,
    principal: Principal,
    visitor: Visitor,
    parameters: Mapping[str, str],
) -> str | None:
    """The path's parameter that names what the caller must own; None: no such condition.

    Raises NotSignedIn: nobody, where somebody is needed. NotAllowed: somebody without the right.
    """
    if operation.permission is None or principal.may(operation.permission):
        return None
    if tells_health(operation) and visitor.is_near:
        return None
    own = next((name for name in OWNED if name in parameters), None)
    if principal.kind == "owner" and own is not None:
        # Whose it is comes first: of anybody else's an owner learns nothing at all.
        return own
    if principal.kind == "anonymous":
        raise NotSignedIn("not_signed_in", "Sign in first, or send the token of your booking.")
    raise _not_allowed(operation)


def may_own(operation: Operation, principal: Principal) -> bool:
    """Whether owners may do it with their own booking."""
    return operation.own is not None and principal.may(operation.own)


def judge_own(operation: Operation, principal: Principal) -> None:
    """Raises NotAllowed: not even with one's own booking."""
    if not may_own(operation, principal):
        raise _not_allowed(operation)


def _not_allowed(operation: Operation) -> NotAllowed:
    return NotAllowed(
        "not_allowed",
        f"This needs the permission {operation.permission}, which your role does not have.",
        permission=operation.permission,
    )


def judge_step_up(operation: Operation, principal: Principal) -> None:
    """Raises NotAllowed `step_up_needed`: the right is held, and needs a fresh proof to be used."""
    permission = operation.permission
    if permission in ELEVATED and principal.may(permission) and not principal.is_elevated:
        raise step_up_needed(permission)


def judge_night(operation: Operation, principal: Principal, parameters: Mapping[str, str]) -> None:
    """Raises NotAllowed `out_of_scope`: the path names a night that is not the caller's.

    What everybody may read, everybody with a scope may read too.
    """
    night = parameters.get("night")
    if night is not None and operation.permission not in ROLES["ANONYMOUS"]:
        judge_scope(principal, night=night)


def key_in(headers: list[tuple[bytes, bytes]]) -> str:
    """The Idempotency-Key. Raises Malformed: none, several, or not 1 to 200 visible ASCII."""
    keys = values(headers, b"idempotency-key")
    if not keys:
        raise Malformed(
            "idempotency_key_missing",
            "Send an Idempotency-Key header, a new UUID for each new request: "
            "with the same key the request can be sent again without happening twice.",
        )
    if len(keys) > 1 or not _KEY.fullmatch(keys[0]):
        raise Malformed(
            "idempotency_key_not_valid",
            "Send one Idempotency-Key of 1 to 200 visible ASCII characters, such as a UUID.",
        )
    return keys[0]


def edition_in(headers: list[tuple[bytes, bytes]]) -> int | None:
    """The edition of If-Match: who changes a booking says which one they saw; None: any.

    Raises Malformed: not one edition.
    """
    seen = values(headers, b"if-match")
    if not seen or seen == ["*"]:
        return None
    if len(seen) > 1 or not _EDITION.fullmatch(seen[0]):
        raise Malformed(
            "if_match_not_valid", 'If-Match takes the booking\'s edition in quotes, as "3".'
        )
    return int(seen[0].strip('"'))


def request_hash(method: str, path: str, body: bytes) -> bytes:
    """SHA-256 by which the same request is known again."""
    return hashlib.sha256(f"{method} {path}\n".encode() + body).digest()


def dates_of(shape: type[Struct]) -> list[tuple[str, str, bool]]:
    """The fields of a message that hold a night or an instant: attribute, JSON name, is instant.

    Their patterns admit texts that no calendar has, as 2026-02-31.
    """
    known = {_pattern(NightDate): False, _pattern(Instant): True}
    found = []
    for field in msgspec.structs.fields(shape):
        pattern = _pattern(field.type)
        if pattern in known:
            found.append((field.name, field.encode_name, known[pattern]))
    return found


def _pattern(kind: Any) -> str | None:
    told = msgspec.inspect.type_info(kind)
    options = told.types if isinstance(told, msgspec.inspect.UnionType) else (told,)
    for option in options:
        plain = option.type if isinstance(option, msgspec.inspect.Metadata) else option
        if isinstance(plain, msgspec.inspect.StrType) and plain.pattern is not None:
            return plain.pattern
    return None


def check_calendar(message: Struct, fields: list[tuple[str, str, bool]], root: str) -> None:
    """Raises NotValid for the first of these fields (of `dates_of`) that no calendar has."""
    for field, name, is_instant in fields:
        value = getattr(message, field)
        if isinstance(value, str):  # neither null nor left out
            (check_instant if is_instant else check_date)(value, f"{root}{name}")


def check_date(text: str, place: str) -> None:
    """Raises NotValid: no calendar has this date, or no club will see it."""
    try:
        known = date.fromisoformat(text).year in YEARS
    except ValueError:
        known = False
    if not known:
        raise NotValid(
            "not_valid", f"Expected a date that exists, as 2026-11-21, at {place}.", place=place
        )


def check_instant(text: str, place: str) -> None:
    """Raises NotValid: no calendar has this instant."""
    try:
        known = parse_instant(text).year in YEARS
    except InstantUnreadable:
        known = False
    if not known:
        raise NotValid(
            "not_valid",
            f"Expected an instant that exists, as 2026-11-21T23:41:07.000Z, at {place}.",
            place=place,
        )


class Methods:
    """One path: the endpoint of each of its methods, and 405 for all others."""

    def __init__(self, endpoints: Mapping[str, Endpoint]) -> None:
        self._endpoints = dict(endpoints)
        allowed = set(endpoints) | ({"HEAD"} if "GET" in endpoints else set())
        self._allow = ", ".join(sorted(allowed))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        endpoint = self._endpoints.get(method)
        if endpoint is None:
            raise Problem(
                405,
                "method_not_allowed",
                f"This address takes {self._allow}.",
                headers={"Allow": self._allow},
            )
        await endpoint(scope, receive, send)
