"""`backroom admin`: the first person who may sign in, and whoever has lost every way to.

Whoever can run this command on the service's machine owns its database anyway, so it asks for no
other right.
"""

import asyncio
import getpass
import sys
from datetime import timedelta
from typing import Final
from uuid import uuid4

import asyncpg

from app.actions.act import Caller
from app.actions.administration import note
from app.db import guesses, sessions, staff
from app.domain.passwords import hash_password, judge_password, username_key
from app.domain.principals import Principal
from app.domain.second_factor import MANDATORY
from app.domain.tokens import new_token, token_hash
from app.settings import Settings
from floorplan.administration import (
    LinkMade,
    SecondFactorReset,
    SessionRevoked,
    StaffAdded,
    Standing,
)
from floorplan.nights import instant_text

RECOVERY_LASTS: Final = timedelta(hours=1)  # whoever runs the command hands it over at once
# Whoever runs the command: the machine knows who that is, and the service does not.
OPERATOR: Final = Principal(kind="system", id="operator", role="SYSTEM")


def create(settings: Settings, username: str, name: str, role: str) -> int:
    """The account exists with the password that is asked for; 1 when it does not."""
    password = read_password()
    sentence = judge_password(password, username)
    if sentence is not None:
        print(sentence, file=sys.stderr)
        return 1
    made = asyncio.run(_insert(settings, username, name, role, hash_password(password)))
    if made is None:
        print(f"The name {username!r} is taken: choose another.", file=sys.stderr)
        return 1
    print(f"{name} may sign in as {username} ({role}).")
    if role in MANDATORY:
        print("The first sign-in sets up a second factor: have a phone with an authenticator app.")
    return 0


def recover(settings: Settings, username: str) -> int:
    """Who lost phone and recovery codes signs in once by the link that is printed; 1: no such one.

    The second factor is gone, every session is over, what was guessed is forgotten.
    """
    token = asyncio.run(_recover(settings, username_key(username)))
    if token is None:
        print(f"Nobody who may sign in has the name {username!r}.", file=sys.stderr)
        return 1
    print(f"Within the hour, and once:\n  {settings.public_url}/sign-in#link={token}")
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


async def _recover(settings: Settings, username: str) -> str | None:
    conn = await asyncpg.connect(settings.auth_database_url, statement_cache_size=0)
    try:
        async with conn.transaction():
            member = await staff.find_staff(conn, username)
            if member is None or member.disabled or member.demo:
                return None
            await staff.lock_staff(conn, member.id)
            await staff.forget_seed(conn, member.id)
            await staff.end_links(conn, member.id)
            ended = await sessions.revoke_all_of(conn, member.id)
            await guesses.forget_all_of(conn, member.id)
            token = new_token()
            until = await staff.insert_link(conn, token_hash(token), member.id, RECOVERY_LASTS)
            caller, subject = Caller(OPERATOR, str(uuid4())), f"staff:{member.id}"
            await note(conn, caller, SecondFactorReset(), subject)
            if ended:
                await note(conn, caller, SessionRevoked(member.id, "second_factor"), subject)
            await note(conn, caller, LinkMade("sign_in", instant_text(until)), subject)
        return token
    finally:
        await conn.close()


async def _insert(
    settings: Settings, username: str, name: str, role: str, password_hash: str
) -> str | None:
    conn = await asyncpg.connect(settings.auth_database_url, statement_cache_size=0)
    try:
        async with conn.transaction():
            made = await staff.insert_staff(conn, username_key(username), name, role, password_hash)
            if made is not None:
                caller = Caller(OPERATOR, str(uuid4()))
                await note(conn, caller, StaffAdded(Standing(role)), f"staff:{made}")
        return made
    finally:
        await conn.close()
