"""The operations of sessions and of staff."""

from typing import Final

from app import wire
from app.web import people, staff
from app.web.operations import Operation
from app.wire import staff as shapes

STAFF: Final = {"staff_id": wire.Uuid}
SESSION: Final = {"session_id": wire.Uuid}


def operations() -> tuple[Operation, ...]:
    """Every operation on one's own session, and on those who work here."""
    return (*_own_session(), *_staff(), *_sessions())


def _own_session() -> tuple[Operation, ...]:
    return (
        Operation(
            method="POST", path="/v1/session", handler=people.post_session, permission=None,
            request=shapes.SignIn, answers={201: shapes.SessionAnswer}, tag="people",
            limits="sign_in", summary="Sign in by password or single-use link; sets the cookie.",
        ),
        Operation(
            method="GET", path="/v1/session", handler=people.get_session,
            permission="session:read", answers={200: shapes.SessionAnswer}, tag="people",
            summary="Who acts, what they may do, and what the session still lacks.",
        ),
        Operation(
            method="DELETE", path="/v1/session", handler=people.delete_session,
            permission="session:end", answers={204: None}, tag="people", limits="write",
            summary="Sign out.",
        ),
        Operation(
            method="POST", path="/v1/session/totp/enrolment", handler=people.post_enrolment,
            permission="session:totp", request=wire.Nothing, request_may_be_empty=True,
            answers={201: shapes.EnrolmentAnswer}, tag="people", limits="write",
            summary="A seed for an authenticator app; its first code enrols the account.",
        ),
        Operation(
            method="POST", path="/v1/session/totp", handler=people.post_totp,
            permission="session:totp", request=shapes.GiveCode,
            answers={200: shapes.SessionAnswer}, tag="people", limits="write",
            summary="Complete the session by a code or a recovery code; gives another cookie.",
        ),
        Operation(
            method="POST", path="/v1/session/elevate", handler=people.post_elevation,
            permission="session:elevate", request=shapes.Elevate,
            answers={200: shapes.SessionAnswer}, tag="people", limits="write",
            summary="Step up for five minutes by a fresh code; gives another cookie.",
        ),
        Operation(
            method="POST", path="/v1/session/password", handler=people.post_password,
            permission="session:password", request=shapes.ChangePassword, answers={204: None},
            tag="people", limits="write", summary="Change one's own password.",
        ),
        Operation(
            method="POST", path="/v1/session/pin/set", handler=people.post_own_pin,
            permission="pin:set", request=shapes.SetPin, answers={204: None}, tag="people",
            limits="write", summary="Choose one's own PIN for shared tablets, or have none.",
        ),
        Operation(
            method="GET", path="/v1/session/pins", handler=people.get_pins, permission="pin:use",
            answers={200: shapes.PinHolders}, tag="people",
            summary="Who may take this tablet by PIN.",
        ),
        Operation(
            method="POST", path="/v1/session/pin", handler=people.post_pin, permission="pin:use",
            request=shapes.SignInByPin, answers={201: shapes.SessionAnswer}, tag="people",
            limits="write", summary="Take this tablet by PIN; sets a cookie beside its token.",
        ),
    )  # fmt: skip


def _staff() -> tuple[Operation, ...]:
    return (
        Operation(
            method="GET", path="/v1/staff", handler=staff.get_staff, permission="staff:list",
            answers={200: shapes.StaffList}, tag="people", summary="Everybody who works here.",
        ),
        Operation(
            method="POST", path="/v1/staff", handler=staff.post_staff, permission="staff:manage",
            request=shapes.AddStaff, answers={201: shapes.StaffAnswer}, tag="people",
            limits="write", idempotent=True,
            summary="Add somebody; the answer holds a link that signs them in once.",
        ),
        Operation(
            method="PATCH", path="/v1/staff/{staff_id}", handler=staff.patch_staff,
            parameters=STAFF, permission="staff:manage", request=shapes.ChangeStaff,
            answers={200: shapes.StaffAnswer}, tag="people", limits="write", idempotent=True,
            summary="Change somebody's name, role or scope; disable or enable them.",
        ),
        Operation(
            method="POST", path="/v1/staff/{staff_id}/link", handler=staff.post_link,
            parameters=STAFF, permission="staff:manage", request=wire.Nothing,
            request_may_be_empty=True, answers={201: shapes.LinkAnswer}, tag="people",
            limits="write", idempotent=True, summary="A link that signs somebody in once.",
        ),
        Operation(
            method="POST", path="/v1/staff/{staff_id}/pin", handler=staff.post_pin,
            parameters=STAFF, permission="staff:manage", request=shapes.SetPin,
            answers={200: shapes.StaffAnswer}, tag="people", limits="write", idempotent=True,
            summary="Give somebody a PIN for shared tablets, or take it away.",
        ),
        Operation(
            method="POST", path="/v1/staff/{staff_id}/totp/reset", handler=staff.post_totp_reset,
            parameters=STAFF, permission="staff:manage", request=wire.Nothing,
            request_may_be_empty=True, answers={200: shapes.StaffAnswer}, tag="people",
            limits="write", idempotent=True,
            summary="Somebody lost their second factor: they sign in and enrol anew.",
        ),
    )  # fmt: skip


def _sessions() -> tuple[Operation, ...]:
    return (
        Operation(
            method="GET", path="/v1/sessions", handler=staff.get_sessions,
            permission="session:list", answers={200: shapes.SessionList}, tag="people",
            summary="Who is signed in, as far as the caller may end it.",
        ),
        Operation(
            method="DELETE", path="/v1/sessions/{session_id}", handler=staff.delete_session,
            parameters=SESSION, permission="session:revoke", request=wire.Nothing,
            request_may_be_empty=True, answers={200: shapes.SessionsEnded}, tag="people",
            limits="write", idempotent=True, summary="End one session.",
        ),
        Operation(
            method="DELETE", path="/v1/staff/{staff_id}/sessions",
            handler=staff.delete_sessions_of, parameters=STAFF, permission="session:revoke",
            request=wire.Nothing, request_may_be_empty=True, answers={200: shapes.SessionsEnded},
            tag="people", limits="write", idempotent=True,
            summary="End every session of somebody.",
        ),
    )  # fmt: skip
