"""The form of an e-mail: its parts, and that nothing a guest typed becomes a header or markup."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default

import msgspec
import pytest

from app.domain.letters import Letter
from app.messages.forms import (
    FEED_WORDS,
    FEEDS_WORDS,
    AddressNotValid,
    Envelope,
    email_of,
    page_of,
    recipient_of,
    sms_of,
    text_of,
)

LETTER = Letter(
    subject="Your table", words=("One <b> & two.",), sms="Venue: your table.",
    facts=(("Table", '7 "High" <Table>'),), shows_code=True, link_words="See it",
)  # fmt: skip
ENVELOPE = Envelope(
    venue="The Backroom Leeds", sender="tables@example.com", recipient="ada@example.org",
    message_id="<1@example.com>", at=datetime(2026, 11, 21, tzinfo=UTC), greeting="Dear <i>Ada,",
    link="https://x.example/manage#a&b", code_png=b"\x89PNG", calendar=b"BEGIN:VCALENDAR\r\n",
)  # fmt: skip


def test_the_parts_stand_where_clients_look_for_them() -> None:
    whole = bytes(email_of(LETTER, ENVELOPE))
    message = message_from_bytes(whole, policy=default)
    kinds = [part.get_content_type() for part in message.walk()]
    assert kinds == [
        "multipart/mixed", "multipart/alternative", "text/plain", "multipart/related",
        "text/html", "image/png", "text/calendar", "text/calendar", "image/png",
    ]  # fmt: skip
    assert message["Message-ID"] == "<1@example.com>"
    assert max(map(len, whole.split(b"\r\n"))) <= 998
    assert whole.replace(b"\r\n", b"").count(b"\n") == 0


def test_each_calendar_stands_in_both_texts_and_one_alone_without_its_day() -> None:
    feeds = (("Sat 21 Nov", "https://x.example/a?key=1&b"), ("Sat 28 Nov", "https://x.example/c"))
    for many in (feeds, feeds[:1], ()):
        envelope = msgspec.structs.replace(ENVELOPE, feeds=many)
        text, page = text_of(LETTER, envelope), page_of(LETTER, envelope)
        assert [feed for _, feed in many if feed in text] == [feed for _, feed in many]
        assert page.count("x.example/a?key=1&amp;b") + page.count("x.example/c") == len(many)
        assert ("Sat 21 Nov" in text) == ("Sat 21 Nov" in page) == (len(many) > 1)
        assert (FEEDS_WORDS in text, FEED_WORDS in page) == (len(many) > 1, len(many) == 1)


def test_markup_in_words_is_text() -> None:
    message = message_from_bytes(bytes(email_of(LETTER, ENVELOPE)), policy=default)
    page = next(p.get_content() for p in message.walk() if p.get_content_type() == "text/html")
    assert "One &lt;b&gt; &amp; two." in page
    assert "Dear &lt;i&gt;Ada," in page
    assert "&quot;High&quot; &lt;Table&gt;" in page
    assert 'href="https://x.example/manage#a&amp;b"' in page


@pytest.mark.parametrize(
    "address",
    [
        "a@b.c\r\nBcc: x@y.z", "a@b.c,x@y.z", "a@b.c;x@y.z", "A <a@b.c>", "a@", "@b.c", "a b@c.d",
        "a@b@c.d", "", "a@b.c\0", "a@..",
    ],
)  # fmt: skip
def test_an_address_that_is_more_than_one_is_refused(address: str) -> None:
    with pytest.raises(AddressNotValid):
        email_of(LETTER, msgspec.structs.replace(ENVELOPE, recipient=address))


def test_a_domain_in_other_letters_is_written_as_dns_knows_it() -> None:
    assert recipient_of("ada@bücher.example").domain == "xn--bcher-kva.example"


def test_an_sms_has_its_link_whole_or_not_at_all() -> None:
    assert sms_of(LETTER, "https://x.example/1") == "Venue: your table. https://x.example/1"
    assert sms_of(LETTER, "https://x.example/" + "1" * 500) == "Venue: your table."
    assert len(sms_of(msgspec.structs.replace(LETTER, sms="a" * 900), None)) == 460
