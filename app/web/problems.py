"""A refusal as a problem document (RFC 9457): what clients branch on, and what people read."""

from typing import Any, Final

import msgspec

from app.errors import Refusal
from app.web.answers import Answer

PROBLEM_JSON: Final = "application/problem+json"

TITLES: Final[dict[int, str]] = {
    400: "The request cannot be read",
    401: "Sign in first",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    408: "The request took too long",
    409: "The floor says no",
    413: "The request is too large",
    415: "Send JSON",
    421: "Wrong host",
    422: "The request is not valid",
    426: "Upgrade required",
    429: "Slow down",
    431: "The request is too large",
    500: "Something broke here",
    503: "A part is away",
}


class Problem(Refusal):
    """A refusal of the web layer itself, with its own status: 405, 408, 413, 415, 421, 426."""

    def __init__(
        self,
        status: int,
        reason: str,
        detail: str,
        *,
        headers: dict[str, str] | None = None,
        **fields: Any,
    ) -> None:
        super().__init__(reason, detail, **fields)
        self.status = status
        self.headers = headers or {}


def problem_answer(refusal: Refusal, request_id: str) -> Answer:
    """`{type, title, status, reason, detail, request_id, ...fields}` with its headers."""
    headers = dict(refusal.headers) if isinstance(refusal, Problem) else {}
    if refusal.retry_after_seconds is not None:
        headers["Retry-After"] = str(refusal.retry_after_seconds)
    if refusal.status == 401:
        # RFC 9110 section 15.5.2 wants a challenge; the browser must not ask by itself.
        headers["WWW-Authenticate"] = 'Bearer realm="backroom"'
    document = {
        **refusal.fields,
        "type": f"/docs#{refusal.reason}",
        "title": TITLES.get(refusal.status, "Refused"),
        "status": refusal.status,
        "reason": refusal.reason,
        "detail": refusal.detail,
        "request_id": request_id,
    }
    return Answer(
        refusal.status, msgspec.json.encode(document), content_type=PROBLEM_JSON, headers=headers
    )


def bug_answer(request_id: str) -> Answer:
    """What the caller learns of a bug: nothing but the number to ask about."""
    refusal = Problem(
        500,
        "internal",
        "This is our fault and was logged. Try again; if it stays, tell the club this request_id.",
    )
    return problem_answer(refusal, request_id)
