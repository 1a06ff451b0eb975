"""Money that a person has to see: taken at the desk, or come otherwise than it was asked for."""

from app.actions.act import UNNUMBERED, Act, Answered, Caller, perform
from app.db import payments as rows
from app.db.pool import Database
from app.domain.bookings import judge_booking
from app.errors import Conflict, NotAllowed, NotFound
from app.wire.payments import VerifiedPayment
from floorplan import administration


async def verify_payment(db: Database, caller: Caller, payment_id: str) -> Answered:
    """A manager who did not take the money has seen it, or what came in place of what was asked.

    Raises NotFound; NotAllowed `same_person`; Conflict `payment_is_online`, `payment_is_verified`.
    """
    async with db.acting(caller.principal) as conn:
        found = await rows.find_payment(conn, payment_id)
    if found is None:
        raise NotFound("payment_not_found", "There is no such payment.")

    async def work(act: Act) -> tuple[int, VerifiedPayment]:
        judge_booking(act.facts, found.booking_id)
        payment = await rows.find_payment(act.conn, payment_id)
        assert payment is not None, "payments stay"
        by = act.caller.principal.actor
        if payment.method == "online" and payment.differs is None:
            raise Conflict("payment_is_online", "Stripe took this one; nobody has to verify it.")
        if payment.verified_by is not None:
            raise Conflict("payment_is_verified", "This payment was verified already.")
        if payment.taken_by == by:
            raise NotAllowed(
                "same_person", "You took this money yourself: somebody else has to verify it."
            )
        await rows.verify_payment(act.conn, payment_id, by, act.facts.now)
        act.record(
            administration.PaymentVerified(payment_id, payment.amount_pence, payment.method),
            f"payment:{payment_id}",
        )
        return 200, VerifiedPayment(
            payment_id=payment_id, verified_by=by, verified_at=act.facts.now, version=UNNUMBERED
        )

    return await perform(db, caller, "verify_payment", work, bookings=[found.booking_id])
