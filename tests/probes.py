"""What the tests look at from outside: processes, and a database by one question."""

import asyncio
from pathlib import Path

import asyncpg

from app.embedded import processes
from app.embedded.servers import EmbeddedServers

# Runs the servers of a data directory until its standard input ends; "forget" gives up the lock.
PARENT = """
import json, os, sys
from pathlib import Path
from app.embedded.servers import EmbeddedServers
servers = EmbeddedServers(Path(sys.argv[1]), scratch=True)
servers.start()
print(json.dumps([servers.postgres.pid, servers.redis.pid]), flush=True)
for line in sys.stdin:
    if line == "forget\\n":
        os.close(servers._lock)
        print("forgotten", flush=True)
"""


def is_alive(pid: int) -> bool:
    """True if the process is there and is not just waiting to be buried."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def running(servers: EmbeddedServers) -> list[int]:
    """Every process that belongs to the home of `servers`, whoever started it."""
    place = servers.home
    return [
        pid
        for kind in (
            processes.Kind("postgres", place.mark, place.uid),
            processes.Kind("redis-server", str(place.top), place.uid),
        )
        for pid in kind.find()
    ]


def query(url: str, *statements: str) -> object:
    """The first value of the last statement's answer."""

    async def ask() -> object:
        connection = await asyncpg.connect(url)
        try:
            for statement in statements[:-1]:
                await connection.execute(statement)
            return await connection.fetchval(statements[-1])
        finally:
            await connection.close()

    return asyncio.run(ask())
