"""The operations on people's data, and on bans."""

from typing import Final

from app import wire
from app.web import bans, persons
from app.web.operations import Operation
from app.wire.persons import (
    AddBan,
    BanAnswer,
    Bans,
    ErasedAnswer,
    Export,
    ExportQuery,
    FindPeople,
    LiftBan,
    People,
    RevealedPerson,
)

PERSON: Final = {"person_id": wire.Uuid}
BAN: Final = {"ban_id": wire.Uuid}
HTML: Final = ("text/html",)


def operations() -> tuple[Operation, ...]:
    """Every operation on people and bans.

    What shows or gives out somebody's data has no Idempotency-Key: its answer must not be kept.
    """
    return (
        Operation(
            method="POST", path="/v1/people/find", handler=persons.find_people,
            permission="person:reveal", request=FindPeople, answers={200: People}, tag="persons",
            limits="write",
            summary="The people with a telephone number or an e-mail address, masked.",
        ),
        Operation(
            method="POST", path="/v1/people/{person_id}/reveal", handler=persons.reveal_person,
            parameters=PERSON, permission="person:reveal", request=wire.Nothing,
            request_may_be_empty=True, answers={200: RevealedPerson}, tag="persons",
            limits="write", summary="A person unmasked; the audit says who asked.",
        ),
        Operation(
            method="GET", path="/v1/people/{person_id}/export", handler=persons.export_person,
            parameters=PERSON, query=ExportQuery, permission="person:export",
            answers={200: Export}, other_media=HTML, tag="persons",
            summary="Everything that is kept about a person, to give to them.",
        ),
        Operation(
            method="POST", path="/v1/people/{person_id}/erase", handler=persons.erase_person,
            parameters=PERSON, permission="person:erase", request=wire.Nothing,
            request_may_be_empty=True, answers={200: ErasedAnswer}, tag="persons",
            limits="write", idempotent=True,
            summary="Destroy a person's data for good; figures and payments stay without a name.",
        ),
        Operation(
            method="GET", path="/v1/me/export", handler=persons.export_own, query=ExportQuery,
            permission="own:export", answers={200: Export}, other_media=HTML, tag="persons",
            summary="Everything that is kept about the owner of a booking.",
        ),
        Operation(
            method="POST", path="/v1/me/erase", handler=persons.erase_own, permission="own:erase",
            request=wire.Nothing, request_may_be_empty=True, answers={200: ErasedAnswer},
            tag="persons", limits="write", idempotent=True,
            summary="Destroy the data of the owner of a booking for good.",
        ),
        Operation(
            method="GET", path="/v1/bans", handler=bans.get_bans, permission="ban:manage",
            answers={200: Bans}, tag="persons", summary="Every ban, those in force first.",
        ),
        Operation(
            method="POST", path="/v1/bans", handler=bans.add_ban, permission="ban:manage",
            request=AddBan, answers={201: BanAnswer}, tag="persons", limits="write",
            idempotent=True, summary="A person is not welcome: by booking, or by name.",
        ),
        Operation(
            method="POST", path="/v1/bans/{ban_id}/lift", handler=bans.lift_ban, parameters=BAN,
            permission="ban:manage", request=LiftBan, request_may_be_empty=True,
            answers={200: BanAnswer}, tag="persons", limits="write", idempotent=True,
            summary="The person is welcome again.",
        ),
    )  # fmt: skip
