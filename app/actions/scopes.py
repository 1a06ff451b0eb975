"""Where somebody's rights reach, judged by what an action has locked.

A scope narrows a role and never widens it: one floor, one door, one night. What is on a floor are
tables; what is at a door are scans and counts; everything has a night, but for the administration.
"""

from app.domain.facts import Facts
from app.domain.principals import EVERYWHERE, Principal
from app.errors import NotAllowed


def judge_scope(
    principal: Principal,
    *,
    floor: str | None = None,
    door: str | None = None,
    night: str | None = None,
) -> None:
    """Raises NotAllowed `out_of_scope`: the rights end before this floor, door or night."""
    if not principal.scope.allows(floor=floor, door=door, night=night):
        scope = principal.scope
        own = ", ".join(
            f"{kind} {name}"
            for kind, name in (
                ("the floor", scope.floor), ("the door", scope.door), ("the night", scope.night),
            )
            if name is not None
        )  # fmt: skip
        raise NotAllowed("out_of_scope", f"Your rights are for {own} only. Ask who has the others.")


def judge_facts(principal: Principal, facts: Facts) -> None:
    """Raises NotAllowed `out_of_scope`: a locked table, or the night, is beyond the caller's."""
    if principal.scope == EVERYWHERE:
        return
    if facts.night is not None:
        judge_scope(principal, night=facts.night.date)
    for table in facts.tables:
        judge_scope(principal, floor=table.floor)
