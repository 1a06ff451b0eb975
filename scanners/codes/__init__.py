"""The ticket's code: mint, verify, draw and read back. Pure, and free of OpenCV.

`from scanners.codes import mint, verify` and `from scanners.codes.drawing import draw_png`: the
drawing is apart, because it loads the image libraries.
"""

from scanners.codes.tickets import (
    CODE_LENGTH,
    FORMAT,
    PREFIX,
    REASONS,
    TYPE_GUEST,
    TYPE_PARTY,
    CodeRefused,
    Reason,
    TicketClaims,
    generate_key,
    judge_time,
    mint,
    private_bytes,
    private_key,
    public_bytes,
    public_key,
    read_claims,
    verify,
)

__all__ = [
    "CODE_LENGTH",
    "FORMAT",
    "PREFIX",
    "REASONS",
    "TYPE_GUEST",
    "TYPE_PARTY",
    "CodeRefused",
    "Reason",
    "TicketClaims",
    "generate_key",
    "judge_time",
    "mint",
    "private_bytes",
    "private_key",
    "public_bytes",
    "public_key",
    "read_claims",
    "verify",
]
