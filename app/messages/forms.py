"""A letter in the form in which it goes out: an e-mail with its parts, or the text of an SMS.

The e-mail has a plain text, a page of simple HTML with the code in it, the code again as a file,
and the calendar's entry. Whatever a guest typed is escaped in the page and is in no header: the
subject is ours, and the address is parsed before it is written.
"""

import html
from collections.abc import Sequence
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

from msgspec import Struct

from app.domain.letters import Letter

# One long SMS in parts; a link is never cut.
SMS_AT_MOST: Final = 460
CODE_IMAGE: Final = "entry-code"
FEED_WORDS: Final = "Follow your booking in your calendar"
FEEDS_WORDS: Final = "Follow each night in your calendar"

_INK, _PAPER, _GOLD, _QUIET = "#14110f", "#fbf8f1", "#9a7b2f", "#5c554a"


class AddressNotValid(ValueError):
    """The address is none that mail can be sent to."""


class Envelope(Struct, frozen=True):
    """What an e-mail is beside its letter."""

    venue: str
    sender: str
    recipient: str
    message_id: str
    at: datetime
    greeting: str
    link: str | None = None
    links: tuple[tuple[str, str], ...] = ()  # of several bookings, each under its words
    feeds: tuple[tuple[str, str], ...] = ()  # each booking's calendar, under its day
    code_png: bytes | None = None
    calendar: bytes | None = None
    calendar_method: str = "PUBLISH"


def email_of(letter: Letter, envelope: Envelope) -> EmailMessage:
    """The whole e-mail. Raises AddressNotValid: the recipient's address is none."""
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(envelope.venue, addr_spec=envelope.sender)
    message["To"] = recipient_of(envelope.recipient)
    message["Subject"] = f"{letter.subject} · {envelope.venue}"
    message["Date"] = format_datetime(envelope.at)
    message["Message-ID"] = envelope.message_id
    # Nobody's holiday notice shall come back for it.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(text_of(letter, envelope))
    message.add_alternative(page_of(letter, envelope), subtype="html")
    if envelope.code_png is not None:
        page = message.get_payload(1)
        assert isinstance(page, EmailMessage), "the alternative that was just added"
        page.add_related(
            envelope.code_png, "image", "png", cid=f"<{CODE_IMAGE}>", disposition="inline",
            filename="entry-code.png",
        )  # fmt: skip
    if envelope.calendar is not None:
        message.add_alternative(
            envelope.calendar.decode(), subtype="calendar",
            params={"method": envelope.calendar_method, "name": "booking.ics"},
        )  # fmt: skip
        message.add_attachment(
            envelope.calendar, maintype="text", subtype="calendar", filename="booking.ics",
            params={"method": envelope.calendar_method},
        )  # fmt: skip
    if envelope.code_png is not None:
        message.add_attachment(
            envelope.code_png, maintype="image", subtype="png", filename="entry-code.png"
        )
    return message


def recipient_of(address: str) -> Address:
    """The address in parts, so that nothing in it can be another header or recipient.

    Raises AddressNotValid.
    """
    local, _, domain = address.rpartition("@")
    try:
        if not domain.isascii():
            domain = domain.encode("idna").decode("ascii")
        made = Address(addr_spec=f"{local}@{domain}")
    except (MessageError, ValueError, IndexError) as error:
        raise AddressNotValid("no address for mail") from error
    if any(c in address for c in "\r\n,;<>\0") or not made.domain:
        raise AddressNotValid("no address for mail")
    return made


def text_of(letter: Letter, envelope: Envelope) -> str:
    """The plain text, whole by itself: who sees no pictures has the reference and the link."""
    width = max((len(label) for label, _ in letter.facts), default=0) + 1
    blocks = [envelope.greeting, *letter.words]
    if letter.facts:
        blocks.append("\n".join(f"{label + ':':<{width}} {value}" for label, value in letter.facts))
    if letter.shows_code and envelope.code_png is not None:
        blocks.append("The code is the picture attached to this message.")
    if envelope.links:
        blocks.append("\n".join(f"{words}: {link}" for words, link in envelope.links))
    elif envelope.link is not None and letter.link_words is not None:
        blocks.append(f"{letter.link_words}:\n{envelope.link}")
    if len(envelope.feeds) == 1:
        blocks.append(f"{FEED_WORDS}:\n{envelope.feeds[0][1]}")
    elif envelope.feeds:
        feeds = "\n".join(f"{day}: {feed}" for day, feed in envelope.feeds)
        blocks.append(f"{FEEDS_WORDS}:\n{feeds}")
    blocks.append(envelope.venue)
    return "\n\n".join(blocks) + "\n"


def page_of(letter: Letter, envelope: Envelope) -> str:
    """The same as simple HTML, for clients that know no style sheet."""
    e = html.escape
    words = "".join(f'<p style="margin:0 0 14px">{e(text)}</p>' for text in letter.words)
    code = ""
    if letter.shows_code and envelope.code_png is not None:
        code = (
            f'<p style="margin:20px 0;text-align:center"><img src="cid:{CODE_IMAGE}" width="294" '
            'height="294" alt="Your entry code" style="background:#fff;max-width:100%"></p>'
        )
    return (
        '<!doctype html><html lang="en-GB"><head><meta charset="utf-8">'
        f"<title>{e(letter.subject)}</title></head>"
        f'<body style="margin:0;background:{_PAPER};color:{_INK};'
        'font:16px/1.5 Georgia,serif"><div style="max-width:560px;margin:0 auto;padding:24px">'
        f'<div style="border-top:4px double {_GOLD};border-bottom:1px solid {_GOLD};'
        "padding:14px 0;margin:0 0 22px;text-align:center;font:600 15px/1.4 'Jost',Futura,"
        f'Century Gothic,sans-serif;letter-spacing:.28em;text-transform:uppercase">'
        f"{e(envelope.venue)}</div>"
        f'<p style="margin:0 0 14px">{e(envelope.greeting)}</p>{words}{code}'
        f"{_table(letter.facts)}{_button(letter, envelope)}{_feeds(envelope.feeds)}"
        f'<div style="border-top:1px solid {_GOLD};margin-top:26px;padding-top:12px;'
        f'color:{_QUIET};font-size:13px;text-align:center">{e(envelope.venue)}</div>'
        "</div></body></html>\n"
    )


def _table(facts: Sequence[tuple[str, str]]) -> str:
    rows = "".join(
        f'<tr><th scope="row" style="text-align:left;font-weight:400;color:{_QUIET};'
        f'padding:4px 18px 4px 0;vertical-align:top;white-space:nowrap">{html.escape(label)}</th>'
        f'<td style="padding:4px 0">{html.escape(value)}</td></tr>'
        for label, value in facts
    )
    return f'<table style="border-collapse:collapse;margin:0 0 18px">{rows}</table>' if rows else ""


def _button(letter: Letter, envelope: Envelope) -> str:
    if envelope.links:
        return "".join(_link(link, f"See or change {words}") for words, link in envelope.links)
    if envelope.link is None or letter.link_words is None:
        return ""
    return _link(envelope.link, letter.link_words)


def _feeds(feeds: Sequence[tuple[str, str]]) -> str:
    if not feeds:
        return ""
    if len(feeds) == 1:
        return _quiet(_feed(feeds[0][1], FEED_WORDS))
    each = "".join(
        f'<br><span style="display:inline-block;padding:7px 0">{_feed(feed, day)}</span>'
        for day, feed in feeds
    )
    return _quiet(f"{html.escape(FEEDS_WORDS)}{each}")


def _feed(address: str, words: str) -> str:
    return f'<a href="{html.escape(address)}" style="color:{_INK}">{html.escape(words)}</a>'


def _quiet(inner: str) -> str:
    return f'<p style="margin:0 0 14px;font-size:14px">{inner}</p>'


def _link(address: str, words: str) -> str:
    return (
        f'<p style="margin:0 0 14px"><a href="{html.escape(address)}" '
        f'style="display:inline-block;background:{_INK};color:{_PAPER};padding:12px 20px;'
        f'border:1px solid {_GOLD};text-decoration:none">{html.escape(words)}</a></p>'
    )


def sms_of(letter: Letter, link: str | None) -> str:
    """The text of an SMS; the link is whole or not there."""
    text = letter.sms
    if link is not None and letter.link_words is not None:
        whole = f"{text} {link}"
        return whole if len(whole) <= SMS_AT_MOST else text[:SMS_AT_MOST]
    return text[:SMS_AT_MOST]
