"""What Prometheus reads: requests, the floor, the database, the sockets.

Every worker counts for itself and says who it is (`worker`), because a scrape reaches one of them.
No label holds anything that a stranger can choose: routes are those of the table, and a path that
matches none is `other`.
"""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

# Actions take 2 to 20 ms; the tail is where a lock or the disk waits.
DURATION_BUCKETS: Final = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
)  # fmt: skip


class Metrics:
    """One worker's registry. Counting is synchronous and takes 2 to 3 us."""

    def __init__(self, worker: str) -> None:
        self.registry = CollectorRegistry()
        self.worker = worker
        to = self.registry
        self.requests = Counter(
            "http_requests",
            "Answered requests",
            ["worker", "method", "route", "status"],
            registry=to,
        )
        self.duration = Histogram(
            "http_request_duration_seconds", "From the request's head to the answer's end",
            ["worker", "route"], buckets=DURATION_BUCKETS, registry=to,
        )  # fmt: skip
        self.availability = Counter(
            "availability_answers",
            "Availability asked for: not_modified, kept (made before, still true), "
            "reused (of tables that were so before), or computed",
            ["worker", "how"], registry=to,
        )  # fmt: skip
        self.bookings = Gauge(
            "active_bookings", "Bookings of tonight by status", ["worker", "status"], registry=to
        )
        self.people = Gauge(
            "people_inside", "People inside, by floor", ["worker", "floor"], registry=to
        )
        self.connections = Gauge(
            "database_connections",
            "Connections of this worker",
            ["worker", "pool", "state"],
            registry=to,
        )
        self.statements = Histogram(
            "database_statement_seconds", "From a message to Postgres to its answer",
            ["worker"], buckets=DURATION_BUCKETS, registry=to,
        )  # fmt: skip
        self.time_statement = self.statements.labels(worker).observe
        self.sockets = Gauge(
            "sockets", "Open WebSockets by audience", ["worker", "audience"], registry=to
        )
        self.lag = Histogram(
            "commit_to_hub_seconds", "From an action's commit to this worker's hub",
            ["worker"], buckets=DURATION_BUCKETS, registry=to,
        )  # fmt: skip
        self.messages = Counter(
            "messages", "Tries to send a message: sent, kept, dropped, retried, dead",
            ["worker", "channel", "outcome"], registry=to,
        )  # fmt: skip
        self.outbox = Gauge(
            "outbox", "Messages of all workers that wait, or are dead", ["worker", "status"],
            registry=to,
        )  # fmt: skip
        self.outbox_age = Gauge(
            "outbox_oldest_seconds", "How long the first message that is due has waited",
            ["worker"], registry=to,
        )  # fmt: skip
        self.background_failures = Counter(
            "background_failures",
            "Rows on which work in the background failed: hold, block, party, night, offer",
            ["worker", "work"], registry=to,
        )  # fmt: skip
        self.payments_away = Gauge(
            "payments_away", "1 while this worker does not ask Stripe, or only probes it",
            ["worker"], registry=to,
        )  # fmt: skip
        self.stripe_calls = Gauge(
            "stripe_calls", "Calls of Stripe's: answered, refused, failed, not_asked",
            ["worker", "call", "outcome"], registry=to,
        )  # fmt: skip
        self.payments_waiting = Gauge(
            "payments_waiting",
            "Of all workers: events to look into, refunds to make, and of these stuck ones",
            ["worker", "what"], registry=to,
        )  # fmt: skip
        self.live = Gauge(
            "live_path", "The live path's own counters", ["worker", "what"], registry=to
        )

    def count_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request was answered."""
        self.requests.labels(self.worker, method, route, str(status)).inc()
        self.duration.labels(self.worker, route).observe(seconds)

    def count_availability(self, how: str) -> None:
        self.availability.labels(self.worker, how).inc()

    def count_background_failure(self, work: str) -> None:
        """A row could not be worked on; the log names it."""
        self.background_failures.labels(self.worker, work).inc()

    def count_message(self, channel: str, outcome: str) -> None:
        """A message was tried."""
        self.messages.labels(self.worker, channel, outcome).inc()

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self.registry)
