"""What one call of the interface is: its place, who may use it, what it takes and gives.

The routes, the OpenAPI document, the limits and the tests are all made from the list of these in
`app.web.table`, so that none of them can say something else.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Literal

from msgspec import Struct

from app.actions.act import Caller
from app.domain.principals import Principal
from app.web.answers import Answer
from app.web.parts import Parts
from app.web.visitors import Visitor

Method = Literal["GET", "POST", "PATCH", "DELETE"]
SAFE: Final = ("GET", "HEAD")

# none: health and metrics; read, write: by address or session; scan: a device's own bucket;
# sign_in: writes that hash a password; pairing: tries of a code by a device that has no name yet.
LimitClass = Literal["none", "read", "write", "scan", "sign_in", "pairing"]


class Call(Struct, frozen=True):
    """One request, decoded: everything that a handler may look at.

    `path` holds the path's parameters in their types; `query` and `body` are messages in the
    operation's shapes; `etag` is If-None-Match as it came.
    """

    parts: Parts
    principal: Principal
    visitor: Visitor
    caller: Caller
    path: Mapping[str, Any]
    query: Any
    body: Any
    etag: str | None
    token: str | None  # the session's cookie as it came, for signing out
    known: str | None = None  # the cookie by which the browser is known at sign-in
    agent: str | None = None  # which browser it says it is: "Firefox on Android"
    raw: bytes = b""  # the body as it came, of an operation that is `signed`
    signature: str | None = None  # Stripe-Signature as it came


Handler = Callable[[Call], Awaitable[Answer]]


class Operation(Struct, frozen=True, kw_only=True):
    """One method of one path.

    `permission` is what the caller's role must hold; None: everybody may. `own` is what an owner
    must hold instead, and then only for the booking in the path: anybody else's is not found; with
    `finds_own` the action's own lock sees to that, and nothing is asked before it.
    `answers` gives the shape of each good answer by status; `media` its type, and `other_media`
    the types in which it can be had as a text to read. `revoked` answers, in place of the handler,
    a device whose token is over; without it that is refused. `signed`: it comes from no browser
    and nobody signed in, and its handler judges the signature over the body as it came.
    `any_text`: a text in the body is what a stranger held up, to be judged and not complained of.
    """

    method: Method
    path: str
    handler: Handler
    permission: str | None
    summary: str
    tag: str
    own: str | None = None
    finds_own: bool = False
    parameters: Mapping[str, Any] = {}
    query: type[Struct] | None = None
    request: type[Struct] | None = None
    request_may_be_empty: bool = False
    any_text: bool = False
    answers: Mapping[int, Any] = {}
    media: str = "application/json"
    other_media: tuple[str, ...] = ()
    limits: LimitClass = "read"
    idempotent: bool = False
    revoked: Handler | None = None
    signed: bool = False

    @property
    def is_safe(self) -> bool:
        return self.method in SAFE

    @property
    def id(self) -> str:
        """A name for the operation that is unique: `post_holds_extend`."""
        words = [word for word in self.path.replace(".", "/").split("/") if word and word != "v1"]
        plain = [word for word in words if not word.startswith("{")]
        by = ["one"] if words and words[-1].startswith("{") else []
        return "_".join([self.method.lower(), *plain, *by]).replace("-", "_")
