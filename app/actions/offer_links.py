"""The link of a waitlist's offer: it opens the offer in any browser, for as long as that stands.

Who joined on a laptop gets the offer on a phone. The link is of one offer of one place: its
generation is how many offers the place had left, which only goes down. When the hold is paid or
over the link is over, and the next offer comes with its own. Until then its bearer is the place's
owner, with this one booking: what was taken by the link can be paid for by it.
"""

import msgspec

from app.actions.holds import owner_token
from app.db.pool import Database
from app.db.waitlist import find_offer
from app.domain.principals import Principal
from app.domain.signed_links import OFFER, LinkRefused, verify
from app.domain.tokens import token_hash
from floorplan.nights import instant_text


async def find_offered(db: Database, secret: str, token: str) -> Principal | None:
    """The owner whom the offer's link makes; None: it makes nobody, or the offer is over."""
    try:
        link = verify(OFFER, OFFER.key(secret), token)
    except LinkRefused:
        return None
    own = token_hash(owner_token(secret, link.subject)).hex()
    owner = Principal("owner", own, "OWNER")
    async with db.acting(owner) as conn:
        booking_id = await find_offer(
            conn, link.subject, link.generation, instant_text(link.expires_at)
        )
    return None if booking_id is None else msgspec.structs.replace(owner, booking_id=booking_id)
