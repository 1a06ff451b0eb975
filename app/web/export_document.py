"""What is kept about a person as a page to read: plain HTML that needs nothing else.

Every text of it goes through one function that escapes, so that a name is a name whatever it says;
`<bdi>` keeps one with marks of direction from turning the words around it.
"""

from collections.abc import Iterable
from html import escape

from app.wire.persons import Export

STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:48rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem;"
    "border-bottom:1px solid #999;vertical-align:top}dt{font-weight:600}dd{margin:0 0 .6rem}"
)
REASONS = {"underage": "under age", "other": "another reason"}
SOURCES = {"public": "on the web", "desk": "by the club", "walk_in": "at the door"}


def document_of(export: Export) -> str:
    """The page, complete; instants in UTC."""
    title = f"What {export.venue} keeps about you"
    parts = [
        "<!doctype html>",
        '<html lang="en-GB">',
        '<head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{text(title)}</title>",
        f"<style>{STYLE}</style></head>",
        "<body>",
        f"<h1>{text(title)}</h1>",
        f"<p>Made on {instant(export.made_at)}. All times are in UTC.</p>",
        "<h2>You</h2>",
        facts(
            [
                ("Name", export.name or "not kept"),
                ("Telephone", export.phone or "not kept"),
                ("E-mail", export.email or "not kept"),
                ("Known since", instant_words(export.known_since)),
                ("Number", export.person_id),
            ]
        ),
        "<h2>Bookings</h2>",
        table(
            ["Reference", "Night", "State", "Party", "Tables", "From", "Until", "Booked", "Came"],
            (
                [
                    b.reference, b.night, b.status.replace("_", " "), str(b.party),
                    ", ".join(map(str, b.tables)), instant_words(b.slot_from),
                    instant_words(b.slot_until),
                    f"{SOURCES.get(b.booked_by, b.booked_by)}, {instant_words(b.booked_at)}",
                    f"{b.people_admitted} of {b.party}"
                    + (f", last seen {instant_words(b.last_seen_at)}" if b.last_seen_at else ""),
                ]
                for b in export.bookings
            ),
        ),
        "<h2>What you asked for</h2>",
        table(
            ["Reference", "Occasion", "Requests", "Notes of the club", "Guests with a code"],
            (
                [
                    b.reference, b.occasion or "", quoted(b.requests), quoted(b.notes),
                    ", ".join(map(quoted, b.guests)),
                ]
                for b in export.bookings
                if b.occasion or b.requests or b.notes or b.guests
            ),
        ),
        "<h2>Waitlist</h2>",
        table(
            ["Night", "State", "Party", "From", "Until", "Wishes", "Priority", "Joined", "Ended"],
            (
                [
                    w.night, w.status, str(w.party), instant_words(w.slot_from),
                    instant_words(w.slot_until),
                    ", ".join([*w.wishes, *(["special occasion"] if w.special_occasion else [])]),
                    f"{w.priority}, {w.earlier_visits} earlier visits",
                    instant_words(w.joined_at), (w.ended_why or "").replace("_", " "),
                ]
                for w in export.waitlist
            ),
        ),
        "<h2>Payments</h2>",
        table(
            ["Reference", "Amount", "How", "When"],
            (
                [p.reference, pounds(p.amount_pence), p.method, instant_words(p.at)]
                for p in export.payments
            ),
        ),
        "<h2>Bans</h2>",
        table(
            ["Reason", "Note", "Since", "Until", "Lifted"],
            (
                [
                    REASONS.get(b.reason, b.reason), b.note or "", instant_words(b.added_at),
                    instant_words(b.until) if b.until else "it is lifted",
                    instant_words(b.lifted_at) if b.lifted_at else "",
                ]
                for b in export.bans
            ),
        ),
        "<h2>Why, and for how long</h2>",
        "<ul>" + "".join(f"<li>{text(purpose)}</li>" for purpose in export.purposes) + "</ul>",
        "</body></html>",
    ]  # fmt: skip
    return "\n".join(parts) + "\n"


def text(words: str) -> str:
    """The words as text: no markup of theirs counts, and their direction stays theirs."""
    return f"<bdi>{escape(words)}</bdi>" if not words.isascii() else escape(words)


def quoted(words: str | None) -> str:
    """What somebody wrote, as theirs: a spreadsheet that opens the page makes no formula of it."""
    return f"\N{LEFT DOUBLE QUOTATION MARK}{words}\N{RIGHT DOUBLE QUOTATION MARK}" if words else ""


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    return "<dl>" + "".join(f"<dt>{text(k)}</dt><dd>{text(v)}</dd>" for k, v in pairs) + "</dl>"


def table(heads: list[str], rows: Iterable[list[str]]) -> str:
    """The rows under their heads, or a word that there are none."""
    lines = ["".join(f"<td>{text(cell)}</td>" for cell in row) for row in rows]
    if not lines:
        return "<p>None.</p>"
    head = "".join(f'<th scope="col">{text(one)}</th>' for one in heads)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def instant(at: str) -> str:
    """An instant for people and for machines."""
    return f'<time datetime="{escape(at)}">{text(instant_words(at))}</time>'


def instant_words(at: str) -> str:
    """`2026-11-21 23:41` of `2026-11-21T23:41:07.000Z`."""
    return at[:16].replace("T", " ")


def pounds(pence: int) -> str:
    return f"£{pence // 100}.{pence % 100:02d}"
