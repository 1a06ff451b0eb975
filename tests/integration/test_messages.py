"""Messages go out: once for each cause, in order, tried again, given up, replayed, never too late.

Method: a house whose bookings make messages, workers that send them, and a real mail server on this
machine. A worker that dies is a process of its own that kills itself between sending and marking.
"""

import asyncio
import io
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import icalendar
import numpy as np
import pytest
from PIL import Image

from app.actions import bookings, persons
from app.actions.act import Act, perform
from app.actions.calendars import read_feed
from app.actions.holds import booking_answer
from app.domain import messages
from app.domain.manage_links import link_key, read_link
from app.domain.retries import TRIES_AT_MOST
from app.messages import composing
from app.messages import outbox as sending
from app.messages.carriers import NotTaken
from app.settings import Settings
from app.wire import Answer, Contact
from scanners.codes.reading import read_codes
from tests.integration.customers import ADMIN
from tests.integration.floor import House, house
from tests.integration.mailbox import Mailbox, mailbox, outbox_of, part_of, rows_of, try_now

ROOT = Path(__file__).resolve().parents[2]
ADA = Contact("Ada Lovelace", phone="0113 496 0000", email="ada@example.org")
HOSTILE = Contact(
    "<script>alert(1)</script>\u202eBcc:x@y.z =1+1'; DROP TABLE outbox;--", email="h@example.org"
)


@pytest.fixture
async def venue_house(settings: Settings) -> AsyncIterator[House]:
    async with house(settings) as made:
        yield made


@pytest.fixture
async def box() -> AsyncIterator[Mailbox]:
    async with mailbox() as made:
        yield made


async def booked(at: House, table: int = 7, contact: Contact = ADA) -> dict[str, Any]:
    return await at.confirm(await at.hold([table], 4, contact=contact))


async def refund(at: House, booking_id: str, name: str) -> None:
    async def work(act: Act) -> tuple[int, Answer]:
        act.send(messages.refunded(booking_id, name, 5000))
        return 200, booking_answer(act.facts.bookings[0])

    await perform(at.db, at.caller(), "refund", work, bookings=[booking_id])


async def test_a_confirmation_has_all_that_a_guest_needs(venue_house: House, box: Mailbox) -> None:
    made = await booked(venue_house)
    await outbox_of(venue_house, mail=box.server).drain()
    (message,) = box.messages
    assert message["To"] == "ada@example.org"
    assert message["Subject"] == "Your table on Saturday 21 November 2026 · The Backroom Leeds"
    text, page = part_of(message, "text/plain"), part_of(message, "text/html")
    for said in (text, page):
        assert "Dear Ada," in said
        assert "Saturday 21 November 2026" in said
        assert "22:00 to 05:00" in said
        assert "7 High Table Seven" in said
        assert "Lovelace" not in said, "a first name is enough"
    token, secret = text.split("/manage#")[1].split()[0], venue_house.settings.secret
    link = read_link(link_key(secret), token, datetime(2026, 11, 22, tzinfo=UTC))
    assert link.booking_id == made["booking_id"]
    address = text.split("https://tables.example.com/v1/calendar.ics?key=")[1].split()[0]
    assert address in page
    feed = await read_feed(venue_house.db, venue_house.venue, venue_house.vault, secret, address)
    assert [entry.booking_id for entry in feed.entries] == [made["booking_id"]]
    pictures = [p for p in message.walk() if p.get_content_type() == "image/png"]
    assert [p.get_content_disposition() for p in pictures] == ["inline", "attachment"]
    for picture in pictures:
        image = np.array(Image.open(io.BytesIO(picture.get_content())).convert("L"))
        assert [reading.text for reading in read_codes(image)] == [made["code"]]
    (event,) = icalendar.Calendar.from_ical(part_of(message, "text/calendar")).walk("VEVENT")
    assert event["UID"] == f"{made['booking_id']}@tables.example.com"
    assert (event["SEQUENCE"], event["STATUS"]) == (0, "CONFIRMED")
    assert event.decoded("DTSTART") == datetime(2026, 11, 21, 22, tzinfo=UTC)
    assert await rows_of(venue_house) == [("confirmation", "sent", None)]


async def test_a_cancellation_takes_the_entry_out_of_the_calendar(
    venue_house: House, box: Mailbox
) -> None:
    made = await booked(venue_house)
    worker = outbox_of(venue_house, mail=box.server)
    await worker.drain()
    await bookings.cancel_booking(venue_house.db, venue_house.caller(), made["booking_id"])
    await worker.drain()
    _, message = box.messages
    calendar = icalendar.Calendar.from_ical(part_of(message, "text/calendar"))
    (event,) = calendar.walk("VEVENT")
    assert calendar["METHOD"] == "CANCEL"
    assert (event["SEQUENCE"], event["STATUS"]) == (1, "CANCELLED")
    assert event["UID"] == f"{made['booking_id']}@tables.example.com"
    assert "had to cancel" in part_of(message, "text/plain")


async def test_what_a_guest_calls_themselves_is_inert(venue_house: House, box: Mailbox) -> None:
    await booked(venue_house, contact=HOSTILE)
    await outbox_of(venue_house, mail=box.server).drain()
    (message,) = box.messages
    assert box.envelopes[0].rcpt_tos == ["h@example.org"]
    assert "<script" not in part_of(message, "text/html")
    assert "\u202e" not in part_of(message, "text/plain")
    assert not message["Bcc"]


async def test_many_workers_and_reports_make_one_message_for_each_cause(
    venue_house: House, box: Mailbox
) -> None:
    made = await booked(venue_house)
    for _ in range(3):
        await refund(venue_house, made["booking_id"], "re_1")
    workers = [outbox_of(venue_house, mail=box.server) for _ in range(4)]
    for _ in range(3):
        await asyncio.gather(*(worker.drain() for worker in workers))
    assert box.subjects == ["Your table on Saturday 21 November 2026", "Your refund of £50"]


KILLED = """
import asyncio, os, signal, sys
from app.db.pool import Database
from app.domain.sealing import Vault
from app.messages.carriers import SmtpServer
from app.messages.outbox import Outbox, Sender
from app.settings import Settings
from floorplan.venue import load_venue

settings = Settings.from_environment()


class Fatal:
    async def send(self, message):
        await SmtpServer.from_url(settings.smtp_url).send(message)
        os.kill(os.getpid(), signal.SIGKILL)


async def main():
    db = await Database.open(settings)
    vault = Vault.from_text(settings.person_keys, settings.secret)
    sender = Sender("https://tables.example.com", settings.mail_from, settings.secret)
    await Outbox(db, load_venue(), vault, sender, mail=Fatal(), lease_seconds=1).drain()


asyncio.run(main())
"""


async def test_a_worker_killed_between_sending_and_marking_loses_nothing(
    venue_house: House, box: Mailbox
) -> None:
    await booked(venue_house)
    environment = venue_house.settings.environment() | {
        "SMTP_URL": f"smtp://127.0.0.1:{box.port}", "MAIL_FROM": "tables@example.com",
    }  # fmt: skip
    killed = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, cwd=ROOT, env=environment, stderr=subprocess.PIPE
    )
    _, said = await killed.communicate()
    assert killed.returncode == -signal.SIGKILL, said.decode()
    worker = outbox_of(venue_house, mail=box.server)
    async with asyncio.timeout(10):  # the dead worker's lease ends by itself
        while len(box.messages) < 2:
            await worker.drain()
            await asyncio.sleep(0.05)
    await try_now(venue_house)
    await worker.drain()
    assert len(box.messages) == 2, "at least once, and once it is marked never again"
    assert len({message["Message-ID"] for message in box.messages}) == 1
    assert await rows_of(venue_house) == [("confirmation", "sent", None)]


async def test_a_lease_keeps_a_message_from_every_other_worker(
    venue_house: House, box: Mailbox
) -> None:
    """The control: without the lease it would be sent twice while the first is at it."""
    asked, release = asyncio.Event(), asyncio.Event()

    class Slow:
        async def send(self, message: EmailMessage) -> None:
            asked.set()
            await release.wait()
            await box.server.send(message)

    await booked(venue_house)
    first = outbox_of(venue_house, mail=Slow())
    assert await first.step() == 1
    await asked.wait()
    assert await outbox_of(venue_house, mail=box.server).step() == 0
    await try_now(venue_house)
    await outbox_of(venue_house, mail=box.server).drain()
    assert len(box.messages) == 1
    release.set()
    await first.drain()
    assert len(box.messages) == 2
    assert await rows_of(venue_house) == [("confirmation", "sent", None)]


async def test_a_persons_messages_keep_their_order_whatever_fails(
    venue_house: House, box: Mailbox
) -> None:
    made = await booked(venue_house)
    for name in ("re_1", "re_2"):
        await refund(venue_house, made["booking_id"], name)
    box.answers = ["451 Later", "421 Later"]
    worker = outbox_of(venue_house, mail=box.server)
    await worker.drain()
    assert box.messages == [], "a refund is not told before the booking"
    while [row for row in await rows_of(venue_house) if row[1] == "waiting"]:
        await try_now(venue_house)
        await worker.drain()
    assert box.subjects == [
        "Your table on Saturday 21 November 2026", "Your refund of £50", "Your refund of £50",
    ]  # fmt: skip


async def test_what_fails_is_tried_ten_times_and_is_then_dead(
    venue_house: House, box: Mailbox
) -> None:
    counted: list[tuple[str, str]] = []
    await booked(venue_house)
    box.answers = ["451 Later"] * TRIES_AT_MOST
    worker = outbox_of(
        venue_house, mail=box.server, counted=lambda channel, what: counted.append((channel, what))
    )
    for tries in range(1, TRIES_AT_MOST + 1):
        assert await rows_of(venue_house) == [
            ("confirmation", "waiting", None if tries == 1 else "mail_server_busy")
        ]
        await worker.drain()
        await worker.drain()
        assert len(box.answers) == TRIES_AT_MOST - tries, "one try, and not before its time"
        await try_now(venue_house)
    assert await rows_of(venue_house) == [("confirmation", "dead", "mail_server_busy")]
    assert counted == [("email", "retried")] * 9 + [("email", "dead")]


async def test_an_address_that_is_refused_is_dead_at_once(venue_house: House, box: Mailbox) -> None:
    await booked(venue_house)
    box.answers = ["550 No such user"]
    await outbox_of(venue_house, mail=box.server).drain()
    assert await rows_of(venue_house) == [("confirmation", "dead", "mail_refused")]


async def test_a_message_that_cannot_be_composed_stops_no_other(
    venue_house: House, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    await booked(venue_house, 7)
    await booked(venue_house, 6, Contact("Ben", email="ben@example.org"))
    real = composing.letter_of

    def broken(venue: Any, taken: Any, facts: Any) -> Any:
        if taken.number % 2:
            raise ZeroDivisionError
        return real(venue, taken, facts)

    monkeypatch.setattr("app.messages.outbox.letter_of", broken)
    await outbox_of(venue_house, mail=box.server).drain()
    assert {row[1:] for row in await rows_of(venue_house)} == {("sent", None), ("waiting", "fault")}
    assert len(box.messages) == 1


async def test_a_carrier_that_hangs_delays_no_booking(
    venue_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "FAREWELL_SECONDS", 0.0)
    asked = asyncio.Event()

    class Hanging:
        async def send(self, message: EmailMessage) -> None:
            asked.set()
            await asyncio.Event().wait()

    await booked(venue_house, 7)
    running = asyncio.create_task(outbox_of(venue_house, mail=Hanging()).run())
    await asked.wait()
    await booked(venue_house, 6)
    waiting = ("confirmation", "waiting", None)
    assert await rows_of(venue_house) == [waiting, waiting], "the booking waited for the mail"
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    # Nor does the carrier keep its message for ever.
    monkeypatch.setattr(sending, "SENDING_SECONDS", 0.05)
    await try_now(venue_house)
    await outbox_of(venue_house, mail=Hanging()).drain()
    late = ("confirmation", "waiting", "carrier_too_slow")
    assert await rows_of(venue_house) == [late, late]


async def test_without_a_carrier_a_message_is_kept_and_not_called_sent(
    venue_house: House,
) -> None:
    await booked(venue_house, 7)
    await booked(venue_house, 6, Contact("Ben", phone="0113 496 0001"))
    await outbox_of(venue_house).drain()
    assert await rows_of(venue_house) == [
        ("confirmation", "kept", "no_mail_server"),
        ("confirmation", "kept", "no_sms_service"),
    ]


async def test_who_was_erased_is_written_to_no_more(
    venue_house: House, box: Mailbox, tmp_path: Path
) -> None:
    made = await booked(venue_house)
    async with venue_house.looking() as owner:
        person = await owner.fetchval(
            "SELECT person_id::text FROM booking WHERE id = $1", made["booking_id"]
        )
    await persons.erase_person(
        venue_house.db, tmp_path / "erasures", venue_house.caller(ADMIN), person
    )
    await outbox_of(venue_house, mail=box.server).drain()
    assert box.messages == []
    assert await rows_of(venue_house) == [("confirmation", "dropped", "erased")]


BOOKED_AT = datetime(2026, 11, 18, 12, tzinfo=UTC)


async def test_reminders_come_a_day_and_an_hour_before_once_each(
    venue_house: House, box: Mailbox
) -> None:
    await venue_house.at(BOOKED_AT)
    await booked(venue_house, contact=Contact("Ada", email="ada@example.org"))
    cancelled = await booked(venue_house, 6, Contact("Ben", email="ben@example.org"))
    worker = outbox_of(venue_house, mail=box.server)
    await worker.drain()
    box.messages.clear()
    told: dict[str, list[str]] = {}
    for hour in ("20T21:59", "20T22:00", "21T09:00", "21T20:59", "21T21:00", "21T21:30"):
        if hour == "21T20:59":
            await bookings.cancel_booking(
                venue_house.db, venue_house.caller(), cancelled["booking_id"]
            )
        await venue_house.at(datetime.fromisoformat(f"2026-11-{hour}:00+00:00"))
        await worker.look_after()
        await worker.drain()
        told[hour] = sorted(f"{m['To']} {m['Subject'].split(' · ')[0]}" for m in box.messages)
        box.messages.clear()
    day = "Your table on Saturday 21 November 2026"
    assert told == {
        "20T21:59": [],
        "20T22:00": [f"ada@example.org {day}", f"ben@example.org {day}"],
        "21T09:00": [],
        "21T20:59": ["ben@example.org Your booking on Saturday 21 November 2026 is cancelled"],
        "21T21:00": ["ada@example.org See you at 22:00"],
        "21T21:30": [],
    }


async def test_a_reminder_that_waited_too_long_is_dropped(venue_house: House, box: Mailbox) -> None:
    await venue_house.at(BOOKED_AT)
    await booked(venue_house, contact=Contact("Ada", email="ada@example.org"))
    worker = outbox_of(venue_house, mail=box.server)
    await worker.drain()
    await venue_house.at(datetime(2026, 11, 21, 21, 5, tzinfo=UTC))
    await worker.look_after()
    await venue_house.at(datetime(2026, 11, 21, 22, 5, tzinfo=UTC))
    await worker.drain()
    assert (await rows_of(venue_house))[1:] == [("reminder_hour", "dropped", "too_late")]


async def test_an_sms_goes_to_the_number_with_the_link_and_no_name(venue_house: House) -> None:
    heard: list[tuple[str, str]] = []

    class Sms:
        async def send(self, to: str, text: str) -> None:
            heard.append((to, text))
            if len(heard) == 1:
                raise NotTaken("sms_service_busy")

    await booked(venue_house, 6, Contact("Ben Nevis", phone="0113 496 0001"))
    worker = outbox_of(venue_house, sms=Sms())
    await worker.drain()
    await try_now(venue_house)
    await worker.drain()
    (to, text), again = heard
    assert again == (to, text)
    assert to == "+441134960001"
    assert text.startswith("The Backroom Leeds: your table for 4 is confirmed, Sat 21 Nov 22:00.")
    assert "https://tables.example.com/manage#mng_" in text
    assert "Ben" not in text
