"""`backroom admin create`: the first person who may sign in, and anybody after that person's loss.

Whoever can run this command on the service's machine owns its database anyway, so it asks for no
other right.
"""

import asyncio
import getpass
import sys
from typing import Final
from uuid import uuid4

import asyncpg

from app.actions.act import Caller
from app.actions.administration import note
from app.db.staff import insert_staff
from app.domain.passwords import PASSWORD_LENGTH_MIN, hash_password, username_key
from app.domain.principals import Principal
from app.settings import Settings
from floorplan.administration import StaffAdded, Standing

# Whoever runs the command: the machine knows who that is, and the service does not.
OPERATOR: Final = Principal(kind="system", id="operator", role="SYSTEM")


def create(settings: Settings, username: str, name: str, role: str) -> int:
    """The account exists with the password that is asked for; 1 when it does not."""
    password = read_password()
    if len(password) < PASSWORD_LENGTH_MIN:
        print(f"A password has at least {PASSWORD_LENGTH_MIN} characters.", file=sys.stderr)
        return 1
    made = asyncio.run(_insert(settings, username, name, role, hash_password(password)))
    if made is None:
        print(f"The name {username!r} is taken: choose another.", file=sys.stderr)
        return 1
    print(f"{name} may sign in as {username} ({role}).")
    return 0


def read_password() -> str:
    """Typed twice at a terminal without being shown; otherwise the first line of the input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != first:
        print("The two differ.", file=sys.stderr)
        return ""
    return first


async def _insert(
    settings: Settings, username: str, name: str, role: str, password_hash: str
) -> str | None:
    conn = await asyncpg.connect(settings.auth_database_url)
    try:
        async with conn.transaction():
            made = await insert_staff(conn, username_key(username), name, role, password_hash)
            if made is not None:
                caller = Caller(OPERATOR, str(uuid4()))
                await note(conn, caller, StaffAdded(Standing(role)), f"staff:{made}")
        return made
    finally:
        await conn.close()
