"""Row level security: the database says no when the code's own check is off.

Method: rows of two customers are made by the actions; then somebody else sends statements of their
own over the service's connections, and a connection of the owner knows what there was to see. What
each may read is the table in docs/security.md, cell by cell.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import msgspec
import pytest

from app.actions import bookings
from app.actions.act import lock
from app.db.acting import Acting, begin_as
from app.db.batch import all_told
from app.db.pool import Database
from app.domain.principals import ANONYMOUS, SYSTEM, Principal
from app.errors import NotFound
from app.settings import Settings
from floorplan.nights import parse_instant
from tests.integration.customers import (
    ADMIN,
    BY_PIN,
    DOOR,
    PENDING,
    REVOKED,
    ROWS,
    STRANGER,
    WRITES,
    World,
    populated,
    told,
)
from tests.integration.floor import DEVICE, MANAGER, NIGHT, house

PAGE = Path(__file__).parents[2] / "docs" / "security.md"

# Tables without row level security, each with the reason why it needs none.
OPEN = {
    "migration": "what was applied; nothing of anybody",
    "installation": "one row: which database this is",
    "night_calendar": "which address of a night's calendar counts for which member of staff",
    "clock": "one row: the demo's clock",
    "stripe_inbox": "ids of Stripe's events and objects, for the role jobs alone",
    "book": "heads of the books",
    "event": "ids and figures, no personal data; append-only, read whole for every screen",
    "snapshot": "copies of the fold of the events",
    "night": "what is on, which everybody may read",
    "floor_table": "the sixteen tables",
    "table_block": "tables out of service",
    "headcount": "how many are inside",
    "signing_key": "one key a night, of no customer; its private half is sealed",
    "device": "the venue's own; the token's hash is looked up before anybody is known",
    "retired_token": "as device",
    "staff": "the venue's own people; proofs are for the role auth alone, by column",
    "session": "as staff; looked up before anybody is known",
    "sign_in_link": "for the role auth alone",
    "guess": "for the role auth alone",
    "recovery_code": "for the role auth alone",
    "known_device": "browsers of staff; looked up before anybody is known",
}
# Functions that run as their owner; docs/security.md says what each tells.
AS_OWNER = {
    "judge_holder", "judge_waiting", "floor_taken", "offer_tables", "is_waiting", "place_in_line",
    "offer_over", "waitlist_over",
    "event_number", "lock_book", "lock_floor", "find_scanned", "forget_key",
    "end_booking", "expire_holds", "person_is_free", "is_owner",
    "ban_of", "held_banned", "recall_shares", "forget_bans", "forget_ended_bans",
    "renew_booking_calendar", "revoke_manage_links",
    "enqueue_messages", "change_bookings", "split_booking", "lock_tables", "message_facts",
    "count_money", "ask_refund", "confirm_paid", "reissue_ticket", "issue_guest_ticket",
    "revoke_guest_ticket", "end_guest_tickets", "guest_pass",
}  # fmt: skip

WHO: dict[str, tuple[str, Principal | None]] = {
    "nobody": ("app", None),
    "ANONYMOUS": ("app", ANONYMOUS),
    "PENDING": ("app", PENDING),
    "DEVICE": ("app", DEVICE),
    "REVOKED": ("app", REVOKED),
    "DOOR_STAFF": ("app", DOOR),
    "by PIN": ("app", BY_PIN),
    "MANAGER": ("app", MANAGER),
    "SUPER_ADMIN": ("app", ADMIN),
    "jobs as SYSTEM": ("jobs", SYSTEM),
    "jobs as nobody": ("jobs", None),
    "auth": ("auth", MANAGER),
}
_DOOR = {
    "seat",
    "complete",
    "walk in",
    "give up",
    "count",
    "count a guest",
    "claim",
    "issue",
    "scan",
}
_MANAGER = _DOOR | {
    "cancel", "no-show", "pay", "extend", "let go", "confirm", "revive", "void", "take money",
    "ban", "lift", "resolve", "take another's tickets", "end another's lease", "decide a task",
    "send again", "end the tries to pay", "verify", "give back", "leave the list", "rank",
}  # fmt: skip
# Of WRITES, what each may do to Ben's rows.
MAY: dict[str, set[str]] = {
    "nobody": set(),
    "ANONYMOUS": set(),
    "PENDING": set(),
    "another OWNER": set(),
    "its OWNER": {
        "cancel",
        "give up",
        "void",
        "erase",
        "destroy the key",
        "end the tries to pay",
    },
    "OWNER of the hold": {"extend", "let go", "begin to pay", "leave the list"},
    "DEVICE": {"count", "count a guest", "scan"},
    "REVOKED": {"leave in quarantine"},
    "DOOR_STAFF": _DOOR,
    "by PIN": _DOOR,
    "MANAGER": _MANAGER,
    "SUPER_ADMIN": _MANAGER | {"erase", "destroy the key"},
    "jobs as SYSTEM": {
        "complete",
        "no-show",
        "give up",
        "void",
        "forget answers",
        "send again",
        "say it was sent",
        "forget the messages",
        "take money online",
        "begin to pay",
        "end the tries to pay",
        "give back",
    },
    "jobs as nobody": {"forget answers"},
    "auth": set(),
}


@pytest.fixture
async def world(settings: Settings) -> AsyncIterator[World]:
    async with house(settings) as made:
        yield await populated(made)


def cells() -> list[tuple[str, str, str]]:
    """Table, who and what of each cell of the page's table."""
    text = PAGE.read_text("utf-8")
    begin = text.index("<!-- row security: reading -->")
    lines = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text[begin : text.index("<!-- end -->", begin)].splitlines()
        if line.startswith("|")
    ]
    head, _, *rows = lines
    return [
        (row[0], who, cell)
        for row in rows
        for title, cell in zip(head[1:], row[1:], strict=True)
        for who in title.split(", ")
    ]


@pytest.mark.parametrize("who", ["OWNER", "OWNER by link", "a stranger", *WHO])
async def test_each_reads_what_the_page_says_and_nothing_else(world: World, who: str) -> None:
    title = {"OWNER by link": "OWNER", "a stranger": "OWNER", "by PIN": "DOOR_STAFF"}.get(who, who)
    linked = Principal("owner", "0" * 64, "OWNER", booking_id=world.ada_booking)
    owners = {"OWNER": world.ada, "OWNER by link": linked, "a stranger": STRANGER}
    role, principal = ("app", owners[who]) if who in owners else WHO[who]
    expected = {table: cell for table, name, cell in cells() if name == title}
    assert set(expected) == set(ROWS)
    seen: dict[str, object] = {}
    wanted: dict[str, object] = {}
    async with world.house.looking() as owner:
        every = {table: await owner.fetch(sql) for table, sql in ROWS.items()}
    for table, cell in expected.items():
        rows = every[table]
        assert len({row["whose"] for row in rows}) > 1, f"{table} has rows of one alone"
        wanted[table] = {
            "-": set[str](),
            "x": "no right",
            "all": {row["key"] for row in rows},
            "own": {row["key"] for row in rows if row["whose"] in world.mine(principal)},
            "open": {row["key"] for row in rows if row["whose"] != world.old_booking},
            "old": {row["key"] for row in rows if row["key"] == "staff:gone old"},
        }[cell]
        async with world.connected(role) as conn:
            await conn.execute("BEGIN" if principal is None else begin_as(told(principal)))
            try:
                # The row's name alone: whose it is may stand in a table that they do not see.
                name = ROWS[table].split(" AS key")[0]
                seen[table] = {row[0] for row in await conn.fetch(f"{name} FROM {table}")}
            except asyncpg.InsufficientPrivilegeError:
                seen[table] = "no right"
    assert seen == wanted


async def effective(conn: asyncpg.Connection, begin: str, sql: str) -> bool:
    """Whether the statement changes anything; it is rolled back."""
    await conn.execute(begin)
    try:
        return not str(await conn.execute(sql)).endswith(" 0")
    except asyncpg.InsufficientPrivilegeError:
        return False
    finally:
        await conn.execute("ROLLBACK")


def filled(world: World, sql: str, who: Principal | None) -> str:
    return sql.format(
        ben=world.ben_booking, hold=world.ben_hold, person=world.ben_person, revoked=REVOKED.id,
        device=DEVICE.id, uid=who.id if who else "", caller=told(who).caller if who else "",
    )  # fmt: skip


@pytest.mark.parametrize("who", MAY)
async def test_each_changes_what_is_theirs_to_change_and_nothing_else(
    world: World, who: str
) -> None:
    owners = {
        "another OWNER": world.ada,
        "its OWNER": world.ben,
        "OWNER of the hold": world.ben_holding,
    }
    role, principal = ("app", owners[who]) if who in owners else WHO[who]
    begin = "BEGIN" if principal is None else begin_as(told(principal))
    async with world.connected(role) as conn:
        changed = {
            name
            for name, sql in WRITES.items()
            if await effective(conn, begin, filled(world, sql, principal))
        }
    assert changed == MAY[who]


ENDS = ("cancelled", "released", "completed", "no_show", "expired")
_ALL = {(whose, status) for whose in ("ben", "hold") for status in ENDS}
_BY_TIME = {(whose, s) for whose in ("ben", "hold") for s in ("completed", "no_show", "expired")}
# Of a confirmed booking and a hold: who may end which in which way.
MAY_END: dict[str, set[tuple[str, str]]] = {
    "its OWNER": {("ben", "cancelled"), ("ben", "released")},
    "OWNER of the hold": {("hold", "cancelled"), ("hold", "released")},
    "DOOR_STAFF": {("ben", "completed")},
    "by PIN": {("ben", "completed")},
    "MANAGER": _ALL,
    "SUPER_ADMIN": _ALL,
    "jobs as SYSTEM": _BY_TIME,
}


@pytest.mark.parametrize("who", MAY)
async def test_each_ends_what_is_theirs_to_end_and_nothing_else(world: World, who: str) -> None:
    """`end_booking` runs as its owner and asks itself what the policies say."""
    owners = {
        "another OWNER": world.ada,
        "its OWNER": world.ben,
        "OWNER of the hold": world.ben_holding,
    }
    role, principal = ("app", owners[who]) if who in owners else WHO[who]
    begin = "BEGIN" if principal is None else begin_as(told(principal))
    ended = set()
    async with world.connected(role) as conn:
        for whose, booking_id in (("ben", world.ben_booking), ("hold", world.ben_hold)):
            for status in ENDS:
                ending = f"SELECT end_booking('{booking_id}', '{status}')"
                if await effective(conn, begin, ending):
                    ended.add((whose, status))
    assert ended == MAY_END.get(who, set())


async def test_without_policies_each_of_these_statements_changes_something(world: World) -> None:
    """The control: what is refused above is refused by the policies and the rights alone."""
    async with world.house.looking() as owner:
        idle = {
            name
            for name, sql in WRITES.items()
            if not await effective(owner, "BEGIN", filled(world, sql, MANAGER))
        }
    assert idle == set()


async def test_an_action_that_is_called_for_the_wrong_person_finds_no_booking(
    world: World,
) -> None:
    """Whose booking it is, is asked before the action; here nobody asked."""
    for who in (world.ada, ANONYMOUS, PENDING):
        with pytest.raises(NotFound):
            await bookings.cancel_booking(
                world.house.db, world.house.caller(who), world.ben_booking
            )
    async with world.house.looking() as owner:
        status = await owner.fetchval("SELECT status FROM booking WHERE id = $1", world.ben_booking)
    assert status == "confirmed"


async def test_facts_tell_of_a_strangers_hold_that_it_is_over_and_not_its_reference(
    world: World,
) -> None:
    async with world.house.looking() as owner:
        ends = await owner.fetchval(
            "SELECT instant_text(hold_expires_at) FROM booking WHERE id = $1", world.ben_hold
        )
    await world.house.at(parse_instant(ends))
    for who, told_of in ((ANONYMOUS, ""), (world.ada, ""), (MANAGER, "")):
        async with world.house.db.undecided() as conn:
            act = await lock(conn, world.house.caller(who), "hold_tables", night=NIGHT, tables=[2])
            assert [b.reference for b in act.facts.bookings if b.id == world.ben_hold] == [told_of]
    async with world.house.db.undecided() as conn:
        act = await lock(
            conn, world.house.caller(world.ben_holding), "x", night=None, bookings=[world.ben_hold]
        )
        assert all(b.reference for b in act.facts.bookings)


@pytest.mark.parametrize("who", ["OWNER", *WHO])
async def test_a_scan_is_told_what_the_policies_say(world: World, who: str) -> None:
    """`find_scanned` runs as its owner: booking and person as each would read them, of a night that
    is open and of one that is over."""
    role, principal = ("app", world.ben) if who == "OWNER" else WHO[who]
    read = """SELECT (SELECT b.id::text FROM booking b WHERE b.reference = $1),
                     (SELECT k.person_id::text FROM person_key k JOIN person p ON p.id = k.person_id
                       WHERE p.id = $2)"""
    async with world.house.looking() as owner:
        rows = await owner.fetch(
            "SELECT reference, person_id FROM booking WHERE id = ANY ($1::text[]::uuid[])",
            [world.ben_booking, world.old_booking],
        )
    acting = told(principal) if principal else Acting("", "", "", "")
    for reference, person_id in rows:
        async with world.connected(role) as conn:
            await conn.execute(begin_as(acting))
            try:
                booking_id, seen = await conn.fetchrow(read, reference, person_id)
                ask = f"""SELECT find_scanned('{acting.uid}', '{acting.role}', '{acting.caller}',
                                              gen_random_uuid(), NULL, '{reference}')"""
                found = json.loads((await all_told(conn, ask))[0])
            except asyncpg.InsufficientPrivilegeError:
                assert role != "app"
                continue
        if acting.role not in ("DEVICE", "DOOR_STAFF", "MANAGER", "SUPER_ADMIN"):
            booking_id = seen = None  # who may not scan is told nothing of their own either
        held = found["held"] and found["held"]["person_id"]
        assert (found["booking_id"], held) == (booking_id, booking_id and seen)


async def test_a_strangers_hold_ends_by_the_clock_and_by_nothing_else(world: World) -> None:
    end = f"SELECT expire_holds(ARRAY['{world.ben_hold}', '{world.ben_booking}']::uuid[])"
    async with world.connected("app") as conn:
        await conn.execute(begin_as(told(ANONYMOUS)))
        assert await conn.fetchval(end) == 0
        await world.house.later(hours=1)
        assert await conn.fetchval(end) == 1


# Wider than any claim that is there.
SLOT = '["2020-01-01 00:00+00","2030-01-01 00:00+00")'
HOLD = f"""
INSERT INTO booking (id, reference, night, status, party, slot, source, deposit_pence, created_at,
                     hold_expires_at, person_id)
SELECT '{{made}}', '{{reference}}', '{NIGHT}', 'pending', 2, '{SLOT}', 'public', 0, now(), now(),
       {{person}}
"""


async def test_nobody_makes_a_booking_for_another_ones_person(world: World) -> None:
    made = str(uuid4())
    begin = begin_as(making(ANONYMOUS, made))
    hold = HOLD.replace("{made}", made).replace("{reference}", "NEW")
    async with world.connected("app") as conn:
        assert await effective(conn, begin, hold.format(person="NULL"))
        assert not await effective(conn, begin, hold.format(person=f"'{world.ben_person}'"))


def making(who: Principal, booking_id: str) -> Acting:
    return msgspec.structs.replace(told(who), booking=booking_id)


async def test_a_violated_constraint_tells_nothing_of_the_row_in_its_way(world: World) -> None:
    made = str(uuid4())
    async with world.house.looking() as owner:
        reference = await owner.fetchval(
            "SELECT reference FROM booking WHERE id = $1", world.ben_booking
        )
    statements = (
        HOLD.format(made=made, reference=reference, person="NULL"),
        f"INSERT INTO booking_table SELECT '{made}', '{NIGHT}', 1, '{SLOT}', true",
    )
    for sql in statements:
        async with world.connected("app") as conn:
            await conn.execute(begin_as(making(ANONYMOUS, made)))
            with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refused:
                await conn.execute(sql)
        assert "=" not in (refused.value.detail or ""), "a value of the hidden row"


CUSTOMERS = 200
MANY = f"""
INSERT INTO booking (id, reference, night, status, party, slot, source, owner_hash, deposit_pence,
                     created_at)
SELECT gen_random_uuid(), 'MANY' || n, $1::text::date, 'cancelled', 2, '{SLOT}', 'public',
       sha256(convert_to(n::text, 'UTF8')), 0, now()
  FROM generate_series(1, $2) AS n
"""
SEE = "SELECT encode(owner_hash, 'hex') FROM booking"


async def test_two_hundred_customers_on_two_connections_see_only_their_rows(
    settings: Settings,
) -> None:
    async with house(settings) as made, made.looking() as owner:
        await owner.execute(MANY, NIGHT, CUSTOMERS)
        ids = [row[0] for row in await owner.fetch(SEE)]
        db = await Database.open(settings, size=2)

        async def look(uid: str) -> None:
            async with db.acting(Principal("owner", uid, "OWNER")) as conn:
                for _ in range(3):
                    assert [row[0] for row in await conn.fetch(SEE)] == [uid]
            async with db.reading() as conn:
                assert await conn.fetch(SEE) == []

        try:
            assert len(set(ids)) == CUSTOMERS
            await asyncio.gather(*(look(uid) for uid in ids))
            # The control: a person set for longer than the transaction is met by the next one.
            async with db.reading() as one, db.reading() as other:
                for conn in (one, other):
                    await conn.execute("SELECT set_config('app.role', 'MANAGER', false)")
            with pytest.raises(AssertionError):
                await look(ids[0])
        finally:
            await db.close()


async def test_every_table_has_forced_row_security_or_a_reason(settings: Settings) -> None:
    conn = await asyncpg.connect(settings.owner_database_url)
    rows = await conn.fetch(
        "SELECT relname, relrowsecurity AND relforcerowsecurity AS forced FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
    )
    unruled = await conn.fetch(
        "SELECT relname FROM pg_class c WHERE relforcerowsecurity"
        " AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid)"
    )
    await conn.close()
    assert {row["relname"] for row in rows if not row["forced"]} == set(OPEN)
    assert {row["relname"] for row in rows if row["forced"]} == set(ROWS)
    assert unruled == []


async def test_nothing_in_the_schema_belongs_to_a_superuser_or_looks_past_the_policies(
    settings: Settings,
) -> None:
    conn = await asyncpg.connect(settings.owner_database_url)
    views = await conn.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relkind IN ('v', 'm')"
    )
    strong = await conn.fetch(
        "SELECT o.name FROM (SELECT relname AS name, relowner AS owner FROM pg_class"
        "  WHERE relnamespace = 'public'::regnamespace UNION ALL"
        " SELECT proname, proowner FROM pg_proc WHERE pronamespace = 'public'::regnamespace) AS o"
        " JOIN pg_roles r ON r.oid = o.owner WHERE r.rolsuper OR r.rolbypassrls"
    )
    definers = await conn.fetch(
        "SELECT proname, proconfig, proacl::text[] AS acl FROM pg_proc"
        " WHERE pronamespace = 'public'::regnamespace AND prosecdef"
    )
    await conn.close()
    assert (views, strong) == ([], [])
    assert {row["proname"] for row in definers} == AS_OWNER
    for row in definers:
        assert row["proconfig"] == ["search_path=pg_catalog, public, pg_temp"], row["proname"]
        # An entry without a name before the "=" would be everybody's.
        assert row["acl"], row["proname"]
        assert not [entry for entry in row["acl"] if entry.startswith("=")], row["proname"]
