"""The payloads of the waitlist: a party's place, from joining to its end."""

from floorplan.payload import Instant, Payload


class WaitlistJoined(Payload, frozen=True):
    """A party for which nothing was free waits for a table; `offers` may go unanswered."""

    entry_id: str
    party: int
    slot_from: Instant
    slot_until: Instant
    priority: int
    offers: int


class WaitlistRanked(Payload, frozen=True):
    """A manager gave the waiting party another priority by hand, or its own again."""

    entry_id: str
    priority: int


class WaitlistOffered(Payload, frozen=True):
    """Tables came free and are held for the waiting party, which may accept until the hold ends.

    The hold is a booking like any other. However it ends without being accepted, one of the
    party's offers is used up, and with the last one its place on the list.
    """

    entry_id: str
    booking_id: str


class WaitlistLeft(Payload, frozen=True, omit_defaults=True):
    """The party waits no more: it accepted its offer, gave up its place, or was taken off.

    The hold that it accepted lasts until `hold_expires_at`, as long as any.
    """

    entry_id: str
    why: str  # "accepted" | "guest" | "staff"
    booking_id: str | None = None
    hold_expires_at: Instant | None = None
