"""uvicorn's HTTP protocol with an end to waiting: a request's head has a size and a time.

uvicorn waits for ever for a head that does not end, and keeps all of it: one connection that sent a
header of 50 MB cost 80 MB, and one that sent three bytes was still open after 40 s. A body has the
same two limits in `app.web.bodies`; the pause between requests is uvicorn's own.

The class relies on attributes that uvicorn does not promise; `tests/unit/web/test_connection.py`
holds the contract for the locked version.
"""

import asyncio
from typing import Any, Final
from uuid import uuid4

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from app.web.answers import Answer
from app.web.envelope import API_POLICY, HEADERS
from app.web.problems import Problem, problem_answer

# A browser's head has 1 to 3 KB, with every cookie that a host may set 30 KB. Whole reads are
# counted from the second one on (the first is 256 KB at most), so this is where waiting ends.
HEAD_BYTES: Final = 64 * 1024
HEAD_SECONDS: Final = 10.0  # from its first byte to its end; as long as a body may take


class HttpConnection(HttpToolsProtocol):
    """One connection and its requests, until it is a WebSocket or closed."""

    _deadline: asyncio.TimerHandle | None = None
    _in_head = False
    _head_bytes = 0
    _is_websocket = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # One that says nothing waits as long as one between two requests.
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def connection_lost(self, exc: Exception | None) -> None:
        self._unset_deadline()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        was_in_head = self._in_head
        super().data_received(data)
        if self._is_websocket or self.transport.is_closing():
            return
        if was_in_head and self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES:
                self._refuse(
                    431,
                    "head_too_large",
                    f"The request's headers are larger than {HEAD_BYTES // 1024} KiB. Send less.",
                )
                return
        # Also for what begins no request, as the rest of a body after its answer: nothing that
        # trickles in keeps a connection for longer.
        if self._deadline is None and (self._in_head or self._is_idle()):
            self._deadline = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._unset_deadline()
        if not self.url.startswith(b"/"):
            self._believe_target()
        super().on_headers_complete()

    def _believe_target(self) -> None:
        """`GET http://name/path`: the name in it is the host, whatever the header says.

        Source: RFC 9112 section 3.2.2. A proxy in front decided by that name.
        """
        target = httptools.parse_url(self.url)
        if target.host is not None:
            name = b"[%b]" % target.host if b":" in target.host else target.host
            port = b":%d" % target.port if target.port else b""
            lines = [line for line in self.headers if line[0] != b"host"]
            self.headers[:] = [*lines, (b"host", name + port)]

    def _unsupported_upgrade_warning(self) -> None:
        # The parser has dropped whatever came behind: another request, whose sender would take the
        # next answer for its own. So this answer is the connection's last.
        self.cycle.keep_alive = False

    def handle_websocket_upgrade(self) -> None:
        if not self._is_idle():
            # Nobody would tell the answer's application any more that the line is free, or gone: it
            # would wait for ever, and the server's stop for it.
            self.transport.close()
            return
        self._is_websocket = True  # the transport has another protocol from here on
        super().handle_websocket_upgrade()
        protocol: Any = self.transport.get_protocol()
        # A head that it cannot read (a body, a line of 8 KB, 128 lines) ends its parser and nothing
        # else: uvicorn would keep the connection for ever.
        if protocol.conn.handshake_exc is not None and not self.transport.is_closing():
            self._refuse(400, "malformed_request", "This is no WebSocket handshake. Send less.")

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's sentence
        """Whatever is not HTTP is refused as everything else is: by a problem document."""
        self._refuse(400, "malformed_request", "This is not an HTTP/1.1 request.")

    def _give_up(self) -> None:
        self._deadline = None
        if self._in_head:
            self._refuse(
                408,
                "head_too_slow",
                f"The request's headers did not arrive within {HEAD_SECONDS:.0f} s. Send it again.",
            )
        elif self._is_idle():
            self.transport.close()

    def _refuse(self, status: int, reason: str, detail: str) -> None:
        if self.transport.is_closing():
            return
        if self._is_idle():
            request_id = str(uuid4())
            answer = problem_answer(Problem(status, reason, detail), request_id)
            self.transport.write(written(answer, request_id))
        self.transport.close()  # before an earlier answer is out, nothing may be written

    def _is_idle(self) -> bool:
        """Whether no answer is owed."""
        cycle: Any = self.cycle  # None before the first request, whatever uvicorn's types say
        return cycle is None or bool(cycle.response_complete)

    def _unset_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def written(answer: Answer, request_id: str) -> bytes:
    """The answer as it goes over the wire, the last one of its connection."""
    lines = [
        (b"content-type", answer.content_type.encode()),
        (b"content-length", str(len(answer.body)).encode()),
        (b"cache-control", answer.cache_control.encode()),
        API_POLICY,
        *HEADERS,
        (b"x-request-id", request_id.encode()),
        (b"connection", b"close"),
    ]
    head = b"".join(name + b": " + value + b"\r\n" for name, value in lines)
    return STATUS_LINE[answer.status] + head + b"\r\n" + answer.body
