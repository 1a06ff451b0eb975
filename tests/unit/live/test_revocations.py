"""Which lines of the venue's book end whose screens."""

import msgspec
import pytest

from app.domain.principals import ANONYMOUS, Principal
from app.live.revocations import KEPT, Revocations, ends
from floorplan import administration
from floorplan.administration import BOOK, WORD_OF, Standing
from floorplan.events import Event, Payload

MARA = Principal("staff", "mara", "MANAGER", session_id="desk")
MARA_AT_HOME = Principal("staff", "mara", "MANAGER", session_id="home")
BY_PIN = Principal("staff", "dora", "DOOR_STAFF", device="tablet", session_id="pin")
TABLET = Principal("device", "tablet", "DEVICE", door="main")
OWNER = Principal("owner", "mara", "OWNER")
DOOR, DESK = Standing("DOOR_STAFF"), Standing("MANAGER")


def line(payload: Payload, subject: str, version: int = 1) -> Event:
    text = msgspec.json.encode(payload)
    at = "2026-11-21T23:00:00.000Z"
    return Event(BOOK, version, WORD_OF[type(payload)], subject, at, "staff:x", "r", text)


@pytest.mark.parametrize(
    ("payload", "subject", "ended"),
    [
        (administration.SignedOut("mara"), "session:desk", [MARA]),
        (administration.SessionRevoked("mara", "by_hand"), "session:home", [MARA_AT_HOME]),
        (administration.SessionRevoked("mara", "by_hand"), "staff:mara", [MARA, MARA_AT_HOME]),
        (administration.StaffDisabled(), "staff:mara", [MARA, MARA_AT_HOME]),
        (administration.StaffDisabled(), "staff:dora", [BY_PIN]),
        (administration.StaffChanged(DESK, DOOR), "staff:mara", [MARA, MARA_AT_HOME]),
        (
            administration.StaffChanged(DESK, Standing("MANAGER", floor="upstairs")),
            "staff:mara",
            [MARA, MARA_AT_HOME],
        ),
        (administration.StaffChanged(DESK, DESK, renamed=True), "staff:mara", []),
        (administration.SecondFactorReset(), "staff:mara", [MARA, MARA_AT_HOME]),
        (administration.PasswordChanged(), "staff:mara", [MARA, MARA_AT_HOME]),
        (administration.PasswordChanged("desk"), "staff:mara", [MARA_AT_HOME]),
        (administration.DeviceRevoked("tablet", "main"), "device:tablet", [BY_PIN, TABLET]),
        (administration.LinkMade("pairing", "2026-11-21T23:10:00.000Z"), "device:tablet", []),
        (administration.DevicePaired(2), "device:tablet", [BY_PIN, TABLET]),
        (administration.DeviceRolled(2), "device:tablet", []),
        (administration.DeviceRevoked("tablet", "main"), "device:another", []),
        (administration.SignedIn("desk", "totp"), "staff:mara", []),
        (administration.StaffEnabled(), "staff:mara", []),
        (administration.PersonErased([]), "person:mara", []),
    ],
)
def test_a_line_ends_the_screens_of_its_subject_and_no_others(
    payload: Payload, subject: str, ended: list[Principal]
) -> None:
    everybody = [MARA, MARA_AT_HOME, BY_PIN, TABLET, OWNER, ANONYMOUS]
    assert [one for one in everybody if ends(line(payload, subject), one)] == ended


def test_a_line_that_cannot_be_read_ends_the_screens_of_its_subject() -> None:
    odd = msgspec.structs.replace(line(administration.StaffDisabled(), "staff:mara"), payload=b"?")
    assert ends(odd, MARA)
    assert not ends(odd, BY_PIN)


def test_a_subject_without_an_id_is_nobody() -> None:
    nobody = Principal("staff", "", "MANAGER")
    for subject in ("session:", "staff:", "device:", "", "staff"):
        assert not ends(line(administration.SignedOut("x"), subject), nobody)


def test_a_line_counts_for_rights_that_were_looked_up_before_it() -> None:
    heard = Revocations()
    heard.add(line(administration.StaffDisabled(), "staff:mara", version=7))
    assert heard.end(MARA, known_at=6)
    assert not heard.end(MARA, known_at=7)
    assert not heard.end(BY_PIN, known_at=6)


def test_when_more_came_than_is_kept_whoever_is_older_ends() -> None:
    heard = Revocations()
    for version in range(1, KEPT + 2):
        heard.add(line(administration.StaffDisabled(), "staff:somebody", version))
    assert heard.end(MARA, known_at=0), "the line that was forgotten might have been hers"
    assert not heard.end(MARA, known_at=1)


def test_what_was_heard_of_another_book_ends_nobody() -> None:
    heard = Revocations()
    heard.add(line(administration.StaffDisabled(), "staff:mara", version=7))
    heard.forget()
    assert not heard.end(MARA, known_at=0)
