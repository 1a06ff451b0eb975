"""Which night an instant belongs to, and which instants a night's local times are.

A night is a business date: it runs from `starts` (06:00) local time to the same time on the next
day, so a scan at 01:30 on Sunday counts to Saturday. When the clocks change during service the
night is 23 or 25 hours long. Instants are aware UTC datetimes; local time only decides the date.

A local time that the clocks skip or repeat has one meaning here, that of RFC 5545 section 3.3.5:
repeated, it is the first of the two; skipped, it lies as far after the jump as it was past it
(01:30 on the March night is 02:30 summer time). Python's `fold=0` is exactly this rule.
It is for what is planned. Who asks what was at a local time is not answered for an hour that they
may not have meant: `instants_showing` gives every instant at which the clock on the wall showed it.
"""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final, NamedTuple, Protocol

NIGHT_STARTS: Final = time(6)

_INSTANT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")


class InstantUnreadable(ValueError):
    """The text is not an instant of the form 2026-11-21T23:41:07.123Z."""


class NightHours(Protocol):
    """The local times of a night; `floorplan.venue.Hours` is one."""

    @property
    def doors(self) -> time: ...
    @property
    def last_entry(self) -> time: ...
    @property
    def closes(self) -> time: ...


class NightInstants(NamedTuple):
    """A night's own times as UTC instants."""

    doors_at: datetime
    last_entry_at: datetime
    closes_at: datetime


def night_of(instant: datetime, *, zone: tzinfo, starts: time = NIGHT_STARTS) -> date:
    """Return the business date that an aware instant belongs to; `starts` itself is the new one.

    Raises ValueError: the instant is naive, so that nobody can say which night it is in.
    """
    local = _aware(instant).astimezone(zone)
    return local.date() if local.time() >= starts else local.date() - timedelta(days=1)


def night_bounds(
    night: date, *, zone: tzinfo, starts: time = NIGHT_STARTS
) -> tuple[datetime, datetime]:
    """Return when the night begins and ends (UTC, half-open): 24, 23 or 25 hours apart."""
    return (
        _instant_at(night, starts, zone),
        _instant_at(night + timedelta(days=1), starts, zone),
    )


def instant_of(night: date, local: time, *, zone: tzinfo, starts: time = NIGHT_STARTS) -> datetime:
    """Return the UTC instant of a local time of that night; before `starts` it is the next day."""
    return _instant_at(_day_of(night, local, starts), local, zone)


def instants_showing(
    night: date, local: time, *, zone: tzinfo, starts: time = NIGHT_STARTS
) -> list[datetime]:
    """Return every UTC instant of the night at which its clocks show that local time, in order.

    One as a rule; none for a time that the clocks skip, two for one that they repeat.
    """
    wall = datetime.combine(_day_of(night, local, starts), local.replace(fold=0))
    found = {wall.replace(fold=fold, tzinfo=zone).astimezone(UTC) for fold in (0, 1)}
    return sorted(at for at in found if at.astimezone(zone).replace(tzinfo=None, fold=0) == wall)


def instants_of(
    night: date, hours: NightHours, *, zone: tzinfo, starts: time = NIGHT_STARTS
) -> NightInstants:
    """Return the night's doors, last entry and close as UTC instants."""
    return NightInstants(
        instant_of(night, hours.doors, zone=zone, starts=starts),
        instant_of(night, hours.last_entry, zone=zone, starts=starts),
        instant_of(night, hours.closes, zone=zone, starts=starts),
    )


def tonight(
    now: datetime, open_nights: Iterable[date], *, zone: tzinfo, starts: time = NIGHT_STARTS
) -> date | None:
    """Return the night in progress if it is among the open ones, else the next of them, or None."""
    current = night_of(now, zone=zone, starts=starts)
    return min((night for night in open_nights if night >= current), default=None)


def instant_text(instant: datetime) -> str:
    """Return the one text of an instant, `YYYY-MM-DDTHH:MM:SS.mmmZ`; microseconds are cut off.

    Cutting never moves an instant into the future, and it keeps the order of two instants.
    Raises ValueError: the instant is naive.
    """
    utc = _aware(instant).astimezone(UTC).replace(tzinfo=None)
    return utc.isoformat(timespec="milliseconds") + "Z"


def parse_instant(text: str) -> datetime:
    """Return the aware UTC datetime of exactly the form that `instant_text` writes.

    Raises InstantUnreadable: any other form, or a date that no calendar has.
    """
    if _INSTANT.fullmatch(text):
        try:
            return datetime.fromisoformat(text[:-1]).replace(tzinfo=UTC)
        except ValueError:
            pass
    raise InstantUnreadable(
        f"{text[:40]!r} is not an instant; write it in UTC with three decimals,"
        " like 2026-11-21T23:41:07.123Z"
    )


def _day_of(night: date, local: time, starts: time) -> date:
    return night if local >= starts else night + timedelta(days=1)


def _instant_at(day: date, local: time, zone: tzinfo) -> datetime:
    return datetime.combine(day, local.replace(fold=0), tzinfo=zone).astimezone(UTC)


def _aware(instant: datetime) -> datetime:
    if instant.utcoffset() is None:
        raise ValueError(f"{instant.isoformat()} has no time zone; give an aware datetime (UTC)")
    return instant
