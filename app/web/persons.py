"""People's data over HTTP: looked up, shown, exported, erased."""

from typing import Final

from app.actions import persons
from app.actions.act import Answered
from app.actions.waitlist import leave_all
from app.web.answers import Answer, encoded
from app.web.doing import doing
from app.web.export_document import document_of
from app.web.operations import Call
from app.wire.persons import Export

HTML: Final = "text/html; charset=utf-8"


async def find_people(call: Call) -> Answer:
    """The people with a telephone number or an e-mail address, masked."""
    parts = call.parts
    return encoded(await persons.find_people(parts.db, parts.vault, call.principal, call.body))


async def reveal_person(call: Call) -> Answer:
    """A person unmasked."""
    parts = call.parts
    return encoded(
        await persons.reveal_person(parts.db, parts.vault, call.caller, call.path["person_id"])
    )


async def export_person(call: Call) -> Answer:
    """Everything that is kept about a person."""
    return await _exported(call, call.path["person_id"])


async def export_own(call: Call) -> Answer:
    """Everything that is kept about the owner of a booking."""
    return await _exported(call, await persons.find_own_person(call.parts.db, call.principal))


async def _exported(call: Call, person_id: str) -> Answer:
    parts, form = call.parts, call.query.format
    export = await persons.export_person(
        parts.db, parts.vault, parts.venue.name, call.caller, person_id, form
    )
    answer = encoded(export) if form == "json" else _page(export)
    # To be kept by the person: a browser saves it, and no page of ours shows what guests wrote.
    return Answer(
        200, answer.body, content_type=answer.content_type,
        headers={"Content-Disposition": f'attachment; filename="your-data.{form}"'},
    )  # fmt: skip


def _page(export: Export) -> Answer:
    return Answer(200, document_of(export).encode(), content_type=HTML)


async def _erase_own(call: Call) -> Answered:
    return await _erased(call, await persons.find_own_person(call.parts.db, call.principal))


async def _erased(call: Call, person_id: str) -> Answered:
    """Whoever is erased waits for nothing: nobody could be told of an offer."""
    parts = call.parts
    await leave_all(parts.db, parts.venue, call.caller, person_id)
    return await persons.erase_person(
        parts.db, parts.settings.erasures_file, call.caller, person_id
    )


erase_person = doing(lambda c: _erased(c, c.path["person_id"]))
erase_own = doing(_erase_own)
