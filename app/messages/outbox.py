"""Sends what is in the outbox: at least once, in order for each person, and never for ever.

A message is taken under a lease, composed of what is true now, handed to its carrier, and settled.
A worker that dies in between leaves the lease to end, and another sends the message again under
the same Message-ID, by which mail programs show it once. What fails is tried ten times over ten
hours and is then dead: in a list that a manager reads and can replay. Without a carrier a message
is `kept` and shown as such, never as sent.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Final
from urllib.parse import urlsplit
from uuid import uuid4

from msgspec import Struct

from app.db import outbox as rows
from app.db.outbox import BookingFacts, Counts, MessageFacts, Taken
from app.db.pool import Database
from app.domain.calendar import calendar_of
from app.domain.calendar_addresses import address_of
from app.domain.contacts import PersonalData, open_person
from app.domain.entry_codes import entry_code
from app.domain.letters import Letter, greeting, short_day
from app.domain.manage_links import link_key, message_link
from app.domain.principals import Principal
from app.domain.retries import TRIES_AT_MOST, wait_after
from app.domain.sealing import Unopened, Vault
from app.domain.signed_links import BOOKING_CALENDAR, OFFER, mint
from app.errors import Refusal
from app.messages.carriers import (
    SENDING_SECONDS,
    MailCarrier,
    NotTaken,
    Refused,
    SmsCarrier,
)
from app.messages.composing import Silent, entries_of, letter_of, offer_link_of
from app.messages.forms import AddressNotValid, Envelope, email_of, sms_of
from floorplan.nights import parse_instant
from floorplan.venue import Venue
from scanners.codes.drawing import CodeUnreadable, draw_png

logger = logging.getLogger(__name__)

POLL_SECONDS: Final = 0.5
# Longer than any sending may take, so that a lease never ends under a worker that lives.
LEASE_SECONDS: Final = 60.0
AT_ONCE: Final = 8
REMINDERS_SECONDS: Final = 5.0
FAREWELL_SECONDS: Final = 3.0
POSTMAN: Final = Principal(kind="system", id="outbox", role="SYSTEM")


class Sender(Struct, frozen=True):
    """Under which names messages go out. `mail_from` is an address; `public_url` an origin."""

    public_url: str
    mail_from: str
    secret: str

    @property
    def host(self) -> str:
        """What stands behind the @ of ids."""
        return urlsplit(self.public_url).hostname or "backroom"


class Outbox:
    """One worker's part in sending; any number of workers share the table."""

    def __init__(
        self,
        db: Database,
        venue: Venue,
        vault: Vault,
        sender: Sender,
        *,
        mail: MailCarrier | None = None,
        sms: SmsCarrier | None = None,
        counted: Callable[[str, str], None] | None = None,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        """`counted` hears of each try: the channel, and what became of it."""
        self._db = db
        self._venue = venue
        self._vault = vault
        self._sender = sender
        self._mail = mail
        self._sms = sms
        self._counted = counted or _uncounted
        self._lease_seconds = lease_seconds
        self._flying: set[asyncio.Task[None]] = set()
        self._reminded = float("-inf")
        self.counts: Counts | None = None  # as last looked at

    @property
    def carriers(self) -> dict[str, bool]:
        """Which channels go out, rather than being kept."""
        return {"email": self._mail is not None, "sms": self._sms is not None}

    async def run(self) -> None:
        """Until cancelled; what is being sent then has a moment to end."""
        try:
            while True:
                try:
                    await self.step()
                except Refusal as refusal:
                    logger.warning("messages wait: %s", refusal.detail)
                await asyncio.sleep(POLL_SECONDS)
        finally:
            if self._flying:
                await asyncio.wait(self._flying, timeout=FAREWELL_SECONDS)
            for task in self._flying:
                task.cancel()

    async def step(self) -> int:
        """What is due is on its way, eight at a time; how many were taken now."""
        now = asyncio.get_running_loop().time()
        if now - self._reminded >= REMINDERS_SECONDS:
            self._reminded = now
            await self.look_after()
        free = AT_ONCE - len(self._flying)
        if free <= 0:
            return 0
        lease = str(uuid4())
        async with self._db.acting(POSTMAN, self._db.jobs) as conn:
            taken = await rows.take_due(conn, lease, most=free, seconds=self._lease_seconds)
        for one in taken:
            task = asyncio.create_task(self._deliver(one, lease))
            self._flying.add(task)
            task.add_done_callback(self._flying.discard)
        return len(taken)

    async def look_after(self) -> None:
        """Reminders that are due are in the outbox, and it is known how it stands."""
        async with self._db.acting(POSTMAN, self._db.jobs) as conn:
            await rows.enqueue_reminders(conn)
            self.counts = await rows.count(conn)

    async def drain(self) -> None:
        """Everything that is due now was tried once, what follows it too."""
        while await self.step() or self._flying:
            if self._flying:
                await asyncio.wait(self._flying)

    async def _deliver(self, taken: Taken, lease: str) -> None:
        """One try, whatever it meets: a message that fails must not stop the others."""
        try:
            await self._try(taken, lease)
        except Refusal as refusal:
            # Its lease ends by itself.
            logger.warning("a message waits: %s", refusal.detail, extra={"message_id": taken.id})
        except Exception:
            logger.exception("a message could not be composed", extra={"message_id": taken.id})
            with suppress(Refusal):
                await self._failed(taken, lease, "fault")

    async def _try(self, taken: Taken, lease: str) -> None:
        if taken.attempts > TRIES_AT_MOST:  # workers died of it, each before it could say so
            await self._settle(taken, lease, "dead", "gave_up")
            return
        async with self._db.acting(POSTMAN, self._db.jobs) as conn:
            facts = await rows.read_facts(conn, taken.id, lease)
        if facts is None:
            return
        try:
            await self._send(taken, facts)
        except Silent as silent:
            await self._settle(taken, lease, "dropped", silent.reason)
        except _Kept as kept:
            await self._settle(taken, lease, "kept", kept.reason)
        except Refused as refused:
            await self._settle(taken, lease, "dead", refused.reason)
        except NotTaken as failed:
            await self._failed(taken, lease, failed.reason)
        else:
            await self._settle(taken, lease, "sent", None)

    async def _send(self, taken: Taken, facts: MessageFacts) -> None:
        """The carrier has the message. Raises Silent, NotTaken, Refused, _Kept."""
        letter = letter_of(self._venue, taken, facts)
        person = self._opened(facts)
        to = person.email if taken.channel == "email" else person.phone
        if to is None:
            raise Silent("no_address")
        try:
            async with asyncio.timeout(SENDING_SECONDS):
                if taken.channel == "email":
                    message = await self.email(taken, facts, letter, person)
                    if self._mail is None:
                        raise _Kept("no_mail_server")
                    await self._mail.send(message)
                elif self._sms is None:
                    raise _Kept("no_sms_service")
                else:
                    await self._sms.send(to, sms_of(letter, self._link(facts)))
        except TimeoutError as error:
            raise NotTaken("carrier_too_slow") from error

    async def email(
        self, taken: Taken, facts: MessageFacts, letter: Letter, person: PersonalData
    ) -> EmailMessage:
        """The whole e-mail; its code drawn and read back in a thread."""
        booking, picture, calendar = facts.booking, None, None
        if letter.shows_code and booking is not None and booking.ticket is not None:
            ticket = booking.ticket
            if ticket.status == "valid":
                code = entry_code(
                    self._venue, self._vault, ticket.ticket_id, ticket.generation, ticket
                )
                try:
                    picture = await asyncio.to_thread(draw_png, code)
                except CodeUnreadable as error:
                    raise NotTaken("code_unreadable") from error
        link = self._link(facts)
        over = taken.kind in ("cancelled", "series_cancelled")
        if entries := entries_of(self._venue, taken, facts):
            calendar = calendar_of(
                entries, zone=self._venue.zone, host=self._sender.host, name=self._venue.name,
                method="CANCEL" if over else "PUBLISH", organizer=self._sender.mail_from,
            )  # fmt: skip
        try:
            return email_of(
                letter,
                Envelope(
                    venue=self._venue.name,
                    sender=self._sender.mail_from,
                    recipient=person.email or "",
                    message_id=f"<{taken.id}@{self._sender.host}>",
                    at=datetime.now(UTC),
                    greeting=greeting(person.name),
                    link=link,
                    links=self._links(facts) if taken.kind == "series" else (),
                    feeds=self._feeds(taken, facts),
                    code_png=picture,
                    calendar=calendar,
                    calendar_method="CANCEL" if over else "PUBLISH",
                ),
            )
        except AddressNotValid as error:
            raise Refused("address_not_valid") from error

    def _opened(self, facts: MessageFacts) -> PersonalData:
        """Raises Silent `erased`; NotTaken `key_missing`: until the key is there again."""
        if facts.sealed is None or facts.wrapped is None:
            raise Silent("erased")
        try:
            return open_person(self._vault, facts.person_id, facts.sealed, facts.wrapped)
        except Unopened as error:
            raise NotTaken("key_missing") from error

    def _link(self, facts: MessageFacts) -> str | None:
        """The address at which the guest reaches what the message is about."""
        # Of a series the first date that still stands: `letter_of` tells no other.
        booking = next((one for one in facts.series if one.status == "confirmed"), facts.booking)
        if booking is not None:
            return self._link_of(booking)
        offer, secret = offer_link_of(facts), self._sender.secret
        token = "" if offer is None else f"#{mint(OFFER, OFFER.key(secret), offer)}"
        return f"{self._sender.public_url}/{token}"

    def _links(self, facts: MessageFacts) -> tuple[tuple[str, str], ...]:
        """The address of each date of a series that stands, under its day."""
        return tuple(
            (self._day_of(one), self._link_of(one))
            for one in facts.series
            if one.status == "confirmed"
        )

    def _feeds(self, taken: Taken, facts: MessageFacts) -> tuple[tuple[str, str], ...]:
        """The address of the calendar of each booking that the message tells of as it stands."""
        told: list[BookingFacts] = []
        if taken.kind == "series":
            told = [one for one in facts.series if one.status == "confirmed"]
        elif taken.kind in ("confirmation", "changed") and facts.booking is not None:
            told = [facts.booking]
        return tuple((self._day_of(one), self._feed_of(one)) for one in told)

    def _day_of(self, booking: BookingFacts) -> str:
        return short_day(parse_instant(booking.slot_from), self._venue.zone)

    def _feed_of(self, booking: BookingFacts) -> str:
        path = address_of(
            BOOKING_CALENDAR, self._sender.secret, booking.id, booking.calendar_generation
        )
        return f"{self._sender.public_url}{path}"

    def _link_of(self, booking: BookingFacts) -> str:
        token = message_link(
            link_key(self._sender.secret), booking.id, booking.link_generation,
            parse_instant(booking.ends_at),
        )  # fmt: skip
        return f"{self._sender.public_url}/manage#{token}"

    async def _failed(self, taken: Taken, lease: str, reason: str) -> None:
        wait = wait_after(taken.attempts)
        if wait is None:
            await self._settle(taken, lease, "dead", reason)
            return
        self._counted(taken.channel, "retried")
        async with self._db.acting(POSTMAN, self._db.jobs) as conn:
            await rows.postpone(conn, taken.id, lease, reason, wait.total_seconds())

    async def _settle(self, taken: Taken, lease: str, status: str, reason: str | None) -> None:
        self._counted(taken.channel, status)
        if status == "dead":
            logger.error("a message is dead: %s", reason, extra={"message_id": taken.id})
        async with self._db.acting(POSTMAN, self._db.jobs) as conn:
            await rows.settle(conn, taken.id, lease, status, reason)


def _uncounted(channel: str, outcome: str) -> None:
    """Nobody asks."""


class _Kept(Exception):
    """Nobody carries messages of this channel here."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
