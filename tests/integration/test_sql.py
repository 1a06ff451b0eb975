"""Every statement of the code against the migrated database, and every constraint by its name."""

import importlib
import pkgutil
import re

import asyncpg
import pytest

import app
from app.db.pool import REFUSED
from app.embedded.servers import URLs

# Constraints that no client can violate by what it sends or by losing a race: the rules judge
# before, under locks. If one of these is ever seen it is a bug, and crashes loudly.
BUGS_IF_SEEN = {
    "booking_edition", "ticket_extra",
    "table_block_slot", "table_block_reason", "booking_status", "booking_party",
    "booking_slot", "booking_source", "booking_deposit", "booking_paid", "booking_hold",
    "booking_reference_is_unique", "booking_table_slot", "payment_amount", "payment_method",
    "signing_key_id", "signing_key_private", "signing_key_public", "ticket_of_booking",
    "ticket_generation", "ticket_status", "ticket_admits_its_party", "headcount_not_negative",
    "headcount_limit", "night_status", "night_house_limit", "night_hours", "floor_table_number",
    "floor_table_floor", "floor_table_deposit", "floor_table_minimum_spend",
    "floor_table_capacity", "installation_is_one_row", "clock_is_one_row",
    "clock_speed_is_positive", "event_type_is_a_word", "staff_role", "device_kind", "staff_floor",
    "session_began", "session_assurance", "session_id_is_unique", "session_of_a_device",
    "device_token_is_unique", "scan_verdict", "booking_link_generation",
    "booking_calendar_generation", "night_calendar_generation", "night_calendar_is_ones_own",
    "event_origin_is_a_digest", "device_generation",
    "device_next_token_is_unique", "device_pairing_number", "device_pairing_is_unique",
    "device_battery", "device_spool", "quarantined_scan_direction", "quarantined_scan_people",
    "quarantined_scan_resolution", "quarantined_scan_is_resolved_whole",
    "quarantined_scan_comes_once",
    "person_is_sealed_or_erased", "person_erased_is_not_found", "ban_reason",
    "lease_status", "lease_counter", "lease_ends_once", "lease_ticket_places",
    "lease_ticket_admitted", "lease_ticket_stated", "task_kind", "task_people", "task_resolution",
    "task_is_resolved_whole", "guest_ticket_number", "guest_ticket_generation",
    "guest_ticket_status", "guest_ticket_of_party", "guest_ticket_is_one",
    "ban_lifted", "ban_lifted_is_not_found",
    "outbox_number", "outbox_kind", "outbox_channel", "outbox_cause", "outbox_status",
    "outbox_tells_once", "outbox_settled",
    "waitlist_status", "waitlist_party", "waitlist_slot", "waitlist_joined_from",
    "waitlist_visits", "waitlist_timing", "waitlist_priority", "waitlist_by_hand",
    "waitlist_offers", "waitlist_ended_why", "waitlist_offer", "waitlist_ended",
    "booking_held_from", "booking_created_at", "booking_hold_expires_at",
    "scan_direction", "scan_extra_change", "scan_is_undone_whole",
    "scan_is_overridden_once",
    "payment_adds_up", "payment_is_online", "payment_verified", "payment_verified_by_another",
    "payment_disputed", "payment_dispute_is_unique", "payment_of_intent", "payment_intent_attempt",
    "payment_intent_amount", "payment_intent_key_is_unique", "payment_intent_of_stripe",
    "payment_intent_status", "payment_intent_of_booking", "payment_intent_is_there",
    "payment_currency", "payment_differs", "payment_differs_online", "payment_other_currency",
    "refund_amount", "refund_why", "refund_status", "refund_key_is_unique", "refund_of_stripe",
    "refund_done",
}  # fmt: skip
REFUSED_ELSEWHERE = {"staff_username_is_unique"}  # by the action that creates staff


def statements() -> dict[str, str]:
    """Every UPPER_CASE constant of `app` that is SQL, by module and name."""
    found = {}
    for module in pkgutil.walk_packages(app.__path__, "app."):
        if module.name.endswith("__main__"):
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            if not name.isupper() or not isinstance(value, str):
                continue
            if re.match(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b", value):
                found[f"{module.name}.{name}"] = value
    return found


def test_there_are_statements_to_check() -> None:
    assert len(statements()) > 50


async def test_every_statement_can_be_prepared(database: URLs) -> None:
    conn = await asyncpg.connect(database.owner)
    failed = {}
    for name, sql in statements().items():
        try:
            await conn.prepare(sql)
        except asyncpg.PostgresError as error:
            failed[name] = str(error)
    await conn.close()
    assert failed == {}


async def test_every_constraint_is_a_refusal_or_a_bug_if_seen(database: URLs) -> None:
    conn = await asyncpg.connect(database.owner)
    rows = await conn.fetch(
        "SELECT conname, contype::text AS kind FROM pg_constraint"
        " WHERE connamespace = 'public'::regnamespace AND contype IN ('c', 'u', 'x')"
    )
    await conn.close()
    named = {row["conname"] for row in rows}
    known = set(REFUSED) | BUGS_IF_SEEN | REFUSED_ELSEWHERE
    assert named - known == set()
    assert (BUGS_IF_SEEN | REFUSED_ELSEWHERE) - named == set(), "listed, but not in the schema"


@pytest.mark.parametrize("role", ["app", "jobs", "auth"])
async def test_the_service_owns_nothing_and_is_no_superuser(database: URLs, role: str) -> None:
    conn = await asyncpg.connect(getattr(database, role))
    row = await conn.fetchrow(
        "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb,"
        " (SELECT count(*) FROM pg_class WHERE relowner = r.oid) AS owned"
        " FROM pg_roles r WHERE rolname = current_user"
    )
    await conn.close()
    assert row is not None
    assert tuple(row) == (False, False, False, False, 0)
