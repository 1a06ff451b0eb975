"""A message to read on the screen: as it would be sent now, but for what is the guest's alone."""

from msgspec import Struct

from app.db.outbox import MessageFacts, MessageRow
from app.domain.contacts import open_person
from app.domain.letters import Letter, greeting
from app.domain.names import masked_email, masked_phone
from app.domain.sealing import Unopened, Vault
from app.messages.composing import Silent, letter_of
from floorplan.venue import Venue

LINK = "(the guest's own link)"


class Preview(Struct, frozen=True):
    """What a message says; `silent` is why it says nothing."""

    to: str | None
    subject: str | None = None
    text: str | None = None
    silent: str | None = None


def preview_of(venue: Venue, vault: Vault, row: MessageRow, facts: MessageFacts) -> Preview:
    """The message without the link, whose holder acts as the guest, and to a masked address."""
    if facts.sealed is None or facts.wrapped is None:
        return Preview(None, silent="erased")
    try:
        person = open_person(vault, facts.person_id, facts.sealed, facts.wrapped)
    except Unopened:
        return Preview(None, silent="key_missing")
    mail, number = person.email, person.phone
    email = row.channel == "email"
    to = mail and masked_email(mail) if email else number and masked_phone(number)
    try:
        letter = letter_of(venue, row, facts)
    except Silent as silent:
        return Preview(to, silent=silent.reason)
    if not email:
        link = f" {LINK}" if letter.link_words is not None else ""
        return Preview(to, text=f"{letter.sms}{link}")
    return Preview(to, subject=letter.subject, text=_text(letter, greeting(person.name)))


def _text(letter: Letter, greeted: str) -> str:
    facts = "\n".join(f"{label}: {value}" for label, value in letter.facts)
    code = "(the entry code as a picture)" if letter.shows_code else ""
    link = f"{letter.link_words}:\n{LINK}" if letter.link_words is not None else ""
    return "\n\n".join(block for block in (greeted, *letter.words, code, facts, link) if block)
