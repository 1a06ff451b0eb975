"""What a worker needs to move money: Stripe's side, and the parts that its actions need."""

import asyncio
from typing import Literal

from app.db.pool import Database
from app.db.stripe_inbox import Waiting
from app.domain.sealing import Vault
from app.payments.side import Side
from app.settings import Settings
from floorplan.venue import Venue

# How deposits are paid: by Stripe, by what stands in for it on this machine, or at the desk alone.
How = Literal["stripe", "test", "desk"]


class Money:
    """The parts, and the bell that wakes the background work."""

    def __init__(self, settings: Settings, db: Database, venue: Venue, vault: Vault) -> None:
        self.settings = settings
        self.db = db
        self.venue = venue
        self.vault = vault
        self.side: Side | None = None
        self.bell = asyncio.Event()
        self.waiting: Waiting | None = None  # None: not looked at yet
        if settings.stripe_api_key:
            self.side = Side(settings.stripe_api_key, api_url=settings.stripe_api_url)

    async def close(self) -> None:
        if self.side is not None:
            await self.side.close()

    @property
    def how(self) -> How:
        if self.side is None:
            return "desk"
        return "test" if self.settings.stripe_api_url else "stripe"

    @property
    def is_away(self) -> bool:
        """Whether online payment is meant to work and does not at the moment."""
        return self.side is not None and self.side.breaker.state != "closed"

    @property
    def is_resting(self) -> bool:
        """Whether Stripe is not to be asked just now."""
        return self.side is not None and self.side.breaker.state == "open"
