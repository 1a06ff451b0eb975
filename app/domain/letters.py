"""What a message says, in British English: its subject, its words, its facts and its SMS.

Pure: everything comes in, and times are told on the venue's clock. A letter's words are plain text;
whoever puts them into HTML escapes them. Nothing of a person is in a subject or an SMS, which
stand on locked screens.
"""

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Final

from msgspec import Struct

from app.domain.calendar import comes_twice
from app.domain.names import plain

NAME_AT_MOST: Final = 60


class Stay(Struct, frozen=True):
    """A booking as it is told to its customer; instants are aware."""

    reference: str  # as it is shown, in groups
    night_name: str
    slot_from: datetime
    slot_until: datetime
    last_entry_at: datetime
    party: int
    tables: tuple[str, ...]
    paid_pence: int


class Letter(Struct, frozen=True):
    """A message before it has a form. `facts` are labels with values; `shows_code` asks for the
    entry code's picture; `link_words` stand on the link to the booking."""

    subject: str
    words: tuple[str, ...]
    sms: str
    facts: tuple[tuple[str, str], ...] = ()
    shows_code: bool = False
    link_words: str | None = None


def greeting(name: str) -> str:
    """`Dear Ada,`: of whatever was typed as a name, the part that can be read aloud.

    Characters that steer the reading direction or are no text are left out, so that a name can
    neither turn the line around nor break it.
    """
    words = plain(name).split()
    first = words[0][:NAME_AT_MOST] if words else ""
    return f"Dear {first}," if first else "Hello,"


def money(pence: int) -> str:
    """`£50`, `£12.50`."""
    pounds, rest = divmod(pence, 100)
    return f"£{pounds:,}.{rest:02}" if rest else f"£{pounds:,}"


def day_of(instant: datetime, zone: tzinfo) -> str:
    """`Saturday 21 November 2026`, the day at the venue."""
    local = instant.astimezone(zone)
    return f"{local:%A} {local.day} {local:%B %Y}"


def short_day(instant: datetime, zone: tzinfo) -> str:
    """`Sat 21 Nov`."""
    local = instant.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b}"


def clock(instant: datetime, zone: tzinfo) -> str:
    """`22:00`, and on the hour that comes twice which of the two is meant: `01:30 GMT`."""
    local = instant.astimezone(zone)
    return f"{local:%H:%M} {local.tzname()}" if comes_twice(local) else f"{local:%H:%M}"


def people(party: int) -> str:
    return "1 person" if party == 1 else f"{party} people"


def stay_facts(stay: Stay, zone: tzinfo) -> tuple[tuple[str, str], ...]:
    """The booking as lines of a letter."""
    facts = [
        ("Night", f"{day_of(stay.slot_from, zone)}, {stay.night_name}"),
        ("Time", f"{clock(stay.slot_from, zone)} to {clock(stay.slot_until, zone)}"),
        ("Party", people(stay.party)),
        ("Table" if len(stay.tables) == 1 else "Tables", ", ".join(stay.tables)),
        ("Reference", stay.reference),
        ("Last entry", clock(stay.last_entry_at, zone)),
    ]
    if stay.paid_pence:
        facts.insert(4, ("Paid", money(stay.paid_pence)))
    return tuple(facts)


def confirmation(venue: str, stay: Stay, zone: tzinfo) -> Letter:
    when = f"{short_day(stay.slot_from, zone)} {clock(stay.slot_from, zone)}"
    return Letter(
        subject=f"Your table on {day_of(stay.slot_from, zone)}",
        words=(
            f"Your table at {venue} is confirmed. We look forward to seeing you.",
            (
                "Show this code at the door. It is for your whole party, together or one after "
                "the other. Please share it with nobody else."
            ),
        ),
        facts=stay_facts(stay, zone),
        shows_code=True,
        link_words="See or change your booking",
        sms=f"{venue}: your table for {stay.party} is confirmed, {when}. Ref {stay.reference}.",
    )


def changed(venue: str, stay: Stay, zone: tzinfo) -> Letter:
    when = f"{short_day(stay.slot_from, zone)} {clock(stay.slot_from, zone)}"
    return Letter(
        subject=f"Your booking has changed: {day_of(stay.slot_from, zone)}",
        words=(
            f"Your booking at {venue} has changed. This is how it stands now.",
            "Use the code in this message at the door.",
        ),
        facts=stay_facts(stay, zone),
        shows_code=True,
        link_words="See or change your booking",
        sms=f"{venue}: your booking has changed. It is now for {stay.party}, {when}. "
        f"Ref {stay.reference}.",
    )


def series(venue: str, stays: Sequence[Stay], zone: tzinfo) -> Letter:
    first = stays[0]
    nights = "night" if len(stays) == 1 else "nights"
    return Letter(
        subject=f"Your table on {len(stays)} {nights} from {day_of(first.slot_from, zone)}",
        words=(
            (
                f"Your table for {people(first.party)} at {venue} is confirmed on {len(stays)} "
                f"{nights}. We look forward to seeing you."
            ),
            (
                "Each night has a reference, an entry code and a link of its own. The code is "
                "behind the link at any time; never share it."
            ),
        ),
        facts=series_facts(stays, zone),
        sms=f"{venue}: your table for {first.party} is confirmed on {len(stays)} {nights} from "
        f"{short_day(first.slot_from, zone)} {clock(first.slot_from, zone)}. Ref "
        f"{first.reference}.",
        link_words=f"See or change {short_day(first.slot_from, zone)}",
    )


def series_cancelled(
    venue: str, stays: Sequence[Stay], zone: tzinfo, *, by_guest: bool, refund_pence: int
) -> Letter:
    nights = "night" if len(stays) == 1 else "nights"
    first = (
        f"As you asked, your bookings at {venue} on these {len(stays)} {nights} are cancelled."
        if by_guest
        else f"Your bookings at {venue} on these {len(stays)} {nights} are cancelled."
    )
    words = [first, "Their entry codes are void."]
    if refund_pence:
        words.append(
            f"{money(refund_pence)} goes back the way it was paid. Banks take up to ten days."
        )
    elif any(stay.paid_pence for stay in stays):
        words.append("What goes back of your deposits follows the terms of your bookings.")
    since = short_day(stays[0].slot_from, zone)
    return Letter(
        subject=f"Your bookings from {day_of(stays[0].slot_from, zone)} are cancelled",
        words=tuple(words),
        facts=series_facts(stays, zone),
        sms=f"{venue}: your bookings on {len(stays)} {nights} from {since} are cancelled. Ref "
        f"{stays[0].reference}.",
    )


def series_facts(stays: Sequence[Stay], zone: tzinfo) -> tuple[tuple[str, str], ...]:
    """A line for each date of a series."""
    return tuple((short_day(stay.slot_from, zone), _series_line(stay, zone)) for stay in stays)


def _series_line(stay: Stay, zone: tzinfo) -> str:
    tables = f"{'table' if len(stay.tables) == 1 else 'tables'} {', '.join(stay.tables)}"
    when = f"{clock(stay.slot_from, zone)} to {clock(stay.slot_until, zone)}"
    return f"{when}, {tables}, reference {stay.reference}"


def code_reissued(venue: str, stay: Stay, zone: tzinfo) -> Letter:
    return Letter(
        subject=f"Your new entry code for {day_of(stay.slot_from, zone)}",
        words=(
            f"Your entry code for {venue} was replaced. The earlier one no longer opens the door.",
            "Show this code instead.",
        ),
        facts=stay_facts(stay, zone),
        shows_code=True,
        link_words="See your booking",
        sms=f"{venue}: you have a new entry code for {short_day(stay.slot_from, zone)}; the "
        f"earlier one is void. Ref {stay.reference}.",
    )


def cancelled(venue: str, stay: Stay, zone: tzinfo, *, by_guest: bool, refund_pence: int) -> Letter:
    when = day_of(stay.slot_from, zone)
    first = (
        f"As you asked, your booking at {venue} on {when} is cancelled."
        if by_guest
        else f"We are sorry: {venue} had to cancel your booking on {when}."
    )
    words = [first, "The entry code is void."]
    if refund_pence:
        words.append(
            f"{money(refund_pence)} goes back the way it was paid. Banks take up to ten days."
        )
    elif stay.paid_pence:
        words.append("What goes back of your deposit follows the terms of your booking.")
    who = "is cancelled" if by_guest else "was cancelled by the club. We are sorry"
    return Letter(
        subject=f"Your booking on {when} is cancelled",
        words=tuple(words),
        facts=(("Reference", stay.reference),),
        link_words="See your booking",
        sms=f"{venue}: your booking for {short_day(stay.slot_from, zone)} {who}. "
        f"Ref {stay.reference}.",
    )


def reminder(venue: str, stay: Stay, zone: tzinfo, *, hour: bool) -> Letter:
    at = clock(stay.slot_from, zone)
    soon = f"in an hour, at {at}" if hour else f"on {day_of(stay.slot_from, zone)} at {at}"
    return Letter(
        subject=f"See you at {at}" if hour else f"Your table on {day_of(stay.slot_from, zone)}",
        words=(
            f"Your table at {venue} is ready for you {soon}.",
            (
                "Have this code ready at the door. If you cannot come, please tell us by the link, "
                "so that somebody else may have the table."
            ),
        ),
        facts=stay_facts(stay, zone),
        shows_code=True,
        link_words="See or cancel your booking",
        sms=f"{venue}: your table for {stay.party} is at {at}, last entry "
        f"{clock(stay.last_entry_at, zone)}. Ref {stay.reference}.",
    )


def refunded(venue: str, reference: str, amount_pence: int) -> Letter:
    amount = money(amount_pence)
    return Letter(
        subject=f"Your refund of {amount}",
        words=(
            (
                f"{amount} of what you paid to {venue} goes back the way it was paid. Banks take "
                "up to ten days."
            ),
        ),
        facts=(("Reference", reference), ("Refund", amount)),
        link_words="See your booking",
        sms=f"{venue}: your refund of {amount} is on its way. Ref {reference}.",
    )


def late_payment_refunded(venue: str, reference: str, amount_pence: int) -> Letter:
    amount = money(amount_pence)
    return Letter(
        subject=f"Your payment came too late; {amount} goes back",
        words=(
            (
                f"Your payment to {venue} arrived after the table was no longer held, and somebody "
                "else has it now. We are sorry. You have no booking."
            ),
            f"All of it, {amount}, goes back the way it was paid. Banks take up to ten days.",
        ),
        facts=(("Reference", reference), ("Refund", amount)),
        sms=f"{venue}: your payment came after the hold ended, and the table is gone. {amount} "
        f"goes back to you. You have no booking. Ref {reference}.",
    )


def waitlist_offer(
    venue: str, zone: tzinfo, *, slot_from: datetime, party: int, tables: str, until: datetime
) -> Letter:
    at = clock(until, zone)
    return Letter(
        subject=f"A table for you on {day_of(slot_from, zone)}: yours until {at}",
        words=(
            f"A table has come free at {venue}, and you are next on the list.",
            (
                f"It is held for you until {at}. Then the next party is asked. Nothing is charged "
                "unless you accept."
            ),
        ),
        facts=(
            ("Night", day_of(slot_from, zone)),
            ("Party", people(party)),
            ("Table", tables),
            ("Held until", at),
        ),
        link_words="Take the table, or let it go",
        sms=f"{venue}: a table for {party} on {short_day(slot_from, zone)} is held for you until "
        f"{at}. Take it, or let it go, here:",
    )


def waitlist_offer_expired(venue: str, zone: tzinfo, *, slot_from: datetime) -> Letter:
    return Letter(
        subject=f"The table on {day_of(slot_from, zone)} went to the next party",
        words=(
            (
                f"The table that {venue} held for you was not taken in time, so the next party was "
                "asked. Nothing was charged."
            ),
        ),
        facts=(("Night", day_of(slot_from, zone)),),
        link_words="See the waiting list",
        sms=f"{venue}: the table held for you on {short_day(slot_from, zone)} was not taken in "
        "time. Nothing was charged.",
    )
