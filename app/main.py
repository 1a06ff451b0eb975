"""The composition root: builds everything that a worker needs, runs it, and takes it down.

Nothing else opens a pool, connects to Redis or starts a task that outlives a request.
"""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Final

import httpx
import redis.asyncio
import uvicorn
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from app.actions.deferred import Deferred
from app.actions.demo import prepare_demo
from app.actions.hashing import Hashing
from app.actions.identity import forget_old
from app.actions.sweeper import sweep
from app.actions.waitlist import offer_free_tables
from app.anchors import AnchorFile, list_heads
from app.db.bans import forget_ended_bans
from app.db.jobs import forget_answers, lead
from app.db.outbox import forget_settled
from app.db.pool import Database
from app.db.stripe_inbox import forget_inbox
from app.domain.principals import SYSTEM
from app.domain.sealing import Vault
from app.errors import Refusal
from app.live.live import Live
from app.live.redis_state import connect
from app.live.server import LiveServer
from app.live.transport import MESSAGE_BYTES, LiveProtocol
from app.messages.carriers import SmtpServer, TwilioAccount
from app.messages.outbox import Outbox, Sender
from app.payments.money import Money
from app.payments.work import compare, look, work
from app.settings import Settings
from app.web.application import build
from app.web.availability import Answers
from app.web.connection import HttpConnection
from app.web.lag import CommitLag
from app.web.limits import Limiter
from app.web.logs import configure_logs
from app.web.looks import Looks
from app.web.metrics import Metrics
from app.web.openapi import Document
from app.web.parts import Parts
from app.web.table import operations
from app.web.visitors import Hosts
from floorplan.venue import Venue, load_venue

logger = logging.getLogger(__name__)

# A hold that runs out is seen on the map this much later; whoever wants its table does not wait.
SWEEP_SECONDS: Final = 0.5
TIDY_SECONDS: Final = 600.0
# How soon after a seal it is anchored. Asking for the heads takes 0.3 ms.
ANCHOR_SECONDS: Final = 5.0
# A refund that was asked for is at Stripe this much later; webhooks ring a bell.
MONEY_SECONDS: Final = 1.0
COMPARE_SECONDS: Final = 3600.0
# How old the figures of what waits may be; three small indexes are counted.
LOOK_SECONDS: Final = 5.0
# Redis answers in 0.1 ms; one that takes this long is away, and every part knows what to do then.
REDIS_SECONDS: Final = 0.5
# Requests in flight end within this after the screens were told; the parent kills at 10 s.
GRACE_SECONDS: Final = 5
POOL_SIZE: Final = 10


@asynccontextmanager
async def running(settings: Settings, *, node: str) -> AsyncIterator[Parts]:
    """A worker's parts, its live path at work, until the block ends.

    Raises what keeps a worker from starting.
    """
    async with AsyncExitStack() as stack:
        venue = load_venue()
        if settings.demo:
            await prepare_demo(settings.owner_database_url)
        metrics = Metrics(node)
        database = await Database.open(settings, size=POOL_SIZE, timed=metrics.time_statement)
        stack.push_async_callback(database.close)
        client = redis.asyncio.Redis.from_url(
            settings.redis_url,
            socket_timeout=REDIS_SECONDS,
            socket_connect_timeout=REDIS_SECONDS,
            retry=Retry(NoBackoff(), 1),  # a connection that Redis closed meanwhile, once
        )
        stack.push_async_callback(client.aclose)
        mirror = connect(settings.redis_url)
        stack.push_async_callback(mirror.aclose)
        live = Live(
            listen_url=settings.listen_database_url,
            database=database,
            redis=mirror,
            node=node,
            zone=venue.zone,
            night_starts=venue.night_starts,
            origins=frozenset({settings.public_url.lower()}),
        )
        stack.push_async_callback(live.stop)
        await live.start()
        hashing = Hashing()
        stack.callback(hashing.close)
        vault = Vault.from_text(settings.person_keys, settings.secret)
        money = Money(settings, database, venue, vault)
        stack.push_async_callback(money.close)
        web = httpx.AsyncClient()
        stack.push_async_callback(web.aclose)
        yield Parts(
            settings=settings,
            venue=venue,
            db=database,
            live=live,
            redis=client,
            hosts=Hosts(settings),
            limiter=Limiter(client, settings.secret),
            hashing=hashing,
            vault=vault,
            metrics=metrics,
            lag=CommitLag(live, metrics),
            interface=Document(operations(venue, settings)),
            looks=Looks(),
            outbox=Outbox(
                database,
                venue,
                vault,
                sender_of(settings),
                mail=mail_of(settings),
                sms=sms_of(settings, web),
                counted=metrics.count_message,
            ),
            money=money,
            availability=Answers(),
            node=node,
        )


def sender_of(settings: Settings) -> Sender:
    """Under which names messages go out; what is only kept comes from nobody's real address."""
    return Sender(
        settings.public_url, settings.mail_from or "tables@backroom.invalid", settings.secret
    )


def mail_of(settings: Settings) -> SmtpServer | None:
    """The mail server; None: e-mail is kept."""
    return SmtpServer.from_url(settings.smtp_url) if settings.smtp_url else None


def sms_of(settings: Settings, client: httpx.AsyncClient) -> TwilioAccount | None:
    """The service for SMS; None: they are kept."""
    if not settings.twilio_account:
        return None
    return TwilioAccount(
        settings.twilio_account, settings.twilio_token, settings.twilio_from, settings.twilio_api,
        client,
    )  # fmt: skip


@asynccontextmanager
async def tidied(
    database: Database,
    venue: Venue,
    anchors: AnchorFile,
    money: Money,
    counted: Callable[[str], None] | None = None,
) -> AsyncIterator[None]:
    """Until the block ends, what is due is done in the background; `counted` hears of each row on
    which that failed.

    A task that crashes by a bug ends the block with an ExceptionGroup: the worker ends, and its
    parent starts another.
    """
    deferred = Deferred(counted)
    async with asyncio.TaskGroup() as tasks:
        background = [
            tasks.create_task(
                repeated(SWEEP_SECONDS, lambda: sweep_alone(database, venue, deferred))
            ),
            tasks.create_task(repeated(TIDY_SECONDS, lambda: tidy(database))),
            tasks.create_task(repeated(ANCHOR_SECONDS, lambda: anchor(database, anchors))),
            tasks.create_task(moving(money)),
            tasks.create_task(repeated(LOOK_SECONDS, lambda: look(money))),
            tasks.create_task(repeated(COMPARE_SECONDS, lambda: compare_alone(money))),
        ]
        try:
            yield
        finally:
            for task in background:
                task.cancel()


@asynccontextmanager
async def posted(outbox: Outbox) -> AsyncIterator[None]:
    """Until the block ends, messages go out."""
    async with asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(outbox.run())
        try:
            yield
        finally:
            sending.cancel()


async def repeated(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    """The work runs every so many seconds; a part that is away is waited for."""
    while True:
        try:
            await work()
        except Refusal as refusal:
            logger.warning("background work waits: %s", refusal.detail)
        await asyncio.sleep(seconds)


async def moving(money: Money) -> None:
    """What is due of the money's work is done; the bell of a webhook calls at once."""
    while True:
        money.bell.clear()
        try:
            await work(money)
        except Refusal as refusal:
            logger.warning("background work waits: %s", refusal.detail)
        with suppress(TimeoutError):
            async with asyncio.timeout(MONEY_SECONDS):
                await money.bell.wait()


async def compare_alone(money: Money) -> None:
    """Once an hour, and after a start, all that is open is compared with Stripe, by one worker."""
    if money.side is None or money.is_resting:
        return
    async with lead(money.db, "compare") as conn:
        if conn is None:
            return
    await compare(money)


async def sweep_alone(database: Database, venue: Venue, deferred: Deferred | None = None) -> None:
    """What is due is done, and what came free is offered, by one worker of all at a time."""
    async with lead(database, "sweeper") as conn:
        if conn is not None:
            await sweep(database, venue, deferred)
            await offer_free_tables(database, venue, deferred)


async def tidy(database: Database) -> None:
    """What nobody needs any more is gone."""
    async with lead(database, "tidy") as conn:
        if conn is not None:
            await forget_answers(conn)
            await forget_ended_bans(conn)
            await forget_inbox(conn)
            await forget_old(database)
    async with database.acting(SYSTEM, database.jobs) as conn:
        await forget_settled(conn)


async def anchor(database: Database, anchors: AnchorFile) -> None:
    """The heads of the books whose turn it is are in the anchor file of this node."""
    heads = await list_heads(database)
    try:
        await asyncio.to_thread(anchors.append, heads, datetime.now(UTC))
    except OSError as error:
        if not anchors.fails:  # once, and not every few seconds
            logger.warning("the books cannot be anchored: %s", error)
        anchors.fails = True
    else:
        anchors.fails = False


def run_worker(settings: Settings, listen_socket: socket.socket, *, node: str) -> None:
    """Answer on the socket until SIGTERM or SIGINT; then tell the screens, and end.

    Raises what keeps the worker from starting, or what crashed one of its tasks.
    """
    configure_logs(settings.log_level, node)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_serve(settings, listen_socket, node))


async def _serve(settings: Settings, listen_socket: socket.socket, node: str) -> None:
    anchors = AnchorFile(settings.anchors_path, settings.secret)
    async with (
        running(settings, node=node) as parts,
        tidied(parts.db, parts.venue, anchors, parts.money, parts.metrics.count_background_failure),
        posted(parts.outbox),
    ):
        app = build(parts, operations(parts.venue, settings))
        server = LiveServer(server_config(settings, app))
        server.live = parts.live
        await server.serve(sockets=[listen_socket])


def server_config(settings: Settings, app: object) -> uvicorn.Config:
    """uvicorn as this service uses it: nothing of its own in headers, logs or proxies."""
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        ws=LiveProtocol,
        ws_max_size=MESSAGE_BYTES,
        ws_per_message_deflate=False,
        ws_ping_interval=20.0,
        ws_ping_timeout=20.0,
        http=HttpConnection,
        lifespan="off",  # the parts are built and taken down around the server
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # app.web.visitors reads them, from trusted proxies only
        timeout_keep_alive=30,
        timeout_graceful_shutdown=GRACE_SECONDS,
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
    )


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """uvloop where it runs, else asyncio's own."""
    try:
        import uvloop  # noqa: PLC0415 - not on every system
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop
