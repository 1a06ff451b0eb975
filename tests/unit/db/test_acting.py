"""What Postgres is told of the one who acts."""

import msgspec
import pytest

from app.db.acting import acting_of, begin_as, role_of
from app.domain.principals import ANONYMOUS, ROLES, Principal

BOOKING = "3f2b8f5e-9a0f-4c39-8a53-0d3f8f0e2b11"
MANAGER = Principal("staff", "00000000-0000-4000-8000-000000000001", "MANAGER")


def test_the_settings_go_with_the_begin_and_end_with_the_transaction() -> None:
    assert begin_as(acting_of(MANAGER)) == (
        f"BEGIN; SELECT set_config('app.uid', '{MANAGER.id}', true),"
        " set_config('app.role', 'MANAGER', true),"
        f" set_config('app.caller', 'staff:{MANAGER.id}', true),"
        " set_config('app.booking', '', true)"
    )


@pytest.mark.parametrize("text", ["'", "a' OR true", "a\\", "a;b", "ä", "a\n", "a" * 201])
def test_nothing_that_could_end_the_text_gets_into_it(text: str) -> None:
    acting = acting_of(MANAGER)
    for field in acting.__struct_fields__:
        with pytest.raises(ValueError, match="plain text"):
            begin_as(msgspec.structs.replace(acting, **{field: text}))


def test_each_role_and_each_address_is_plain_text() -> None:
    for role in ROLES:
        begin_as(acting_of(msgspec.structs.replace(MANAGER, role=role)))
    for address in ("203.0.113.9", "2001:db8:1:2::/64"):
        begin_as(acting_of(ANONYMOUS, caller=f"public@{address}"))


def test_the_database_trusts_nobody_with_more_than_they_may_do_now() -> None:
    lacking = msgspec.structs.replace(MANAGER, second_factor="needed")
    by_pin = msgspec.structs.replace(MANAGER, assurance="pin", device="one")
    assert (role_of(MANAGER), role_of(lacking), role_of(by_pin)) == (
        "MANAGER",
        "PENDING",
        "DOOR_STAFF",
    )


def test_a_tablet_keeps_its_scans_whoever_holds_it() -> None:
    by_pin = msgspec.structs.replace(MANAGER, assurance="pin", device="one")
    assert acting_of(by_pin).caller == "device:one"


def test_the_booking_is_that_of_the_link_or_the_one_that_is_made() -> None:
    linked = Principal("owner", "0" * 64, "OWNER", booking_id=BOOKING)
    assert acting_of(linked).booking == BOOKING
    assert acting_of(ANONYMOUS).booking == ""
    assert acting_of(ANONYMOUS, booking=BOOKING).booking == BOOKING
