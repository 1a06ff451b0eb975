"""The public interface as the people of the night use it: guests, staff with a cookie, devices.

Each call comes back as an Answer, whatever it says: a refusal is part of the night. What is tried
again is the same request under the same key, so that it happens once.
"""

import asyncio
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import msgspec
from msgspec import Struct

from app.settings import WILDCARDS, Settings

# A service that is started again is back in a few seconds; who waits longer goes on without it.
PATIENCE_SECONDS: Final = 20.0
TIMEOUT_SECONDS: Final = 10.0
PAUSE_SECONDS: Final = 0.2
# Whence the demo itself asks, so that it spends no limits of people at this machine.
HOUSE: Final = "198.18.0.1"
AGAIN: Final = (429, 502, 503, 504)


class Answer(Struct, frozen=True):
    """What came back: `status` 0 when nothing did within the patience."""

    status: int
    body: dict[str, Any]

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def reason(self) -> str:
        """The refusal's stable word; "" when it is none."""
        return "" if self.ok else str(self.body.get("reason", "no_answer"))

    @property
    def is_fault(self) -> bool:
        """The service failed, instead of answering or asking to come back."""
        return self.status >= 500


class Interface:
    """One client of the service; who it speaks for is said with each call."""

    def __init__(self, settings: Settings, origin: str) -> None:
        self._origin = origin
        secure = settings.tls_certificate is not None
        host = {WILDCARDS[0]: "127.0.0.1", WILDCARDS[1]: "::1"}.get(settings.host, settings.host)
        near = f"[{host}]" if ":" in host else host
        self._client = httpx.AsyncClient(
            base_url=f"{'https' if secure else 'http'}://{near}:{settings.port}",
            headers={"Host": urlsplit(origin).netloc, **guest(HOUSE)},
            timeout=TIMEOUT_SECONDS,
            # The certificate is for the public name, and this is the same machine.
            verify=not secure,
            trust_env=False,
        )
        self.answers: dict[int, int] = {}  # how many of each status, 0: none came
        self.held: set[str] = set()  # the bookings that were held by this interface

    async def close(self) -> None:
        await self._client.aclose()

    async def get(self, path: str, who: dict[str, str] | None = None, **query: str) -> Answer:
        return await self._send("GET", path, who or {}, None, query)

    async def post(
        self,
        path: str,
        who: dict[str, str] | None = None,
        body: dict[str, Any] | None = None,
        *,
        method: str = "POST",
    ) -> Answer:
        """A write, under a key of its own."""
        headers = {"Idempotency-Key": str(uuid4()), "Origin": self._origin, **(who or {})}
        return await self._send(method, path, headers, body or {}, {})

    async def sign_in(self, link: str) -> dict[str, str]:
        """The headers of a session. Raises CannotSignIn."""
        try:
            response = await self._client.post(
                "/v1/session", json={"link": link}, headers={"Origin": self._origin}
            )
        except httpx.HTTPError as error:
            raise CannotSignIn(f"the service did not answer: {type(error).__name__}") from error
        cookie = response.headers.get("set-cookie", "").split(";")[0]
        self._client.cookies.clear()
        if response.status_code != 201 or not cookie:
            raise CannotSignIn(f"the demo's sign-in link was answered by {response.status_code}")
        return {"Cookie": cookie}

    async def _send(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        body: dict[str, Any] | None,
        query: dict[str, str],
    ) -> Answer:
        clock = asyncio.get_running_loop().time
        deadline = clock() + PATIENCE_SECONDS
        pause = PAUSE_SECONDS
        while True:
            answer, wait = await self._try(method, path, headers, body, query)
            if answer.status not in (0, *AGAIN) or clock() + (wait or pause) > deadline:
                self.answers[answer.status] = self.answers.get(answer.status, 0) + 1
                return answer
            await asyncio.sleep(wait or pause)
            pause = min(2.0, pause * 2)

    async def _try(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        body: dict[str, Any] | None,
        query: dict[str, str],
    ) -> tuple[Answer, float | None]:
        """One attempt, and how long the service asks to wait."""
        try:
            response = await self._client.request(
                method, path, headers=headers, json=body, params=query
            )
        except httpx.HTTPError as error:
            return Answer(0, {"reason": "no_answer", "detail": type(error).__name__}), None
        try:
            document = msgspec.json.decode(response.content) if response.content else {}
        except msgspec.DecodeError:
            document = {}
        wait = response.headers.get("retry-after", "")
        return (
            Answer(response.status_code, document if isinstance(document, dict) else {}),
            float(wait) if wait.isdigit() else None,
        )


class CannotSignIn(Exception):
    """Without a session there is no night to play."""


def guest(address: str) -> dict[str, str]:
    """A stranger who asks from the address: the demo's service believes a proxy on loopback."""
    return {"X-Forwarded-For": address}


def owner(address: str, token: str) -> dict[str, str]:
    """Whoever holds the booking's token."""
    return {"X-Forwarded-For": address, "Authorization": f"Bearer {token}"}


def device(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
