"""PgBouncer in front of a test's database: each transaction gets another connection."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg

from app.db.pool import SESSION
from app.settings import Settings
from tests import needs
from tests.conftest import in_thread
from tests.premises import wait_for

ROLES = ("app", "jobs", "auth")
# Fewer than the service has open to it, so that they are handed round.
SERVERS_OF_A_ROLE = 2
PAGE = """
[databases]
{name} = host={folder} port={server_port} dbname={name}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {place}/users
pool_mode = transaction
default_pool_size = {servers}
max_client_conn = 200
"""


@contextmanager
def pooled(settings: Settings) -> Iterator[Settings]:
    """The settings of a service whose requests go through PgBouncer."""
    urls = {role: getattr(settings, f"{role}_database_url") for role in ("jobs", "auth")}
    urls["app"] = settings.database_url
    parts = urlsplit(urls["app"])
    query = parse_qs(parts.query)
    folder, name = query["host"][0], parts.path.lstrip("/")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    place = Path(tempfile.mkdtemp(prefix="backroom-pooler-"))
    users = [f'"{role}" "{urlsplit(urls[role]).password}"\n' for role in ROLES]
    (place / "users").write_text("".join(users))
    (place / "ini").write_text(
        PAGE.format(name=name, folder=folder, server_port=query["port"][0], port=port,
                    place=place, servers=SERVERS_OF_A_ROLE)
    )  # fmt: skip
    # Its folder of sockets lets nobody in but the server's own user, and PgBouncer is never root.
    owner = Path(folder).stat()
    for each in (place, *place.iterdir()):
        os.chown(each, owner.st_uid, owner.st_gid)
    in_thread(_give_settings(urls, name))
    process = subprocess.Popen(
        [str(needs.pgbouncer()), "--quiet", str(place / "ini")],
        user=owner.st_uid, group=owner.st_gid, extra_groups=[],
    )  # fmt: skip

    def through(role: str) -> str:
        return f"postgresql://{role}:{urlsplit(urls[role]).password}@127.0.0.1:{port}/{name}"

    try:
        wait_for(lambda: _is_up(port), "the pooler")
        yield replace(
            settings,
            database_pooled=True,
            database_url=through("app"),
            jobs_database_url=through("jobs"),
            auth_database_url=through("auth"),
        )
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(place, ignore_errors=True)


async def _give_settings(urls: dict[str, str], name: str) -> None:
    """What docs/operations.md tells whoever runs a pooler to do, in this database alone."""
    for role in ROLES:
        conn = await asyncpg.connect(urls[role])
        for setting, value in SESSION.items():
            await conn.execute(f"ALTER ROLE {role} IN DATABASE {name} SET {setting} = '{value}'")
        await conn.close()


def _is_up(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
