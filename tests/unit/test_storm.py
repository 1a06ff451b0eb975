"""The reconnect storm on paper keeps to the page's real rules, and shows what they are for."""

from dataclasses import replace

import pytest

from app.live.hub import RECONNECT_SECONDS
from load.storm import (
    JOINS_PER_SECOND,
    SOCKET_PAGE,
    Loss,
    PageRules,
    Scenario,
    page_rules,
    peak,
    played,
)

PAGE = SOCKET_PAGE.read_text("utf-8")
RULES = page_rules(PAGE)
SCREENS = {"public": 5000, "door": 30, "manager": 20}


def test_the_rules_are_read_from_the_page() -> None:
    assert RULES.first_delay < RULES.public_first_delay < RULES.longest_delay
    assert RULES.delay("door", 0, 0.0) == RULES.first_delay / 2
    assert RULES.delay("public", 6, 1.0) == RULES.longest_delay


@pytest.mark.parametrize(
    ("now", "then"),
    [("Math.random() / 2", "0"), ("const FIRST_DELAY_MS", "const EARLY_MS"), ("** this", "* this")],
)
def test_a_page_that_waits_otherwise_is_not_simulated(now: str, then: str) -> None:
    assert now in PAGE
    with pytest.raises(ValueError, match="other rules"):
        page_rules(PAGE.replace(now, then))


@pytest.mark.parametrize("loss", ["told", "killed", "away"])
def test_every_screen_is_back_once_and_a_seed_tells_the_same_story(loss: Loss) -> None:
    away = 3.0 if loss == "away" else 0.0
    scenario = Scenario(loss=loss, screens=SCREENS, away_seconds=away)
    storm = played(scenario, RULES)
    assert {audience: len(at) for audience, at in storm.joined_at.items()} == SCREENS
    assert sum(storm.joins.values()) == sum(SCREENS.values())
    assert sum(storm.reads.values()) == 2 * (30 + 20)
    attempts = sum(storm.attempts.values())
    assert attempts == sum(SCREENS.values()) + storm.refused + storm.given_up
    assert (storm.refused > 0) == (loss == "away")
    assert peak(storm.joins) <= JOINS_PER_SECOND * 1.01
    assert played(scenario, RULES) == storm
    assert played(replace(scenario, seed=2), RULES) != storm


def test_a_planned_restart_is_spread_over_the_time_that_the_service_names() -> None:
    spread = played(Scenario(loss="told", screens=SCREENS), RULES)
    herd = played(Scenario(loss="told", screens=SCREENS, jitter=False), RULES)
    assert peak(spread.attempts) < 2 * 5000 / RECONNECT_SECONDS["public"]
    assert peak(herd.attempts) > 20 * peak(spread.attempts)
    assert peak(herd.reads) > 3 * peak(spread.reads)
    assert spread.last("door") < RECONNECT_SECONDS["door"] + 0.1


def test_staff_are_back_before_the_crowd_when_a_node_is_killed() -> None:
    storm = played(Scenario(loss="killed", screens=SCREENS), RULES)
    assert max(storm.last("door"), storm.last("manager")) < 2 * RULES.first_delay
    # The negative control: when all pages wait alike, tablets stand in the crowd's queue.
    alike = PageRules(0.25, 0.25, RULES.longest_delay, RULES.open_deadline)
    assert played(Scenario(loss="killed", screens=SCREENS), alike).last("door") > 2


def test_whoever_is_not_welcomed_in_time_tries_again_later() -> None:
    scenario = Scenario(loss="killed", screens={"public": 3000}, joins_per_second=200)
    storm = played(scenario, RULES)
    assert storm.given_up > 0
    assert len(storm.joined_at["public"]) == 3000
