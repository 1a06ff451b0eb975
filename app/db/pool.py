"""Connections to Postgres, one pool for each role, and the translation of its errors.

Every constraint of the schema has a name. Here each name is either a refusal with a sentence for
people, or it is missing on purpose: then its violation is a bug and crashes loudly.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Final, Protocol, TypeVar

import asyncpg

from app.db.acting import acting_of, begin_as
from app.db.batch import POOLED, Prepared
from app.db.connections import Connections
from app.domain.principals import Principal
from app.errors import Conflict, NotReady, Refusal

logger = logging.getLogger(__name__)

COMMAND_SECONDS = 5.0  # no statement of a request may take longer
ATTEMPTS = 3  # a deadlock or a serialisation failure is tried again, with a little wait


# A violated constraint that a client can cause by losing a race.
REFUSED: Final[dict[str, tuple[str, str]]] = {
    "claims_do_not_overlap": (
        "table_not_available",
        "Another party has just taken one of these tables. Ask for the availability again.",
    ),
    "one_hold_per_customer": (
        "hold_exists",
        "You hold tables already. Pay for them or let them go, then hold others.",
    ),
    "holds_per_address": (
        "too_many_holds",
        "Too many unpaid holds come from this address. Wait for one to be paid or let go.",
    ),
    "one_place_per_customer": (
        "already_waiting",
        "You are on this night's waitlist already. One place is enough.",
    ),
    "places_per_address": (
        "too_many_waiting",
        "Too many parties wait from this address. Ask the club.",
    ),
    "waitlist_has_room": (
        "waitlist_full",
        "The waitlist of this night is full. Choose another night, or ask the club.",
    ),
    "night_pkey": ("night_exists", "This night is open already. Edit it instead."),
}

Answer = TypeVar("Answer")


# What every connection has, a pooler's too: no statement, lock or idle transaction lasts for ever.
SESSION: Final[dict[str, str]] = {
    "statement_timeout": "4000",
    "lock_timeout": "2000",
    "idle_in_transaction_session_timeout": "10000",
    "jit": "off",
    "standard_conforming_strings": "on",  # as app/db/literals.py spells texts
    # An action's statements are planned once and not for each set of arguments:
    # lock_floor takes 0.73 ms instead of 1.65 ms.
    "plan_cache_mode": "force_generic_plan",
}
FIND_SESSION: Final = "SELECT name, setting FROM pg_settings WHERE name = ANY ($1)"


class Urls(Protocol):
    """What `Settings` gives of the database."""

    @property
    def database_url(self) -> str: ...
    @property
    def jobs_database_url(self) -> str: ...
    @property
    def auth_database_url(self) -> str: ...
    @property
    def database_pooled(self) -> bool: ...


class Session(asyncpg.Connection):  # type: ignore[misc]  # asyncpg ships no types
    """A connection whose requests leave nothing behind that would have to be reset.

    They use transactions and transaction-local settings alone, so the reset that a pool makes at
    every release (a round trip of 0.15 ms) has nothing to do. asyncpg itself still ends a
    transaction that a cancelled request left open.
    """

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.prepared = Prepared()
        self.timed: Callable[[float], object] | None = None

    def get_reset_query(self) -> str:
        return ""

    # Timed here: asyncpg's own loggers cost a record and a turn of the loop for each message.

    async def execute(self, *given: Any, **named: Any) -> Any:
        return await self._told_of(super().execute(*given, **named))

    async def fetch(self, *given: Any, **named: Any) -> Any:
        return await self._told_of(super().fetch(*given, **named))

    async def fetchrow(self, *given: Any, **named: Any) -> Any:
        return await self._told_of(super().fetchrow(*given, **named))

    async def fetchval(self, *given: Any, **named: Any) -> Any:
        return await self._told_of(super().fetchval(*given, **named))

    async def _told_of(self, message: Awaitable[Answer]) -> Answer:
        if self.timed is None:
            return await message
        began = time.perf_counter()
        try:
            return await message
        finally:
            self.timed(time.perf_counter() - began)


class Database:
    """The pools of the three roles: `app` answers requests, `jobs` tidies, `auth` signs in."""

    def __init__(self, app: Connections, jobs: Connections, auth: Connections) -> None:
        self.app = app
        self.jobs = jobs
        self.auth = auth

    @classmethod
    async def open(
        cls, urls: Urls, *, size: int = 10, timed: Callable[[float], object] | None = None
    ) -> "Database":
        """Pools of at most `size`, 4 and 2 connections; each checks that it can connect.

        Behind a pooler of transactions no statement stays prepared and nothing is set at the
        connect, since the next transaction has another connection; the roles' own settings count,
        and a role without them is warned of.

        `timed` is told how many seconds each message to Postgres took, its answer included.

        With N workers the server sees up to N * (size + 6) connections and one listener each.
        """

        pooled = urls.database_pooled

        async def begin(conn: Any) -> None:
            conn.prepared.lasts = not pooled
            conn.timed = timed

        async def pool(url: str, most: int) -> Connections:
            made = await asyncpg.create_pool(
                url,
                min_size=1,
                max_size=most,
                connection_class=Session,
                init=begin,
                command_timeout=COMMAND_SECONDS,
                statement_cache_size=0 if pooled else 100,
                server_settings=None if pooled else SESSION,
            )
            return Connections(made, most)

        opened: list[Connections] = []
        try:
            opened.append(await pool(urls.database_url, size))
            opened.append(await pool(urls.jobs_database_url, 4))
            opened.append(await pool(urls.auth_database_url, 2))
            for one in opened if pooled else ():
                await _warn_of_settings(one)
        except BaseException:
            for one in opened:
                one.terminate()
            raise
        return cls(*opened)

    async def close(self) -> None:
        """Every connection is closed; those still busy after 5 s are cut."""
        try:
            async with asyncio.timeout(5):
                await asyncio.gather(self.app.close(), self.jobs.close(), self.auth.close())
        except TimeoutError:
            for pool in (self.app, self.jobs, self.auth):
                pool.terminate()

    @asynccontextmanager
    async def reading(self, pool: Connections | None = None) -> AsyncIterator[asyncpg.Connection]:
        """A connection for reads of what is nobody's own: nobody acts, so no row of a customer is
        seen. Raises NotReady: none within 2 s, or the server is away."""
        async with mapped(), (pool or self.app).lend() as conn:
            yield conn

    @asynccontextmanager
    async def acting(
        self, who: Principal, pool: Connections | None = None
    ) -> AsyncIterator[asyncpg.Connection]:
        """One READ COMMITTED transaction that sees what `who` may see of the customers' rows.

        Every read of a table with row level security goes through it, or through an action. The
        person is set in the message that begins the transaction. Raises as `begun`.
        """
        async with mapped(), (pool or self.app).lend() as conn:
            try:
                await conn.execute(begin_as(acting_of(who)))
                yield conn
            except BaseException:
                await _rolled_back(conn)
                raise
            await conn.execute("COMMIT")

    @asynccontextmanager
    async def begun(self, pool: Connections | None = None) -> AsyncIterator[asyncpg.Connection]:
        """One READ COMMITTED transaction, committed when the block ends well.

        Raises the refusal of a violated constraint, or NotReady: the database is away. The acting
        person is set by the action's first statement (`lock_floor`).
        """
        async with mapped(), (pool or self.app).lend() as conn, conn.transaction():
            yield conn

    def undecided(self, pool: Connections | None = None, *, begin: bool = True) -> "Undecided":
        """As `begun`, but rolled back at the end unless a statement of the block committed.

        Without `begin` the block's first message begins the transaction.
        """
        return Undecided(pool or self.app, begin)


class Undecided:
    """The `async with` of `Database.undecided`; every action goes through it, so it is no
    generator inside a generator."""

    def __init__(self, pool: Connections, begin: bool) -> None:
        self._loan = pool.lend()
        self._begin = begin

    async def __aenter__(self) -> asyncpg.Connection:
        async with mapped():
            self._conn = await self._loan.__aenter__()
            if self._begin:
                try:
                    await self._conn.execute("BEGIN")
                except BaseException as error:
                    await self._loan.__aexit__(type(error), error, None)
                    raise
            return self._conn

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None and not self._conn.is_in_transaction():
            await self._loan.__aexit__(None, None, None)
            return
        async with mapped():
            try:
                await _rolled_back(self._conn)
            finally:
                await self._loan.__aexit__(kind, error, trace)
            if error is not None:
                raise error


async def _warn_of_settings(pool: Connections) -> None:
    """Say which of the settings that a pooler cannot pass on the role does not have by itself."""
    async with pool.lend() as conn:
        found = dict(await conn.fetch(FIND_SESSION, list(SESSION)))
        role = await conn.fetchval("SELECT current_user")
    lacking = {name: value for name, value in SESSION.items() if found.get(name) != value}
    if lacking:
        told = " ".join(f"ALTER ROLE {role} SET {name} = '{v}';" for name, v in lacking.items())
        logger.warning("connections of the pooler lack settings; give them once: %s", told)


async def retried(work: Callable[[], Awaitable[Answer]]) -> Answer:
    """The work's answer; a deadlock or serialisation failure runs it again, at most three times.

    Raises Conflict `try_again`: it never got through.
    """
    for attempt in range(ATTEMPTS):
        try:
            return await work()
        except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, *POOLED):
            await asyncio.sleep(0.01 * 3**attempt)
    raise Conflict("try_again", "Too many changed this at once. Try again.", retry_after_seconds=1)


async def _rolled_back(conn: asyncpg.Connection) -> None:
    """The connection is in no transaction any more."""
    if not conn.is_closed() and conn.is_in_transaction():
        try:
            await conn.execute("ROLLBACK")
        except asyncio.CancelledError:
            conn.terminate()  # told to end twice: the next user would find it busy
            raise


@asynccontextmanager
async def mapped() -> AsyncIterator[None]:
    """Errors of Postgres inside the block become refusals, or stay bugs."""
    try:
        yield
    except (Refusal, asyncpg.DeadlockDetectedError, asyncpg.SerializationError, *POOLED):
        raise
    except asyncpg.IntegrityConstraintViolationError as error:
        known = REFUSED.get(error.constraint_name or "")
        if known is None:
            raise
        raise Conflict(*known) from error
    except asyncpg.LockNotAvailableError as error:
        raise Conflict(
            "try_again", "Somebody else is changing this. Try again.", retry_after_seconds=1
        ) from error
    except (
        asyncpg.PostgresConnectionError,
        asyncpg.OperatorInterventionError,  # it stops, starts, or ended this statement
        asyncpg.InsufficientResourcesError,  # its disk, memory or connections are used up
        asyncpg.ReadOnlySQLTransactionError,  # it is a standby since a moment
        asyncpg.InterfaceError,
        # A connection that Postgres ended while nobody used it: asyncpg has read the farewell, and
        # has not seen the end of the stream yet.
        asyncpg.InternalClientError,
        TimeoutError,
        OSError,
    ) as error:
        raise NotReady(
            "database_away",
            "The database did not answer. Nothing is lost: try again with the same key.",
            retry_after_seconds=1,
        ) from error
