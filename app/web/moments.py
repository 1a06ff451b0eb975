"""The moment that somebody asks about: an instant, or what the clock on the venue's wall showed."""

from datetime import date, time

from app.errors import NotValid
from app.web.endpoint import check_instant
from floorplan.nights import instant_text, instants_showing
from floorplan.venue import Venue


def instant_asked(asked: str, night: str, venue: Venue) -> str:
    """The text of the instant that `?at=` means, of the form `wire.Moment`.

    A time without seconds is that of its minute's beginning. What was is asked, and the answer may
    be evidence, so an hour that the clocks skip or repeat is never guessed. Raises NotValid
    `not_valid`: no calendar has the instant; `time_skipped`; `time_repeated` with both `instants`.
    """
    if "T" in asked:
        check_instant(asked, "?at")
        return asked
    showing = instants_showing(
        date.fromisoformat(night), time.fromisoformat(asked),
        zone=venue.zone, starts=venue.night_starts,
    )  # fmt: skip
    if not showing:
        raise NotValid(
            "time_skipped",
            f"No clock showed {asked} on the night of {night}: it went forward over that hour."
            " Ask for a time before or after it.",
            place="?at",
        )
    if len(showing) > 1:
        both = [instant_text(at) for at in showing]
        raise NotValid(
            "time_repeated",
            f"The clock showed {asked} twice on the night of {night}, since it went back."
            f" Ask for one of them: at={both[0]}, or an hour later at={both[1]}.",
            place="?at",
            instants=both,
        )
    return instant_text(showing[0])
