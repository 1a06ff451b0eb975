"""What each kind of session may do, and where."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from app.domain.principals import (
    ANONYMOUS,
    ELEVATED,
    PENDING,
    ROLES,
    Principal,
    Scope,
    SecondFactor,
)

MARA = Principal("staff", "m", "MANAGER", assurance="totp")


def test_each_rank_may_all_that_the_one_below_may() -> None:
    ranks = [ROLES[role] for role in ("ANONYMOUS", "DOOR_STAFF", "MANAGER", "SUPER_ADMIN")]
    for lower, higher in pairwise(ranks):
        assert lower < higher


def test_what_needs_a_step_up_is_held_by_staff_of_rank_alone() -> None:
    assert ROLES["SUPER_ADMIN"] >= ELEVATED
    for role in ("ANONYMOUS", "OWNER", "DEVICE", "DOOR_STAFF", "SYSTEM"):
        assert not ROLES[role] & ELEVATED
    assert not MARA.is_elevated
    assert Principal("staff", "m", "MANAGER", elevated_until=datetime.now(UTC)).is_elevated


@pytest.mark.parametrize("missing", ["needed", "enrol"])
@pytest.mark.parametrize("role", ["DOOR_STAFF", "MANAGER", "SUPER_ADMIN"])
def test_a_session_without_its_second_factor_can_give_it_or_end(
    role: str, missing: SecondFactor
) -> None:
    pending = Principal("staff", "m", role, assurance="password", second_factor=missing)
    assert pending.permissions == PENDING
    assert pending.permissions - ROLES["ANONYMOUS"] == {
        "session:read", "session:end", "session:totp",
    }  # fmt: skip


@pytest.mark.parametrize("role", ["MANAGER", "SUPER_ADMIN"])
def test_by_pin_a_manager_is_door_staff_that_may_override(role: str) -> None:
    held = Principal("staff", "m", role, assurance="pin", device="d").permissions
    own = Principal("staff", "m", "DOOR_STAFF", assurance="pin", device="d").permissions
    assert held - own == {"scan:override"}
    keys = {"session:totp", "session:elevate", "session:password", "pin:set"}
    assert ROLES["DOOR_STAFF"] - own == keys
    assert not held & ELEVATED


def test_what_is_done_by_pin_is_the_persons_and_the_scan_is_the_tablets() -> None:
    held = Principal("staff", "m", "MANAGER", assurance="pin", device="d")
    assert (held.actor, held.scanner) == ("staff:m", "device:d")
    assert (MARA.actor, MARA.scanner) == ("staff:m", "staff:m")
    tablet = Principal("device", "d", "DEVICE")
    assert tablet.scanner == tablet.actor == "device:d"
    assert ANONYMOUS.scanner == "public"


@pytest.mark.parametrize(
    ("scope", "asked", "allowed"),
    [
        (Scope(), {"floor": "upstairs", "door": "main", "night": "2026-11-21"}, True),
        (Scope(floor="downstairs"), {"floor": "upstairs"}, False),
        (Scope(floor="downstairs"), {"floor": "downstairs", "door": "main"}, True),
        (Scope(floor="downstairs"), {"night": "2026-11-21"}, True),
        (Scope(door="main"), {"door": "basement"}, False),
        (Scope(night="2026-11-21"), {"night": "2026-11-22"}, False),
        (Scope(floor="upstairs", night="2026-11-21"), {"floor": "upstairs", "night": "x"}, False),
    ],
)
def test_a_scope_ends_where_its_floor_door_or_night_does(
    scope: Scope, asked: dict[str, str], allowed: bool
) -> None:
    assert scope.allows(**asked) is allowed


def test_a_rank_stands_above_the_lower_ones_and_the_highest_above_all() -> None:
    owner = Principal("staff", "o", "SUPER_ADMIN")
    door = Principal("staff", "d", "DOOR_STAFF")
    assert [MARA.outranks(role) for role in ("DOOR_STAFF", "MANAGER", "SUPER_ADMIN")] == [
        True, False, False,
    ]  # fmt: skip
    assert all(owner.outranks(role) for role in ("DOOR_STAFF", "MANAGER", "SUPER_ADMIN"))
    assert not door.outranks("DOOR_STAFF")
