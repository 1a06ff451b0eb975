"""What messages say: plain words, the venue's times, and nothing of a person where it is seen."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from app.domain import letters
from app.domain.letters import Letter, Stay, clock, greeting, money

LONDON = ZoneInfo("Europe/London")
STAY = Stay(
    reference="7Q4M-2XKD-9RTA-F3HN-P",
    night_name="Saturday",
    slot_from=datetime(2026, 11, 21, 22, tzinfo=UTC),
    slot_until=datetime(2026, 11, 22, 5, tzinfo=UTC),
    last_entry_at=datetime(2026, 11, 22, 3, tzinfo=UTC),
    party=8,
    tables=("15 VIP Fifteen", "16 VIP Sixteen"),
    paid_pence=60000,
)
VENUE = "The Backroom Leeds"
ALL = [
    letters.confirmation(VENUE, STAY, LONDON),
    letters.changed(VENUE, STAY, LONDON),
    letters.code_reissued(VENUE, STAY, LONDON),
    letters.cancelled(VENUE, STAY, LONDON, by_guest=True, refund_pence=30000),
    letters.cancelled(VENUE, STAY, LONDON, by_guest=False, refund_pence=0),
    letters.reminder(VENUE, STAY, LONDON, hour=False),
    letters.reminder(VENUE, STAY, LONDON, hour=True),
    letters.refunded(VENUE, STAY.reference, 12345),
    letters.late_payment_refunded(VENUE, STAY.reference, 60000),
    letters.waitlist_offer(
        VENUE, LONDON, slot_from=STAY.slot_from, party=4, tables="7 High Table Seven",
        until=datetime(2026, 11, 21, 23, 10, tzinfo=UTC),
    ),
    letters.waitlist_offer_expired(VENUE, LONDON, slot_from=STAY.slot_from),
]  # fmt: skip


@pytest.mark.parametrize("letter", ALL, ids=lambda letter: letter.subject)
def test_each_fits_its_place(letter: Letter) -> None:
    assert len(letter.subject) <= 70
    assert len(letter.sms) <= 250, "with a link it stays within three parts"
    assert letter.words
    assert letter.sms.startswith(f"{VENUE}: ")
    assert "\n" not in letter.subject + letter.sms


def test_a_confirmation_tells_the_whole_booking() -> None:
    assert dict(letters.confirmation(VENUE, STAY, LONDON).facts) == {
        "Night": "Saturday 21 November 2026, Saturday",
        "Time": "22:00 to 05:00",
        "Party": "8 people",
        "Tables": "15 VIP Fifteen, 16 VIP Sixteen",
        "Paid": "£600",
        "Reference": "7Q4M-2XKD-9RTA-F3HN-P",
        "Last entry": "03:00",
    }


@pytest.mark.parametrize(
    ("instant", "shown"),
    [
        ("2026-10-25T00:30", "01:30 BST"),  # the hour that comes twice
        ("2026-10-25T01:30", "01:30 GMT"),
        ("2026-10-25T02:30", "02:30"),
        ("2027-03-28T00:59", "00:59"),  # before the hour that is skipped
        ("2027-03-28T01:00", "02:00"),
        ("2026-06-20T21:00", "22:00"),
    ],
)
def test_times_are_the_venues_also_on_the_nights_of_the_change(instant: str, shown: str) -> None:
    assert clock(datetime.fromisoformat(f"{instant}+00:00"), LONDON) == shown


@pytest.mark.parametrize(
    ("name", "greeted"),
    [
        ("Ada Lovelace", "Dear Ada,"),
        ("\u202eAda\u202c", "Dear Ada,"),
        ("\u200b\u2066", "Hello,"),
        ("A" * 10_000, f"Dear {'A' * 60},"),
        ("Łukasz", "Dear Łukasz,"),
        ("نور", "Dear نور,"),
    ],
)
def test_a_name_is_greeted_by_what_can_be_read(name: str, greeted: str) -> None:
    assert greeting(name) == greeted


def test_money_is_written_as_people_write_it() -> None:
    assert [money(p) for p in (0, 5, 1250, 60000, 123456789)] == [
        "£0", "£0.05", "£12.50", "£600", "£1,234,567.89",
    ]  # fmt: skip
