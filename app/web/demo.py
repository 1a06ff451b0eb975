"""What only a demo has: links for its accounts, and its clock. Not in the table otherwise.

Whoever started the demo knows the token; nobody else does.
"""

import hmac
from typing import Annotated

from msgspec import Meta, Struct

from app.actions import demo
from app.errors import NotAllowed
from app.web.answers import Answer, encoded
from app.web.operations import Call
from app.wire import Instant, Request
from floorplan.nights import instant_text, parse_instant

DemoToken = Annotated[str, Meta(min_length=32, max_length=200)]


class DemoAsk(Request, frozen=True):
    """The token that `backroom demo` made."""

    token: DemoToken


class DemoLink(Struct, frozen=True):
    """Posting `{"link": ...}` to /v1/session signs the account in, once.

    The PIN is for shared tablets, and for the step-up that elsewhere takes a second factor.
    """

    name: str
    role: str
    link: str
    pin: str


class DemoLinks(Struct, frozen=True):
    links: list[DemoLink]


class DemoClock(Request, frozen=True):
    """From now on the venue's clock shows `shown_at` and runs on at `speed`."""

    token: DemoToken
    shown_at: Instant
    speed: Annotated[float, Meta(gt=0, le=3600)]


class DemoTime(Struct, frozen=True):
    now: str
    speed: float


async def post_links(call: Call) -> Answer:
    """One link for each account of the demo, accounts made where they are missing."""
    _judge_token(call)
    parts = call.parts
    made = await demo.make_links(parts.db, parts.hashing, parts.settings.secret)
    links = [DemoLink(one.name, one.role, one.link, one.pin) for one in made]
    return encoded(DemoLinks(links), 201)


async def post_clock(call: Call) -> Answer:
    """All workers hear of it at once."""
    _judge_token(call)
    shown_at = parse_instant(call.body.shown_at)
    await demo.set_demo_clock(call.parts.settings.owner_database_url, shown_at, call.body.speed)
    return encoded(DemoTime(instant_text(shown_at), call.body.speed))


def _judge_token(call: Call) -> None:
    known = call.parts.settings.demo_token
    if not known or not hmac.compare_digest(known.encode(), call.body.token.encode()):
        raise NotAllowed("not_allowed", "Only who started the demo may do this.")
