"""The writes of an action, kept back until its last message and sent in it.

    BEGIN and the facts · rules in Python · rows, events, answer and COMMIT

So a common action is two round trips, whatever it writes, and no row is locked or written while
this process thinks. A batch is used as the connection that it stands for: what writes is
kept, and what reads sends first what was kept before it, so that it sees it.

Each statement is prepared once on a connection, under a name made from its text, and then called by
that name: its plan is kept as asyncpg keeps it. Where that cannot work (a pooler that hands each
transaction to another connection) the first failure is tried again with statements sent one by one.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any, Final

import asyncpg

from app.db.literals import literal

# The texts are constants of this code, some sixty. More would mean that one is made of values.
PREPARED_MOST: Final = 300
# What Postgres says of a prepared statement where a pooler hands each transaction to another
# connection than the one that prepared it.
POOLED: Final = (asyncpg.InvalidSQLStatementNameError, asyncpg.DuplicatePreparedStatementError)


Statement = tuple[str, tuple[object, ...]]  # the SQL, a constant, and its arguments


class Prepared:
    """The names of the statements that batches have prepared on a connection."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.lasts = True  # what is prepared in one transaction is there in the next


class Batch:
    """A connection in a transaction, whose writes wait for `finish`, or for the next read.

    The connection is an `app.db.pool.Session`.
    """

    def __init__(self, conn: asyncpg.Connection) -> None:
        self._conn = conn
        self._kept: list[str | Statement] = []
        self._heard: list[str] = []  # what those told that had to go before the end
        self._sent = 0  # how many these were

    def keep(self, *statements: str | Statement) -> None:
        """They are sent with the next message that has to go; a text has its values in it."""
        self._kept += statements

    def mark(self) -> int:
        """This place, for `drop`."""
        return self._sent + len(self._kept)

    def drop(self, mark: int) -> None:
        """What was kept since the mark does not happen. Raises ValueError: some of it has."""
        if mark < self._sent:
            raise ValueError("a read has sent what it was to see")
        del self._kept[mark - self._sent :]

    async def execute(self, sql: str, *arguments: object) -> None:
        """As `keep`, spelled as a connection does."""
        self._kept.append((sql, arguments))

    async def executemany(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        self._kept += [(sql, tuple(arguments)) for arguments in rows]

    async def fetch(self, sql: str, *arguments: object) -> Any:
        await self._flush()
        return await self._conn.fetch(sql, *arguments)

    async def fetchrow(self, sql: str, *arguments: object) -> Any:
        await self._flush()
        return await self._conn.fetchrow(sql, *arguments)

    async def fetchval(self, sql: str, *arguments: object) -> Any:
        await self._flush()
        return await self._conn.fetchval(sql, *arguments)

    async def finish(self, *ending: str | Statement) -> list[str]:
        """What was kept and this ending have happened, in one message; what each of it told.

        Raises what POOLED lists: not on this connection; it will do without, so try again.
        """
        self.keep(*ending)
        prepared: Prepared = self._conn.prepared
        if not prepared.lasts:
            await self._flush()
            return self._heard
        kept, self._kept = self._kept, []
        try:
            texts = [
                one if isinstance(one, str) else await self._call(prepared, *one) for one in kept
            ]
            return self._heard + await all_told(self._conn, "; ".join(texts))
        except POOLED:
            prepared.lasts = False
            raise

    async def _flush(self) -> None:
        """Everything kept has happened, in its order, one message each."""
        kept, self._kept = self._kept, []
        self._sent += len(kept)
        for one in kept:
            if isinstance(one, str):
                self._heard += await all_told(self._conn, one)
            else:
                await self._conn.execute(one[0], *one[1])

    async def _call(self, prepared: Prepared, sql: str, arguments: tuple[object, ...]) -> str:
        name = _NAMES.get(sql)
        if name is None:
            name = _NAMES[sql] = "w" + sha256(sql.encode()).hexdigest()[:20]
        if name not in prepared.names:
            assert len(prepared.names) < PREPARED_MOST, "a statement is made of values"
            await self._conn.execute(f"PREPARE {name} AS {sql}")
            prepared.names.add(name)
        given = ", ".join(map(literal, arguments))
        return f"EXECUTE {name}({given})" if arguments else f"EXECUTE {name}"


_NAMES: Final[dict[str, str]] = {}


async def told(conn: asyncpg.Connection, statements: str) -> str:
    """What the function called by one of the statements told in its INFO.

    asyncpg gives no row of a message that holds several statements; a notice comes in the same
    answer, before its end. A round trip costs 0.13 ms here and as much in Postgres.
    """
    (text,) = await all_told(conn, statements)
    return text


async def all_told(conn: asyncpg.Connection, statements: str) -> list[str]:
    """What each function called by the statements told, in their order."""
    heard: list[str] = []

    def hear(_conn: object, notice: asyncpg.PostgresLogMessage) -> None:
        if notice.severity_en == "INFO":
            heard.append(notice.message)

    conn.add_log_listener(hear)
    try:
        await conn.execute(statements)
    finally:
        conn.remove_log_listener(hear)
    return heard
