"""Manage links: made for a booking's customer, read when one is shown, revoked all at once."""

from datetime import UTC, datetime

import msgspec

from app.actions.act import UNNUMBERED, Act, Answered, Caller
from app.actions.administration import audited
from app.actions.scopes import judge_scope
from app.db import links
from app.db.pool import Database
from app.domain.manage_links import (
    LASTS_AFTER_NIGHT,
    LinkRefused,
    ManageLink,
    expiry_of,
    message_link,
    mint_link,
    read_link,
)
from app.domain.principals import Principal
from app.domain.tokens import token_hash
from app.errors import Conflict, NotFound
from app.wire.links import LinkAnswer, LinksRevoked
from floorplan import administration
from floorplan.nights import instant_text, parse_instant


async def find_link_owner(db: Database, key: bytes, token: str) -> Principal | None:
    """The owner that a manage link makes, of its booking alone; None: it makes nobody.

    The links of a booking live on real time, and only while their generation is the booking's.
    """
    try:
        link = read_link(key, token, datetime.now(UTC))
    except LinkRefused:
        return None
    owner = Principal("owner", token_hash(token).hex(), "OWNER", booking_id=link.booking_id)
    async with db.acting(owner) as conn:
        generation = await links.find_generation(conn, link.booking_id)
    return owner if generation == link.generation else None


async def make_link(db: Database, key: bytes, caller: Caller, booking_id: str) -> Answered:
    """A link to the booking, which ends seven days after its night; staff may make one later.

    The same link each time until they are revoked, so that asking twice gives nobody more. Raises
    NotFound; Conflict `link_over`: its owner asks after that week.
    """

    async def work(act: Act) -> tuple[int, LinkAnswer]:
        row = await _linked(act, booking_id)
        ends, now = parse_instant(row.ends_at), parse_instant(row.now)
        by_staff = caller.principal.kind == "staff"
        expires_at = expiry_of(ends, now if by_staff else ends)
        if expires_at <= now:
            raise Conflict(
                "link_over",
                f"Links end {LASTS_AFTER_NIGHT.days} days after the night. Ask the club for one.",
            )
        expires = instant_text(expires_at)
        act.record(administration.LinkMade("manage", expires), f"booking:{booking_id}")
        return 201, LinkAnswer(
            booking_id=booking_id, generation=row.generation, expires_at=expires, version=UNNUMBERED
        )

    answered = await audited(db, caller, "make_link", work)
    made = msgspec.json.decode(answered.body, type=LinkAnswer)
    token = mint_link(
        key, ManageLink(made.booking_id, made.generation, parse_instant(made.expires_at))
    )
    # Put in place of the nulls that are stored.
    whole = msgspec.structs.replace(made, token=token, link=f"/manage#{token}")
    return msgspec.structs.replace(answered, body=msgspec.json.encode(whole))


async def manage_token(db: Database, key: bytes, who: Principal, booking_id: str) -> str:
    """The token of the link that messages carry. Raises NotFound."""
    async with db.acting(who) as conn:
        row = await links.find_linked(conn, booking_id)
    if row is None:
        raise NotFound("booking_not_found", "There is no such booking.")
    return message_link(key, booking_id, row.generation, parse_instant(row.ends_at))


async def revoke_links(db: Database, caller: Caller, booking_id: str) -> Answered:
    """Every link of the booking is over, the caller's own included. Raises NotFound, Conflict."""

    async def work(act: Act) -> tuple[int, LinksRevoked]:
        await _linked(act, booking_id)
        generation = await links.revoke_links(act.conn, booking_id)
        if generation is None:
            raise Conflict("links_used_up", "This booking's links cannot be revoked once more.")
        act.record(administration.ManageLinksRevoked(generation), f"booking:{booking_id}")
        return 200, LinksRevoked(booking_id=booking_id, generation=generation, version=UNNUMBERED)

    return await audited(db, caller, "revoke_links", work)


async def _linked(act: Act, booking_id: str) -> links.LinkedRow:
    row = await links.find_linked(act.conn, booking_id)
    if row is None:
        raise NotFound("booking_not_found", "There is no such booking.")
    judge_scope(act.caller.principal, night=row.night)
    return row
