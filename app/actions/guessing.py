"""Every proof of staff is guessed under a count: failed first, and taken back when it was right.

So any number of guesses at the same time are as many failures. The counts stand in Postgres, and
are an account's (`app.domain.patience` says under which names).
"""

from typing import Final

import asyncpg
from msgspec import Struct

from app.db import guesses
from app.domain import patience
from app.domain.patience import Failures, Patience
from app.errors import TooMany

LOCKED_RETRY_SECONDS: Final = 24 * 3600  # no wait helps; a client that waits shall not hammer


class Proof(Struct, frozen=True):
    """What is guessed, in the words of its refusals; `way_out` is what helps when it is stopped."""

    patience: Patience
    throttled: str
    stopped: str
    wrong: str
    way_out: str


PASSWORD: Final = Proof(
    patience.PASSWORD, "sign_in_throttled", "account_locked", "wrong passwords",
    "Use a device that you have signed in on before, or ask an administrator for a sign-in link.",
)  # fmt: skip
CODE: Final = Proof(
    patience.CODE, "code_throttled", "code_locked", "wrong codes",
    "Use a recovery code, or ask an administrator to reset your second factor.",
)  # fmt: skip
PIN_ON_DEVICE: Final = Proof(
    patience.PIN_ON_DEVICE, "pin_throttled", "pin_locked", "wrong PINs",
    "Sign in with your own name and set a new PIN.",
)  # fmt: skip
PIN: Final = Proof(
    patience.PIN, "pin_throttled", "pin_locked", "wrong PINs",
    "Sign in with your own name and set a new PIN.",
)  # fmt: skip


async def count_guess(
    conn: asyncpg.Connection, subject: str, staff_id: str | None, proof: Proof
) -> None:
    """The guess counts as failed; whoever finds it right forgets the failures.

    The count is held to the commit. Raises TooMany: it must wait, or was stopped for good.
    """
    past = await guesses.lock_failures(conn, subject, staff_id)
    judge_patience(past, proof)
    await guesses.count_failure(conn, subject)


def judge_patience(past: Failures, proof: Proof) -> None:
    """Raises TooMany: there were too many failures for another try at this instant."""
    if patience.is_stopped(past, proof.patience):
        raise TooMany(
            proof.stopped,
            f"Too many {proof.wrong}. {proof.way_out}",
            retry_after_seconds=LOCKED_RETRY_SECONDS,
        )
    seconds = patience.wait_seconds(past, proof.patience)
    if seconds:
        raise TooMany(
            proof.throttled,
            f"Too many {proof.wrong}. Try again in {seconds} s.",
            retry_after_seconds=seconds,
        )
