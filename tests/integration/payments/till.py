"""A house that takes deposits online: the real client of Stripe against what stands in for it.

The stand-in is a process, as it is served. What Stripe would tell by webhooks is signed and
delivered in this process, so that a test chooses which of it comes, when, and how often.
"""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import msgspec
import stripe

from app.actions.bookings import cancel_booking
from app.actions.deposits import settle_intent
from app.actions.refunds import refund_booking
from app.actions.sweeper import sweep
from app.db.pool import Database
from app.domain.payments import SeenDispute, SeenIntent
from app.domain.principals import ANONYMOUS
from app.payments.deposits import pay_hold
from app.payments.money import Money
from app.payments.side import Refused, Side
from app.payments.test_card import use_test_card
from app.payments.webhook import receive
from app.payments.work import compare, work
from app.settings import Settings
from app.wire import Contact, RefundBooking
from floorplan.venue import load_venue
from tests.integration.changing import contradictions
from tests.integration.customers import owner_of
from tests.integration.floor import NIGHT, House, house, read

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_SECONDS = 20.0


class StandIn:
    """What stands in for Stripe, as a process; `changed` are the settings that reach it."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        secret, address = f"whsec_{secrets.token_hex(16)}", f"http://127.0.0.1:{port}"
        self.changed: dict[str, Any] = {
            "stripe_api_key": "sk_test_stand_in",
            "stripe_webhook_secrets": (secret,),
            "stripe_api_url": address,
        }
        self._environment = {
            "PATH": os.environ["PATH"],
            "BACKROOM_DATA": str(folder),
            "STRIPE_API_KEY": "sk_test_stand_in",
            "STRIPE_WEBHOOK_SECRET": secret,
            "STRIPE_API_URL": address,
            "PORT": "9",  # nobody listens there: its own webhooks go nowhere
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """It answers, with all that it knew before."""
        process = self._process = subprocess.Popen(
            [sys.executable, "-m", "app", "stand-in", "--parent", str(os.getpid())],
            cwd=ROOT, env=self._environment, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                httpx.get(self.changed["stripe_api_url"] + "/v1/charges")
            except httpx.TransportError:
                assert process.poll() is None, "what stands in for Stripe ended"
                assert time.monotonic() < deadline, "what stands in for Stripe does not answer"
            else:
                return

    def stop(self) -> None:
        """Nobody answers."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE_SECONDS)
            self._process = None


@contextmanager
def stand_in(folder: Path) -> Iterator[dict[str, Any]]:
    """What stands in for Stripe, as a process; the settings by which a service reaches it."""
    made = StandIn(folder)
    try:
        made.start()
        yield made.changed
    finally:
        made.stop()


class Died(BaseException):
    """The process is gone at this step: nothing catches it, and nothing after it happens."""


class Watched(Side):
    """Stripe's side with what the stand-in lacks, and with places to die at.

    `disputes` are told as they stand here, and so are the intents in `shown`; those in `other` are
    as the stand-in has them but for what is said here; refunds in `turned` have that status,
    whatever the stand-in says. `at` is called with "before" or "after" and the
    name of each call, and may raise.
    """

    def __init__(self, api_key: str, api_url: str, clock: Callable[[], float]) -> None:
        super().__init__(api_key, api_url=api_url, clock=clock)
        self.disputes: dict[str, SeenDispute] = {}
        self.shown: dict[str, SeenIntent] = {}
        self.other: dict[str, dict[str, Any]] = {}
        self.turned: dict[str, str] = {}
        self.at: Callable[[str, str], None] = lambda when, call: None
        self.asked: list[str] = []

    async def _asked(self, call: str, asking: Any) -> Any:
        self.asked.append(call)
        try:
            self.at("before", call)
        except BaseException:
            asking.close()
            raise
        answer = await super()._asked(call, asking)
        self.at("after", call)
        return answer

    async def fetch_intent(self, stripe_id: str) -> SeenIntent:
        if stripe_id in self.shown:
            return self.shown[stripe_id]
        seen = await super().fetch_intent(stripe_id)
        return msgspec.structs.replace(seen, **self.other.get(stripe_id, {}))

    async def _with_refunds(self, seen: SeenIntent) -> SeenIntent:
        seen = await super()._with_refunds(seen)
        return msgspec.structs.replace(
            seen,
            refunds=tuple(
                msgspec.structs.replace(one, status=self.turned.get(one.stripe_id, one.status))
                for one in seen.refunds
            ),
        )

    async def fetch_dispute(self, stripe_id: str) -> SeenDispute:
        if stripe_id not in self.disputes:
            raise Refused("resource_missing")
        return self.disputes[stripe_id]


class Till:
    """The house with its money."""

    def __init__(self, house: House, settings: Settings) -> None:
        self.house = house
        self.settings = settings
        self.money = Money(settings, house.db, load_venue(), house.vault)
        self.clock = 0.0  # the circuit breaker's, in seconds
        self.side = Watched(settings.stripe_api_key, settings.stripe_api_url, lambda: self.clock)
        self.money.side = self.side
        self._events = self._guests = 0
        self._owner: asyncpg.Connection | None = None

    @asynccontextmanager
    async def _looking(self) -> AsyncIterator[asyncpg.Connection]:
        """The owner's connection, which is kept: a test looks a hundred times, and one by one."""
        if self._owner is None:
            self._owner = await asyncpg.connect(self.settings.owner_database_url)
        yield self._owner

    async def close(self) -> None:
        await self.side.close()
        if self._owner is not None:
            await self._owner.close()

    async def held(self, numbers: list[int], party: int = 4) -> dict[str, Any]:
        """Another stranger's hold, with the owner's token."""
        self._guests += 1
        # With an address, so that there are messages to count.
        contact = Contact("Ada Lovelace", email=f"ada{self._guests}@example.org")
        return await self.house.hold(numbers, party, by=ANONYMOUS, contact=contact)

    async def paid(self, numbers: list[int], party: int = 4) -> dict[str, Any]:
        """A stranger's booking, its deposit paid online; with the owner's token."""
        held = await self.held(numbers, party)
        await self.begin(held)
        assert (await self.card(held))["status"] == "confirmed"
        return held

    async def cancel(self, booking: dict[str, Any]) -> dict[str, Any]:
        """The guest cancels."""
        caller = self.house.caller(owner_of(booking))
        return read(await cancel_booking(self.house.db, caller, booking["booking_id"]))

    async def begin(self, booking: dict[str, Any], key: str | None = None) -> dict[str, Any]:
        caller = self.house.caller(owner_of(booking), key, booking["booking_id"])
        return read(await pay_hold(self.money, caller, booking["booking_id"]))

    async def card(self, booking: dict[str, Any], card: str = "pays") -> dict[str, Any]:
        """The test card does it, and the page looks at once."""
        caller = self.house.caller(owner_of(booking))
        return read(await use_test_card(self.money, caller, booking["booking_id"], card))

    async def paid_unseen(self, booking: dict[str, Any], card: str = "pays") -> str:
        """The payment was begun and confirmed at Stripe, and nobody here has looked since."""
        from app.payments.test_card import _use  # noqa: PLC0415

        await self.begin(booking)
        intent = await self.intent_of(booking)
        await _use(self.money, intent, card)
        return intent

    async def find_intent_of(self, booking: dict[str, Any]) -> str | None:
        """Stripe's id of the booking's last intent; None: nobody here knows one."""
        async with self._looking() as conn:
            found: str | None = await conn.fetchval(
                "SELECT stripe_id FROM payment_intent WHERE booking_id = $1"
                " ORDER BY attempt DESC LIMIT 1",
                booking["booking_id"],
            )
        return found

    async def intent_of(self, booking: dict[str, Any]) -> str:
        found = await self.find_intent_of(booking)
        assert found is not None, "nothing was begun"
        return found

    async def settled(self, intent: str) -> str:
        """The intent is looked at once, and what it brings is in the rows."""
        seen = await self.side.fetch_intent(intent)
        return await settle_intent(self.house.db, self.house.venue, self.house.vault, seen)

    async def fetched(self, intent: str) -> SeenIntent:
        return await self.side.fetch_intent(intent)

    def event(self, kind: str, intent: str, dispute: str | None = None) -> bytes:
        """An event as Stripe would send it, with what must not be read in it."""
        self._events += 1
        about: dict[str, Any] = {"object": "payment_intent", "id": intent}
        if kind.startswith("charge.dispute"):
            about = {"object": "dispute", "id": dispute, "payment_intent": intent}
        elif kind.startswith("charge"):
            about = {"object": "charge", "id": "ch_1", "payment_intent": intent}
        about |= {"status": "a lie", "billing_details": {"name": "Ada Lovelace"}}
        return json.dumps(
            {
                "id": f"evt_{self._events}", "object": "event", "type": kind, "livemode": False,
                "created": 1, "data": {"object": about},
            }
        ).encode()  # fmt: skip

    def signed(self, body: bytes, *, at: int | None = None) -> str:
        secret = self.settings.stripe_webhook_secrets[0]
        header: str = stripe.WebhookSignature.generate_signature_header(body.decode(), secret, at)
        return header

    async def tell(self, body: bytes) -> bool:
        return await receive(self.money, body, self.signed(body))

    async def work(self) -> int:
        """The background work is done, whatever it waited for."""
        async with self._looking() as conn:
            await conn.execute("UPDATE stripe_inbox SET next_at = now() WHERE done_at IS NULL")
            await conn.execute("UPDATE refund SET next_at = now() WHERE status = 'pending'")
            await conn.execute("UPDATE payment_intent SET next_at = now()")
        return await work(self.money)

    async def restarted(self) -> None:
        """Another process goes on, with connections to Postgres of its own."""
        old, self.house.db = self.house.db, await Database.open(self.settings)
        await old.close()
        self.money = Money(self.settings, self.house.db, load_venue(), self.house.vault)
        self.money.side = self.side

    async def refund_all(self, booking: dict[str, Any]) -> None:
        """A manager gives back all that is kept."""
        caller = self.house.caller()
        await refund_booking(self.house.db, caller, booking["booking_id"], RefundBooking())

    async def ran_out(self, booking: dict[str, Any]) -> None:
        """The hold's time is over, and it has ended."""
        await self.all_ran_out([booking])

    async def all_ran_out(self, bookings: list[dict[str, Any]]) -> None:
        """The holds' time is over, and they have ended."""
        async with self._looking() as conn:
            await conn.execute(
                "UPDATE booking SET hold_expires_at = venue_now() WHERE id = ANY ($1::uuid[])",
                [one["booking_id"] for one in bookings],
            )
        await self.swept()

    async def swept(self) -> int:
        """What time does by itself is done."""
        return await sweep(self.house.db, self.house.venue)

    async def worked(self) -> int:
        """The background work that is due is done."""
        return await work(self.money)

    async def cancel_by_staff(self, booking: dict[str, Any]) -> dict[str, Any]:
        caller = self.house.caller()
        return read(await cancel_booking(self.house.db, caller, booking["booking_id"]))

    async def given_by_hand(self, intent: str, pence: int) -> None:
        """Somebody gives money back in Stripe's own pages."""
        key = secrets.token_hex(8)
        await self.side.refund(key=key, intent=intent, amount_pence=pence, metadata={})

    async def compared(self) -> int:
        """The hourly comparison; how many intents differed."""
        return (await compare(self.money))[1]

    async def row(self, booking: dict[str, Any]) -> dict[str, Any]:
        """What the rows say of the booking's money."""
        async with self._looking() as conn:
            found = await conn.fetchrow(
                "SELECT status, paid_pence, payment_failed, disputed FROM booking WHERE id = $1",
                booking["booking_id"],
            )
            payments = await conn.fetch(
                "SELECT amount_pence, kept_pence, refunding_pence, refunded_pence FROM payment"
                " WHERE booking_id = $1 ORDER BY amount_pence",
                booking["booking_id"],
            )
            tables = await conn.fetch(
                "SELECT number FROM booking_table WHERE booking_id = $1 AND live ORDER BY number",
                booking["booking_id"],
            )
        return {
            **dict(found),
            "payments": [tuple(row) for row in payments],
            "tables": [row["number"] for row in tables],
        }

    async def lines_of(self, booking: dict[str, Any]) -> tuple[str, ...]:
        """The kinds of the lines that the books have of the booking, in order."""
        async with self._looking() as conn:
            rows = await conn.fetch(
                "SELECT type FROM event WHERE subject = 'booking:' || $1 ORDER BY at, version",
                booking["booking_id"],
            )
        return tuple(row["type"] for row in rows)

    async def messages(self, booking: dict[str, Any] | None = None) -> Counter[str]:
        """How many messages of each kind were made for customers, or for that of the booking."""
        async with self._looking() as conn:
            rows = await conn.fetch(
                "SELECT kind FROM outbox WHERE channel = 'email'"
                "   AND ($1::uuid IS NULL OR booking_id = $1)",
                None if booking is None else booking["booking_id"],
            )
        return Counter(row["kind"] for row in rows)

    async def agrees(self, *nights: str, of: dict[str, Any] | None = None) -> None:
        """Book = fold = rows, and Stripe's paid = confirmed + refunded + refund pending; of one
        booking at Stripe alone, and without the chain of the book, where one is given."""
        for night in nights or (NIGHT,):
            await self.house.agrees(night)
        if of is None:
            assert await contradictions(self.house, *(nights or (NIGHT,))) == []
        async with self._looking() as conn:
            rows = await conn.fetch(
                "SELECT i.stripe_id, p.* FROM payment_intent i"
                "  LEFT JOIN payment p ON p.intent_id = i.id WHERE i.stripe_id IS NOT NULL"
                "   AND ($1::uuid IS NULL OR i.booking_id = $1)",
                None if of is None else of["booking_id"],
            )
            # What is kept is for a booking that stands, or by the policy of one that was cancelled.
            astray = await conn.fetch(
                "SELECT b.status, p.kept_pence FROM payment p JOIN booking b ON b.id = p.booking_id"
                " WHERE p.kept_pence > 0 AND b.status IN ('pending', 'expired', 'released')"
            )
        assert astray == []
        for row in rows:
            seen = await self.side.fetch_intent(row["stripe_id"])
            paid = seen.received_pence if seen.status == "succeeded" else 0
            assert paid == (row["amount_pence"] or 0)
            if paid:
                parts = ("kept_pence", "refunding_pence", "refunded_pence")
                assert paid == sum(row[part] for part in parts)
                assert seen.refunded_pence == row["refunded_pence"]


@asynccontextmanager
async def till(settings: Settings, changed: dict[str, Any]) -> AsyncIterator[Till]:
    settings = replace(settings, **changed)
    async with house(settings) as made:
        opened, first = Till(made, settings), made.db
        try:
            yield opened
        finally:
            await opened.close()
            if made.db is not first:
                await made.db.close()
