"""A manager sends a message once more that was given up, or that nobody carried."""

from app.actions.act import UNNUMBERED, Act, Answered, Caller
from app.actions.administration import audited
from app.actions.scopes import judge_scope
from app.db import outbox as rows
from app.db.pool import Database
from app.errors import Conflict, NotFound
from app.wire.outbox import ReplayedMessage
from floorplan.administration import MessageReplayed


async def replay_message(db: Database, caller: Caller, message_id: str) -> Answered:
    """The message waits again, with all its tries; that it does is in the venue's book.

    Raises NotFound `message_not_found`; Conflict `message_not_dead`: it waits, went out, or nobody
    needs it any more.
    """

    async def work(act: Act) -> tuple[int, ReplayedMessage]:
        row = await rows.find_message(act.conn, message_id)
        if row is None:
            raise NotFound("message_not_found", "There is no such message.")
        judge_scope(act.caller.principal, night=row.night)
        if not await rows.replay(act.conn, message_id):
            raise Conflict(
                "message_not_dead",
                "Only a message that was given up or kept can be sent again.",
                message_status=row.status,
            )
        act.record(MessageReplayed(row.kind, row.channel), f"message:{message_id}")
        return 200, ReplayedMessage(message_id=message_id, status="waiting", version=UNNUMBERED)

    return await audited(db, caller, "replay_message", work)
