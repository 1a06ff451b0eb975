"""Every refusal of the service, in one tree.

    Refusal                     an expected "no", answered as a problem document
    ├── NotValid          400/422  the request cannot be read, or asks for nonsense
    ├── NotSignedIn       401      nobody, or a session that is over
    ├── NotAllowed        403      somebody, without the permission
    ├── NotFound          404      no such thing, or not yours: one answer for both
    ├── Conflict          409      the floor, the book or another request says no
    ├── TooMany           429      slow down
    └── NotReady          503      a part is away; try again

`reason` is the stable word that clients branch on (lower_snake_case); `detail` is a sentence that
says what to do. Anything that is not a Refusal is a bug: logged once at the edge with its
traceback and answered as `internal`.
"""

from typing import Any


class Refusal(Exception):
    """An expected no. `fields` go into the problem document beside reason and detail."""

    status = 409

    def __init__(
        self, reason: str, detail: str, *, retry_after_seconds: int | None = None, **fields: Any
    ) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.retry_after_seconds = retry_after_seconds
        self.fields = fields

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.reason!r}, {self.detail!r}, **{self.fields!r})"


class NotValid(Refusal):
    status = 422


class Malformed(NotValid):
    """The body is not JSON at all, or the request line makes no sense."""

    status = 400


class NotSignedIn(Refusal):
    status = 401


class NotAllowed(Refusal):
    status = 403


class NotFound(Refusal):
    status = 404


class Conflict(Refusal):
    status = 409


class TooMany(Refusal):
    status = 429


class NotReady(Refusal):
    status = 503
