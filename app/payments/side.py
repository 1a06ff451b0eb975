"""Stripe's side: every call that the service makes of it, through Stripe's own client.

Each call has a time-out, at most one retry (by the client, under the same idempotency key) and the
circuit breaker before it. What comes back is read into the few facts of `app.domain.payments`; no
card number, name or address is among them.
"""

import asyncio
import logging
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, TypeVar

import msgspec
import stripe

from app.domain.payments import IntentStatus, SeenDispute, SeenIntent, SeenRefund
from app.errors import NotReady
from app.payments.breaker import Breaker, CircuitOpen

logger = logging.getLogger(__name__)

# Stripe answers in 0.3 to 1 s. One try and one retry end within the deadline, and the deadline
# within the lease of the worker that asks.
TRY_SECONDS: Final = 4.0
RETRIES: Final = 1
DEADLINE_SECONDS: Final = 9.0
PAGE: Final = 100
PAGES_MAX: Final = 50  # of one look over everything; more than 5000 intents are not looked through

_STATUS: Final[dict[str, IntentStatus]] = {
    "succeeded": "succeeded",
    "canceled": "canceled",
}
_EXPANDED: Final = ["latest_charge"]
_OWN_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

Got = TypeVar("Got")


class Refused(Exception):
    """Stripe understood and said no. `word` is its code: "charge_already_refunded"."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


class AnsweredBroken(NotReady):
    """Stripe answered with an error of its own. It repeats that answer under the same key for a
    day, so that the next try needs another one."""


class _Http(stripe.HTTPXClient):
    """Stripe's own, which names the body as httpx has deprecated."""

    def _get_request_args_kwargs(self, *asked: Any) -> tuple[list[str], dict[str, Any]]:
        arguments, more = super()._get_request_args_kwargs(*asked)
        body = more.pop("data") or None
        return arguments, {**more, "content": body}


class Side:
    """One worker's client of Stripe, or of what stands in for it at `api_url`."""

    def __init__(
        self, api_key: str, *, api_url: str = "", clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.breaker = Breaker(clock)
        self.calls: Counter[tuple[str, str]] = Counter()  # (call, how it ended)
        self._http = _Http(timeout=TRY_SECONDS)
        self._client = stripe.StripeClient(
            api_key,
            base_addresses={"api": api_url} if api_url else None,
            max_network_retries=RETRIES,
            http_client=self._http,
        )

    async def close(self) -> None:
        await self._http.close_async()  # type: ignore[no-untyped-call]

    def judge(self) -> None:
        """Raises NotReady `payments_away`: nothing is asked of Stripe now, so begin nothing."""
        if self.breaker.state == "open":
            raise away(1.0)

    async def probe(self) -> None:
        """Whether Stripe answers again, when nobody has anything to ask of it. Raises NotReady."""
        with suppress(Refused):
            await self._asked("probe", self._client.v1.payment_intents.list_async({"limit": 1}))

    async def create_intent(
        self, *, key: str, amount_pence: int, currency: str, metadata: dict[str, str]
    ) -> SeenIntent:
        """The intent of that key; the same key gives the same one. Raises NotReady, Refused."""
        made = await self._asked(
            "create_intent",
            self._client.v1.payment_intents.create_async(
                {
                    "amount": amount_pence,
                    "currency": currency,
                    "allowed_payment_method_types": ["card"],
                    "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
                    "metadata": metadata,
                },
                {"idempotency_key": key},
            ),
        )
        return seen_intent(made.to_dict())

    async def fetch_intent(self, stripe_id: str) -> SeenIntent:
        """The intent as it is now, with the refunds of its charge. Raises NotReady, Refused."""
        found = await self._asked(
            "fetch_intent",
            self._client.v1.payment_intents.retrieve_async(stripe_id, {"expand": _EXPANDED}),
        )
        return await self._with_refunds(seen_intent(found.to_dict()))

    async def cancel_intent(self, stripe_id: str) -> SeenIntent:
        """The intent, which nobody can pay any more. Raises NotReady; Refused: it is paid, or was
        cancelled before."""
        done = await self._asked(
            "cancel_intent", self._client.v1.payment_intents.cancel_async(stripe_id)
        )
        return seen_intent(done.to_dict())

    async def refund(
        self, *, key: str, intent: str, amount_pence: int, metadata: dict[str, str]
    ) -> None:
        """So much goes back to the card. Raises NotReady, Refused."""
        await self._asked(
            "refund",
            self._client.v1.refunds.create_async(
                {"payment_intent": intent, "amount": amount_pence, "metadata": metadata},
                {"idempotency_key": key},
            ),
        )

    async def fetch_dispute(self, stripe_id: str) -> SeenDispute:
        """The dispute as it is now. Raises NotReady, Refused."""
        found = (
            await self._asked("fetch_dispute", self._client.v1.disputes.retrieve_async(stripe_id))
        ).to_dict()
        return SeenDispute(
            stripe_id=found["id"],
            intent=_id_of(found.get("payment_intent")),
            amount_pence=found["amount"],
            status=found["status"],
        )

    async def list_intents(self, since: float) -> AsyncIterator[SeenIntent]:
        """The intents made since then (seconds of the epoch), without their refunds."""
        after: str | None = None
        for _ in range(PAGES_MAX):
            asked: dict[str, Any] = {"limit": PAGE, "expand": ["data.latest_charge"]}
            if after is not None:
                asked["starting_after"] = after
            page = (
                await self._asked(
                    "list_intents",
                    self._client.v1.payment_intents.list_async(asked),  # type: ignore[arg-type]
                )
            ).to_dict()
            found = page["data"]
            for one in found:
                if one["created"] >= since:
                    yield seen_intent(one)
            # Stripe lists the newest first, the stand-in the oldest: only the former may stop here.
            newest_first = bool(found) and found[0]["created"] > found[-1]["created"]
            if not page["has_more"] or (newest_first and found[-1]["created"] < since):
                return
            after = found[-1]["id"]

    async def _with_refunds(self, seen: SeenIntent) -> SeenIntent:
        if seen.charge_id is None or seen.status != "succeeded":
            return seen
        page = (
            await self._asked(
                "list_refunds",
                self._client.v1.refunds.list_async({"charge": seen.charge_id, "limit": PAGE}),
            )
        ).to_dict()
        return msgspec.structs.replace(seen, refunds=tuple(map(seen_refund, page["data"])))

    async def _asked(self, call: str, asking: Awaitable[Got]) -> Got:
        """The answer. Raises NotReady `payments_away`: none; Refused: no."""
        try:
            self.breaker.judge()
        except CircuitOpen as broken:
            if asyncio.iscoroutine(asking):
                asking.close()
            self.calls[call, "not_asked"] += 1
            raise away(broken.seconds) from None
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                answer = await asking
        except (stripe.InvalidRequestError, stripe.CardError, stripe.IdempotencyError) as error:
            self.breaker.succeeded()
            self.calls[call, "refused"] += 1
            raise Refused(str(error.code or error.http_status or "refused")) from error
        except (stripe.StripeError, TimeoutError, OSError) as error:
            self.breaker.failed()
            self.calls[call, "failed"] += 1
            logger.warning("Stripe did not answer %s: %s", call, type(error).__name__)
            if (getattr(error, "http_status", None) or 0) >= 500:
                raise away(1.0, AnsweredBroken) from error
            raise away(1.0) from error
        self.breaker.succeeded()
        self.calls[call, "answered"] += 1
        return answer


def away(seconds: float, kind: type[NotReady] = NotReady) -> NotReady:
    """What somebody is told who wants to pay while Stripe cannot be reached."""
    return kind(
        "payments_away",
        "Card payments can't be reached at the moment. Nothing was taken: try again in a minute, "
        "or pay at the desk.",
        retry_after_seconds=max(1, round(seconds)),
    )


def seen_intent(found: dict[str, Any]) -> SeenIntent:
    """The facts of a PaymentIntent as the API gives it."""
    error = found.get("last_payment_error") or {}
    metadata = found.get("metadata") or {}
    status: IntentStatus = _STATUS.get(found["status"], "waiting")
    failed = _id_of(error.get("charge"))
    if status == "waiting" and error:
        status = "failed"
        failed = failed or f"{found['id']}:{error.get('code')}"
    return SeenIntent(
        stripe_id=found["id"],
        status=status,
        amount_pence=found["amount"],
        # The stand-in does not say how much it received: it knows no partial capture.
        received_pence=found.get("amount_received", found["amount"]),
        currency=found["currency"],
        booking_id=_own_id(metadata.get("booking_id")),
        intent_id=_own_id(metadata.get("deposit_id")),
        client_secret=found.get("client_secret") or "",
        charge_id=_id_of(found.get("latest_charge")),
        failed_charge=failed,
        failure=error.get("decline_code") or error.get("code"),
        needs_action=found["status"] == "requires_action",
    )


def seen_refund(found: dict[str, Any]) -> SeenRefund:
    return SeenRefund(
        stripe_id=found["id"],
        refund_id=_own_id((found.get("metadata") or {}).get("refund_id")),
        amount_pence=found["amount"],
        status=found["status"],
        failure=found.get("failure_reason"),
    )


def _own_id(text: Any) -> str | None:
    """An id that we wrote there; whatever others of this account write there is none."""
    return text if isinstance(text, str) and _OWN_ID.fullmatch(text) else None


def _id_of(reference: Any) -> str | None:
    """The id of an object that may be expanded."""
    found = reference.get("id") if isinstance(reference, dict) else reference
    return found if isinstance(found, str) else None
