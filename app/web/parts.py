"""Everything that a request may need, built once per worker by the composition root."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.actions.hashing import Hashing
from app.db.pool import Database
from app.domain.sealing import Vault
from app.live.live import Live
from app.messages.outbox import Outbox
from app.payments.money import Money
from app.settings import Settings
from app.web.lag import CommitLag
from app.web.limits import Limiter
from app.web.looks import Looks
from app.web.metrics import Metrics
from app.web.visitors import Hosts
from floorplan.venue import Venue

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from app.web.availability import Answers
    from app.web.health import Servers
    from app.web.openapi import Document


@dataclass(frozen=True)
class Parts:
    """The parts of a running worker; each of them lives as long as the worker."""

    settings: Settings
    venue: Venue
    db: Database
    live: Live
    redis: "Redis"
    hosts: Hosts
    limiter: Limiter
    hashing: Hashing
    vault: Vault
    metrics: Metrics
    lag: CommitLag
    interface: "Document"
    looks: Looks["Servers"]
    outbox: Outbox
    money: Money
    availability: "Answers"
    node: str
