"""The outbox over HTTP: what customers were told, what waits, what was given up."""

from app.actions.outbox import replay_message
from app.actions.scopes import judge_scope
from app.db import outbox as rows
from app.domain.principals import Principal
from app.errors import NotAllowed, NotFound
from app.messages.preview import preview_of
from app.web.answers import Answer, encoded
from app.web.endpoint import check_date
from app.web.operations import Call
from app.web.people import acted
from app.wire.outbox import MessageText, OutboxAnswer, OutboxMessage, OutboxQuery


async def get_outbox(call: Call) -> Answer:
    """A page of messages, newest first."""
    query: OutboxQuery = call.query
    night = _night_of(query, call.principal)
    async with call.parts.db.acting(call.principal) as conn:
        found = await rows.list_messages(
            conn, before=query.before, statuses=[*query.status], night=night,
            booking_id=query.booking, limit=query.limit + 1,
        )  # fmt: skip
        counts = await rows.count(conn)
    shown = found[: query.limit]
    return encoded(
        OutboxAnswer(
            messages=[
                OutboxMessage(
                    message_id=row.id, number=row.number, kind=row.kind, channel=row.channel,
                    status=row.status, reason=row.reason, attempts=row.attempts,
                    booking_id=row.booking_id, reference=row.reference, night=row.night,
                    made_at=row.made_at, settled_at=row.settled_at, next_try_at=row.next_try_at,
                )
                for row in shown
            ],
            waiting=counts.waiting,
            dead=counts.dead,
            oldest_seconds=round(counts.oldest_seconds, 1),
            sends=call.parts.outbox.carriers,
            older=shown[-1].number if len(found) > query.limit else None,
        )
    )  # fmt: skip


async def get_message(call: Call) -> Answer:
    """What it says now: to whom it goes is masked, and the guest's own link is left out."""
    message_id = call.path["message_id"]
    async with call.parts.db.acting(call.principal) as conn:
        row = await rows.find_message(conn, message_id)
        facts = None if row is None else await rows.read_facts(conn, message_id, None)
    if row is None or facts is None:
        raise NotFound("message_not_found", "There is no such message.")
    judge_scope(call.principal, night=row.night)
    said = preview_of(call.parts.venue, call.parts.vault, row, facts)
    return encoded(
        MessageText(
            message_id=message_id, to=said.to, subject=said.subject, text=said.text,
            silent=said.silent,
        )
    )  # fmt: skip


async def post_replay(call: Call) -> Answer:
    return acted(await replay_message(call.parts.db, call.caller, call.path["message_id"]))


def _night_of(query: OutboxQuery, principal: Principal) -> str | None:
    """Raises NotValid: no date. NotAllowed `out_of_scope`: a night of others."""
    if query.night is not None:
        check_date(query.night, "?night")
        if not principal.scope.allows(night=query.night):
            raise NotAllowed("out_of_scope", "Your rights are for another night.")
    return query.night or principal.scope.night
