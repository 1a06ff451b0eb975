"""Rows of staff and of their proofs; written as the role `auth`.

Links, codes and steps are used by one statement each that also decides: of two requests with the
same one the second finds it used.
"""

from datetime import datetime, timedelta

import asyncpg
from msgspec import Struct

INSERT_STAFF = """
INSERT INTO staff (id, username, display_name, role, password_hash, demo, floor, door, night)
VALUES (gen_random_uuid(), $1, $2, $3, $4, $5, $6, $7, $8::text::date)
ON CONFLICT (username) DO NOTHING
RETURNING id::text
"""
FIND_STAFF = """
SELECT id::text, username, display_name, role, password_hash, disabled_at IS NOT NULL AS disabled,
       demo, floor, door, night::text, edition, totp_sealed, pin_hash, created_at
  FROM staff
 WHERE username = $1
"""
GET_STAFF = """
SELECT id::text, username, display_name, role, password_hash, disabled_at IS NOT NULL AS disabled,
       demo, floor, door, night::text, edition, totp_sealed, pin_hash, created_at
  FROM staff
 WHERE id = $1
"""
LOCK_STAFF = """
SELECT id::text, username, display_name, role, password_hash, disabled_at IS NOT NULL AS disabled,
       demo, floor, door, night::text, edition, totp_sealed, pin_hash, created_at
  FROM staff
 WHERE id = $1
   FOR NO KEY UPDATE
"""
LIST_STAFF = """
SELECT id::text, username, display_name, role, password_hash, disabled_at IS NOT NULL AS disabled,
       demo, floor, door, night::text, edition, totp_sealed, pin_hash, created_at,
       (SELECT max(seen_at) FROM session WHERE staff_id = staff.id) AS seen_at
  FROM staff
 ORDER BY disabled_at IS NOT NULL, display_name, username
 LIMIT 500
"""
# Held to the commit: of two administrators who take each other's role away the second waits here,
# and then no longer finds the first.
LOCK_ADMINISTRATORS = """
SELECT id::text
  FROM staff
 WHERE role = 'SUPER_ADMIN' AND disabled_at IS NULL AND NOT demo
 ORDER BY id
   FOR NO KEY UPDATE
"""
CHANGE_STAFF = """
UPDATE staff
   SET display_name = $2, role = $3, floor = $4, door = $5, night = $6::text::date,
       disabled_at = CASE WHEN $7 THEN coalesce(disabled_at, now()) END, edition = edition + 1
 WHERE id = $1
"""
CHANGE_HASH = "UPDATE staff SET password_hash = $2 WHERE id = $1"
RENEW_HASH = "UPDATE staff SET password_hash = $3 WHERE id = $1 AND password_hash = $2"
CHANGE_PIN = "UPDATE staff SET pin_hash = $2 WHERE id = $1"
LIST_PINS = """
SELECT id::text AS staff_id, display_name AS name, door, role
  FROM staff
 WHERE has_pin AND disabled_at IS NULL
 ORDER BY display_name, id
 LIMIT 200
"""

INSERT_LINK = """
INSERT INTO sign_in_link (token_hash, staff_id, expires_at) VALUES ($1, $2, now() + $3)
RETURNING expires_at
"""
USE_LINK = """
UPDATE sign_in_link SET used_at = now()
 WHERE token_hash = $1 AND used_at IS NULL AND expires_at > now()
RETURNING staff_id::text
"""
END_LINKS = "DELETE FROM sign_in_link WHERE staff_id = $1 AND used_at IS NULL"
FORGET_LINKS = "DELETE FROM sign_in_link WHERE expires_at < now() - interval '1 day'"

# A step counts when it is later than the last one that did.
USE_STEP = """
UPDATE staff SET totp_step = $2 WHERE id = $1 AND totp_step < $2
RETURNING totp_step
"""
ENROL = """
UPDATE staff SET totp_sealed = $2, totp_step = $3
 WHERE id = $1 AND (totp_sealed IS NULL OR $4)
RETURNING totp_step
"""
FORGET_SEED = "UPDATE staff SET totp_sealed = NULL WHERE id = $1 AND totp_sealed IS NOT NULL"
FORGET_RECOVERY_CODES = "DELETE FROM recovery_code WHERE staff_id = $1"
INSERT_RECOVERY_CODE = "INSERT INTO recovery_code (staff_id, code_hash) VALUES ($1, $2)"
USE_RECOVERY_CODE = """
UPDATE recovery_code SET used_at = now()
 WHERE staff_id = $1 AND code_hash = $2 AND used_at IS NULL
RETURNING true
"""
COUNT_RECOVERY_CODES = """
SELECT count(*) FROM recovery_code WHERE staff_id = $1 AND used_at IS NULL
"""

COUNT_REAL_STAFF = "SELECT count(*) FROM staff WHERE NOT demo"


class StaffRow(Struct, frozen=True, kw_only=True):
    """A member of staff. `password_hash` is None for those who sign in by link only.

    `seen_at`, in a list alone: when a session of theirs was last used, as long as it is kept.
    """

    id: str
    username: str
    display_name: str
    role: str
    password_hash: str | None
    disabled: bool
    demo: bool
    floor: str | None
    door: str | None
    night: str | None
    edition: int
    totp_sealed: bytes | None
    pin_hash: str | None
    created_at: datetime
    seen_at: datetime | None = None

    def __repr__(self) -> str:
        return f"StaffRow({self.id!r}, {self.role!r})"


class PinRow(Struct, frozen=True):
    """Somebody who has a PIN; `door` is the one door of their scope."""

    role: str
    staff_id: str
    name: str
    door: str | None


async def insert_staff(
    conn: asyncpg.Connection,
    username: str,
    display_name: str,
    role: str,
    password_hash: str | None,
    *,
    demo: bool = False,
    floor: str | None = None,
    door: str | None = None,
    night: str | None = None,
) -> str | None:
    """The new member's id; None: the name is taken. `username` is a `username_key`."""
    staff_id: str | None = await conn.fetchval(
        INSERT_STAFF, username, display_name, role, password_hash, demo, floor, door, night
    )
    return staff_id


async def find_staff(conn: asyncpg.Connection, username: str) -> StaffRow | None:
    """Whoever has the name, disabled ones included."""
    row = await conn.fetchrow(FIND_STAFF, username)
    return None if row is None else StaffRow(**row)


async def find_by_id(conn: asyncpg.Connection, staff_id: str) -> StaffRow | None:
    """Whoever has the id, disabled ones included."""
    row = await conn.fetchrow(GET_STAFF, staff_id)
    return None if row is None else StaffRow(**row)


async def get_staff(conn: asyncpg.Connection, staff_id: str) -> StaffRow:
    found = await find_by_id(conn, staff_id)
    assert found is not None, "staff are disabled, never deleted"
    return found


async def lock_staff(conn: asyncpg.Connection, staff_id: str) -> StaffRow | None:
    """Whoever has the id, held to the commit."""
    row = await conn.fetchrow(LOCK_STAFF, staff_id)
    return None if row is None else StaffRow(**row)


async def list_staff(conn: asyncpg.Connection) -> list[StaffRow]:
    """Everybody, those who may act first; at most 500, which is many times a venue's staff."""
    return [StaffRow(**row) for row in await conn.fetch(LIST_STAFF)]


async def lock_administrators(conn: asyncpg.Connection) -> list[str]:
    """The ids of all who may administer staff, held to the commit."""
    return [row["id"] for row in await conn.fetch(LOCK_ADMINISTRATORS)]


async def change_staff(
    conn: asyncpg.Connection,
    staff_id: str,
    display_name: str,
    role: str,
    floor: str | None,
    door: str | None,
    night: str | None,
    *,
    disabled: bool,
) -> None:
    """The account is so from now on; its edition has grown."""
    await conn.execute(CHANGE_STAFF, staff_id, display_name, role, floor, door, night, disabled)


async def set_password_hash(conn: asyncpg.Connection, staff_id: str, password_hash: str) -> None:
    await conn.execute(CHANGE_HASH, staff_id, password_hash)


async def renew_password_hash(
    conn: asyncpg.Connection, staff_id: str, before: str, after: str
) -> None:
    """The same password by another hash; one that was changed meanwhile stays."""
    await conn.execute(RENEW_HASH, staff_id, before, after)


async def set_pin_hash(conn: asyncpg.Connection, staff_id: str, pin_hash: str | None) -> None:
    """The account has this PIN, or with None no PIN."""
    await conn.execute(CHANGE_PIN, staff_id, pin_hash)


async def list_pins(conn: asyncpg.Connection) -> list[PinRow]:
    """Who has a PIN and may act, by name."""
    return [PinRow(**row) for row in await conn.fetch(LIST_PINS)]


async def insert_link(
    conn: asyncpg.Connection, token_hash: bytes, staff_id: str, lasts: timedelta
) -> datetime:
    """The link signs its member of staff in, once, until the instant returned."""
    expires_at: datetime = await conn.fetchval(INSERT_LINK, token_hash, staff_id, lasts)
    return expires_at


async def use_link(conn: asyncpg.Connection, token_hash: bytes) -> str | None:
    """The id of whom the link signs in, which it never does again; None: used, over or unknown."""
    staff_id: str | None = await conn.fetchval(USE_LINK, token_hash)
    return staff_id


async def end_links(conn: asyncpg.Connection, staff_id: str) -> None:
    """No link that was made until now signs the account in any more."""
    await conn.execute(END_LINKS, staff_id)


async def forget_links(conn: asyncpg.Connection) -> None:
    """Links that are long over are gone."""
    await conn.execute(FORGET_LINKS)


async def use_step(conn: asyncpg.Connection, staff_id: str, step: int) -> bool:
    """Whether the code of this step counts; it, and every earlier one, never does again."""
    return await conn.fetchval(USE_STEP, staff_id, step) is not None


async def enrol(
    conn: asyncpg.Connection, staff_id: str, sealed: bytes, step: int, *, again: bool
) -> bool:
    """Whether the account has this seed now. One that has a seed keeps it unless `again`."""
    return await conn.fetchval(ENROL, staff_id, sealed, step, again) is not None


async def forget_seed(conn: asyncpg.Connection, staff_id: str) -> None:
    """The account has no second factor."""
    await conn.execute(FORGET_SEED, staff_id)
    await conn.execute(FORGET_RECOVERY_CODES, staff_id)


async def replace_recovery_codes(
    conn: asyncpg.Connection, staff_id: str, hashes: list[bytes]
) -> None:
    """The account has these recovery codes and no others."""
    await conn.execute(FORGET_RECOVERY_CODES, staff_id)
    await conn.executemany(INSERT_RECOVERY_CODE, [(staff_id, one) for one in hashes])


async def use_recovery_code(conn: asyncpg.Connection, staff_id: str, code_hash: bytes) -> bool:
    """Whether the code counts, which it never does again."""
    return bool(await conn.fetchval(USE_RECOVERY_CODE, staff_id, code_hash))


async def count_recovery_codes(conn: asyncpg.Connection, staff_id: str) -> int:
    """How many are left."""
    return int(await conn.fetchval(COUNT_RECOVERY_CODES, staff_id))


async def count_real_staff(conn: asyncpg.Connection) -> int:
    """How many accounts are not a demo's."""
    return int(await conn.fetchval(COUNT_REAL_STAFF))
