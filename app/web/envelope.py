"""What surrounds every request: its number, its visitor, the headers of its answer, its log line.

Written as plain ASGI, one callable around the next. The envelope is the outermost: whatever is
raised inside comes out of it as a problem document, and a bug is logged here, once.
"""

import logging
import time
from typing import Final
from uuid import uuid4

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import Refusal
from app.web.answers import Answer, send_answer
from app.web.bodies import Disconnected
from app.web.cookies import only_guarded
from app.web.metrics import Metrics
from app.web.problems import Problem, bug_answer, problem_answer
from app.web.visitors import Hosts, Visitor, values

access = logging.getLogger("backroom.access")
logger = logging.getLogger(__name__)

HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(self), microphone=(), geolocation=()"),
    (b"x-frame-options", b"DENY"),
)
API_POLICY: Final = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
TLS_ONLY: Final = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")


# Asked every few seconds by machines: a line for each would hide the others.
UNLOGGED: Final = ("/health/live", "/health/ready", "/metrics")


class Envelope:
    """The outermost application of a worker."""

    def __init__(self, app: ASGIApp, hosts: Hosts, metrics: Metrics) -> None:
        self._app = app
        self._hosts = hosts
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        visitor = self._hosts.visitor(scope)
        request_id = str(uuid4())
        scope["state"] = {"visitor": visitor, "request_id": request_id}
        guard_cookies(scope, visitor)
        lines = [*HEADERS, (b"x-request-id", request_id.encode())]
        if visitor.scheme == "https":
            lines.append(TLS_ONLY)
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = message["headers"]
                if all(name != b"content-security-policy" for name, _ in headers):
                    headers = [*headers, API_POLICY]
                message = {**message, "headers": [*headers, *lines]}
            await send(message)

        try:
            try:
                self._judge_host(visitor)
                judge_framing(scope)
                await self._app(scope, receive, sending)
            except Refusal as refusal:
                await self._answer(problem_answer(refusal, request_id), sending, status)
            except Disconnected:
                status = 499  # nobody is there to be answered
            except Exception:
                logger.exception("a request failed", extra=self._about(scope, request_id))
                await self._answer(bug_answer(request_id), sending, status)
        finally:
            self._note(scope, request_id, status, time.perf_counter() - began)

    def _judge_host(self, visitor: Visitor) -> None:
        if not self._hosts.is_ours(visitor.host):
            raise wrong_host()

    async def _answer(self, answer: Answer, send: Send, begun: int) -> None:
        if not begun:
            await send_answer(send, answer)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        visitor = self._hosts.visitor(scope)
        scope["state"] = {"visitor": visitor, "request_id": str(uuid4())}
        guard_cookies(scope, visitor)
        if not self._hosts.is_ours(visitor.host):
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        await self._app(scope, receive, send)

    def _note(self, scope: Scope, request_id: str, status: int, seconds: float) -> None:
        route = scope["state"].get("route", "other")
        method = scope["method"] if route != "other" else "other"
        self._metrics.count_request(method, route, status, seconds)
        if access.isEnabledFor(logging.INFO) and route not in UNLOGGED:
            access.info(
                "request",
                extra={
                    **self._about(scope, request_id),
                    "status": status,
                    "milliseconds": round(seconds * 1000, 2),
                },
            )

    def _about(self, scope: Scope, request_id: str) -> dict[str, object]:
        """What a log line may say: of the path only what was matched and checked (nights, table
        numbers, ids), of the query and the headers nothing."""
        state = scope["state"]
        about = {
            "request_id": request_id,
            "method": scope["method"][:10],
            "route": state.get("route", "other"),
        }
        if "actor" in state:
            about["actor"] = state["actor"]
        return {**about, **state.get("path", {})}


def judge_framing(scope: Scope) -> None:
    """Raises Problem: a body in an encoding that the server in front may have read otherwise."""
    said = values(scope["headers"], b"transfer-encoding")
    if said and [one.strip().lower() for one in said] != ["chunked"]:
        raise Problem(
            400, "malformed_request", "Send the body with Content-Length, or chunked and no more."
        )


def guard_cookies(scope: Scope, visitor: Visitor) -> None:
    """Nobody further in sees a cookie that a neighbouring site could have set."""
    if visitor.scheme == "https":
        scope["headers"] = only_guarded(scope["headers"])


def wrong_host() -> Problem:
    return Problem(
        421,
        "wrong_host",
        "This service does not answer to that host name. Use its public address, or add the name "
        "to ALLOWED_HOSTS.",
    )
