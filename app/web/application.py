"""The ASGI application of a worker, put together from its parts."""

from collections.abc import Iterable

from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import BaseRoute, Route, Router, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from app.actions.identity import find_session_by_id
from app.domain.principals import ANONYMOUS, Principal
from app.errors import NotFound, NotSignedIn
from app.live.sockets import serve_socket
from app.web.cookies import Headers, find_cookie
from app.web.endpoint import Endpoint, Methods
from app.web.envelope import Envelope
from app.web.identify import COOKIES, identify, principal_of
from app.web.operations import SAFE, Operation
from app.web.pages import PAGES, STATIC, Files, Page, StaticFiles
from app.web.parts import Parts
from app.web.problems import Problem
from app.web.release import DoorWorker
from app.web.visitors import Visitor

GZIP_BYTES = 1024  # below this the header costs what the compression saves


def build(parts: Parts, operations: Iterable[Operation]) -> ASGIApp:
    """The whole web side: every operation of the table, the screens, the socket."""
    router = Router(
        [
            *routes(parts, operations),
            *screens(),
            WebSocketRoute("/ws", socket_of(parts)),
            Route("/ws", Named("/ws", no_handshake)),
        ],
        redirect_slashes=False,
        default=no_route,
    )
    # Level 4: a floor document of 40 KB in 0.5 ms, and 3 % larger than level 9 makes it.
    compressed = GZipMiddleware(router, minimum_size=GZIP_BYTES, compresslevel=4)
    return Envelope(compressed, parts.hosts, parts.metrics)


def routes(parts: Parts, operations: Iterable[Operation]) -> list[BaseRoute]:
    """One route for each path, with the endpoint of each of its methods."""
    by_path: dict[str, dict[str, Endpoint]] = {}
    for operation in operations:
        by_path.setdefault(operation.path, {})[operation.method] = Endpoint(operation, parts)
    return [Route(path, Named(path, Methods(ends))) for path, ends in by_path.items()]


def screens() -> list[BaseRoute]:
    files = Files(STATIC)
    pages: list[BaseRoute] = [
        Route(path, Named(path, Page(files, name, needs))) for path, (name, needs) in PAGES.items()
    ]
    return [
        *pages,
        Route("/door-worker.js", Named("/door-worker.js", DoorWorker(STATIC))),
        Route("/static/{name:path}", Named("/static", StaticFiles(files))),
    ]


class Named:
    """Tells the envelope which route answers, for the log and the metrics."""

    def __init__(self, name: str, app: ASGIApp) -> None:
        self._name = name
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"]["route"] = self._name
        await self._app(scope, receive, send)


async def no_route(scope: Scope, receive: Receive, send: Send) -> None:
    """Raises NotFound; a socket that asks for another address is refused."""
    if scope["type"] == "websocket":
        await WebSocket(scope, receive, send).close()
        return
    raise NotFound("route_not_found", "There is nothing at this address. See /docs.")


async def no_handshake(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
    """Raises Problem: `/ws` is there, and speaks WebSocket only. A proxy that does not pass the
    handshake's Upgrade on ends here too, so the sentence says what to look at."""
    if scope["method"] not in SAFE:
        raise Problem(
            405, "method_not_allowed", "This address takes GET, HEAD.",
            headers={"Allow": "GET, HEAD"},
        )  # fmt: skip
    raise Problem(
        426,
        "upgrade_required",
        "This address speaks WebSocket, subprotocol backroom.v1: open it with a WebSocket client "
        "(ws:// or wss://). Behind a proxy, let it pass Upgrade and Connection on.",
        headers={"Upgrade": "websocket", "Connection": "Upgrade"},  # RFC 9110, section 7.8
    )


def socket_of(parts: Parts) -> ASGIApp:
    """`/ws`: who speaks is known by the token in the hello, else by the session's cookie."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        visitor: Visitor = scope["state"]["visitor"]
        # Behind a proxy that ends TLS the connection is plain, and the page's origin is not.
        scheme = "wss" if visitor.scheme == "https" else "ws"
        scope = {**scope, "scheme": scheme}
        websocket = WebSocket(scope, receive, send)

        session_id = ""  # once known: the cookie is another one after a step-up

        async def who(token: str | None) -> Principal:
            nonlocal session_id
            if session_id:
                found_again = await find_session_by_id(parts.db, session_id)
                if found_again is None:
                    raise NotSignedIn("not_signed_in", "The session is over. Sign in again.")
                return found_again.principal
            if token is not None:
                found = await principal_of(parts.db, token)
                if found is None:
                    raise NotSignedIn("token_refused", "This token is not valid any more.")
                return found
            # The headers are read again each time: the socket forgets the cookie of a stranger.
            headers = [line for line in scope["headers"] if line[0] == b"cookie"]
            principal = (await identify(parts.db, headers)).get()
            session_id = principal.session_id
            if principal is ANONYMOUS and has_session(headers):
                raise NotSignedIn("not_signed_in", "The session is over. Sign in again.")
            return principal

        address = "" if visitor.is_near else visitor.address
        await serve_socket(parts.live, websocket, who, address)

    return _Socket(serve)


def has_session(headers: Headers) -> bool:
    """Whether the browser sent a session's cookie at all."""
    return find_cookie(headers, COOKIES) is not None


class _Socket:
    """A plain ASGI application: Starlette would take a function for an endpoint."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)
