"""The least that a scan can be: a Starlette route around one call of an SQL function that commits.

`load.door_rush` runs it beside the service, on the same core, against the same Postgres and with
the same client: what it takes is what this machine takes, whatever the program. Arguments: port,
and how to connect as JSON.
"""

import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

CREATE = """
CREATE TABLE IF NOT EXISTS bare_scan (
    id uuid PRIMARY KEY, number bigint GENERATED ALWAYS AS IDENTITY, text text);
CREATE OR REPLACE FUNCTION bare_scan(p_id uuid) RETURNS bigint LANGUAGE sql AS
    $$ INSERT INTO bare_scan (id, text) VALUES (p_id, repeat('x', 300)) RETURNING number $$
"""


def application(database: dict[str, Any]) -> Starlette:
    """One route, one statement, one row."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with asyncpg.create_pool(**database, min_size=10, max_size=10) as pool:
            await pool.execute(CREATE)
            app.state.pool = pool
            yield

    async def scan(request: Request) -> JSONResponse:
        body = await request.json()
        number = await request.app.state.pool.fetchval("SELECT bare_scan($1)", body["scan_id"])
        return JSONResponse({"verdict": "admit", "version": number})

    return Starlette(routes=[Route("/v1/scans", scan, methods=["POST"])], lifespan=lifespan)


if __name__ == "__main__":
    os.sched_setaffinity(0, {0})
    uvicorn.run(
        application(json.loads(sys.argv[2])), host="127.0.0.1", port=int(sys.argv[1]),
        loop="uvloop", http="httptools", log_level="warning", access_log=False,
    )  # fmt: skip
