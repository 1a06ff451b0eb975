# ruff: noqa: E501 - the reasons are read as a table, one reason a line
"""What each reason of a verdict says: to the eye, to the staff, to the guest, and what may be done.

`admit` is green, `wait` amber (the guest steps aside, somebody decides), `refuse` red.
"""

from typing import Final, Literal, NamedTuple

Word = Literal["admit", "wait", "refuse"]

# What staff may do next; the tablet has a button for each.
Step = Literal[
    "people",  # count who is here and scan again with the number
    "check_id",  # look at the ID and scan again with `id_checked`
    "to_bar",  # they wait at the bar: scan again with `to_bar`
    "find",  # look the booking up by a name or the reference
    "try_again",  # scan again in a moment, with a new scan id
    "other_door",  # send them to the door that is named
    "desk",  # send them to the desk
    "walk_in",  # seat them as people without a booking
    "clicker",  # count them by hand
    "call_manager",  # and do not let them go on
    "override",  # a supervisor lets them in against the rule: PIN and reason
    "undo",  # a supervisor takes the count back: PIN and reason
]


# The steps that nobody presses: each stands in the instruction, by one of these words.
SPOKEN: Final[dict[Step, str]] = {
    "desk": "desk",
    "walk_in": "walk-in",
    "clicker": "by hand",
    "call_manager": "manager",
}


class Saying(NamedTuple):
    """What a reason looks like: the verdict, the word from two metres, what staff do, what the
    guest is told, and the steps that staff may take. The instruction names the steps that have no
    button (SPOKEN), since the screen says nothing twice. Only reasons with `override` can be
    broken."""

    verdict: Word
    title: str
    instruction: str
    tell: str
    steps: tuple[Step, ...] = ()

    @property
    def may_override(self) -> bool:
        return "override" in self.steps


SAYINGS: Final[dict[str, Saying]] = {
    "not_our_code": Saying("refuse", "Not our code", "Ask for the Backroom code or the reference.", "That is not our code. Do you have the one from your confirmation?", ("find",)),
    "wrong_venue": Saying("refuse", "Other venue", "Ask for the code of this club, or find them by name.", "This code is for another venue.", ("find",)),
    "unknown_key": Saying("refuse", "Unknown code", "The code is not of this night. Ask for the reference.", "We cannot read this code. What is the reference?", ("find",)),
    "bad_signature": Saying("refuse", "Forged code", "The code was changed. Keep the guest, call the manager.", "Please wait here a moment.", ("call_manager", "find")),
    "unknown_code": Saying("refuse", "Unknown", "No such booking. Check the reference, or send them to the desk.", "We do not find this booking. What name is it under?", ("find", "desk")),
    "cancelled": Saying("refuse", "Cancelled", "Send them to the desk, which may take them as a walk-in.", "This booking was cancelled. The desk can help you.", ("desk", "walk_in")),
    "released": Saying("refuse", "Released", "Marked as not come, the table given up. The desk may take them as a walk-in.", "Your table was given up after the grace. The desk can help you.", ("desk", "walk_in")),
    "hold_expired": Saying("refuse", "Expired", "The hold ran out unpaid. The desk may take them as a walk-in.", "This booking was never paid and has ended. The desk can help you.", ("desk", "walk_in")),
    "joined": Saying("wait", "Joined", "Find the party that it was joined with by name or table, or send them to the desk.", "Your booking was joined with another. What name is it under?", ("find", "desk")),
    "revoked": Saying("refuse", "Revoked", "The booker has the codes that count. Else send them to the desk.", "This code was withdrawn. Ask the person who booked.", ("find", "desk")),
    "replaced": Saying("refuse", "Replaced", "Ask the booker for the newer code, or send them to the desk.", "There is a newer code for this booking. Ask the person who booked.", ("find", "desk")),
    "wrong_night": Saying("refuse", "Wrong night", "The code is for another night. The desk may take them as a walk-in.", "This booking is for another night.", ("desk", "walk_in")),
    "unpaid": Saying("wait", "Not paid", "The booking is not confirmed. Send them to the desk.", "The deposit is still open. The desk takes it.", ("desk",)),
    "nobody_inside": Saying("wait", "Nobody inside", "Nobody of this party is in. Count them out by hand.", "Good night.", ("clicker",)),
    "out": Saying("admit", "Out", "Counted out. They may come back.", "See you. Keep the code to come back in.", ("undo",)),
    "not_in_yet": Saying("wait", "Not in yet", "Nobody of this code came in by a street door. Send them there, or count them by hand.", "Please come in by the street door first.", ("other_door", "clicker")),
    "moved": Saying("admit", "Other floor", "Counted to the other floor.", "Go ahead.", ("undo",)),
    "banned": Saying("refuse", "Not welcome", "This guest is banned. Do not let them in; call the manager.", "I cannot let you in tonight. The manager is coming.", ("call_manager",)),
    "banned_name": Saying("wait", "Check the ID", "A person of this name is banned. Look at the ID: call the manager if it is them.", "May I see your ID?", ("check_id", "call_manager")),
    "too_early": Saying("wait", "Too early", "Let them wait outside until the doors open.", "The doors are not open yet.", ("try_again", "override")),
    "closed": Saying("refuse", "Closed", "The night is over. Nobody comes in any more.", "We are closed for tonight."),
    "wrong_floor": Saying("wait", "Other door", "Send them to the door of their table’s floor.", "Your table is on the other floor.", ("other_door", "override")),
    "balance_due": Saying("wait", "To pay", "Send them to the desk, which takes the rest.", "A part of the deposit is still open. The desk takes it.", ("desk", "override")),
    "held_by_other_door": Saying("wait", "Other door", "Another door has this code and cannot be asked. Send them there, or call a supervisor.", "Please go to the other door, or wait a moment.", ("try_again", "other_door", "override")),
    "too_late": Saying("refuse", "Too late", "Nobody new comes in any more, unless a supervisor lets them.", "Last entry is over.", ("override",)),
    "finished": Saying("refuse", "Finished", "The party has left its table. Send them to the desk.", "Your table was given up. The desk can help you.", ("desk", "override")),
    "already_in": Saying("refuse", "Already in", "Somebody came in with this code before. Find them by name, or ask a supervisor.", "Everybody of this booking is inside already.", ("override", "find")),
    "table_not_ready": Saying("wait", "Table not set", "Let them wait at the bar, or here.", "Your table is not ready yet. You may wait at the bar.", ("to_bar", "try_again")),
    "how_many": Saying("wait", "How many?", "Count who is here, and enter the number.", "Please stand together. I will count you.", ("people",)),
    "party_full": Saying("refuse", "Too many", "More people than the booking has places left. Others may come as walk-ins.", "The booking has no place for everybody who is here.", ("people", "walk_in", "override")),
    "capacity_full": Saying("wait", "Full", "The legal limit is reached. Wait until people leave.", "We are full. Please wait until people leave.", ("people", "try_again")),
    "admitted": Saying("admit", "Come in", "Let them in.", "Welcome.", ("undo",)),
    "observed": Saying("wait", "Told later", "Shown while the door had no connection, and told later.", "Welcome."),
    "conflict": Saying("admit", "To decide", "Let in without a connection, and it could not be counted. A manager decides.", "Welcome."),
    "overridden": Saying("admit", "Let in", "A supervisor let them in against the rule.", "Welcome.", ("undo",)),
}  # fmt: skip

# `already_in` where the code is one guest's own: the rest of the party may still come.
GUEST_IN: Final = Saying("refuse", "Already in", "The guest of this code came in before. Find them by name, or ask a supervisor.", "This code was used: its guest is inside already.", ("override", "find"))  # fmt: skip
