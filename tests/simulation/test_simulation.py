"""The offline protocol under every trouble that a seed can think of, and the proof that it looks.

Goal: no interleaving of loss, delay, doubling, crash, sleep, wrong clocks and wiped storage lets
more people in than a party has or the licence allows, or loses a green scan whose storage survived.
Method: whole nights with virtual time, one for each seed; `python -m tests.simulation --seed N`
plays one again. The negative controls take one rule away and must be found within the same seeds.
"""

from collections import Counter

import pytest

from tests.simulation.mutations import MUTATIONS
from tests.simulation.world import Violation, World

SEEDS = 2_000  # some 12 ms each
SLICES = 4


@pytest.mark.parametrize("slice_", range(SLICES))
def test_every_night_keeps_every_promise(slice_: int) -> None:
    counts: Counter[str] = Counter()
    for seed in range(slice_, SEEDS, SLICES):
        try:
            counts += World(seed).run()
        except Violation as violation:
            pytest.fail(f"python -m tests.simulation --seed {seed}: {violation}")
    # The nights are about something: each of these happened, and often.
    often = {
        "green", "admitted by the server", "held by another door", "recall answered", "crash",
        "wipe", "store failed", "shown already_in", "shown how_many", "shown lease_over",
        "shown unsure", "shown given_back", "shown party_full",
        "revoked", "party smaller",
    }  # fmt: skip
    assert {what for what in often if counts[what] < 10} == set()
    assert counts["task"] > 0
    assert counts["kept for a manager"] > 0


@pytest.mark.parametrize("name", MUTATIONS)
def test_without_one_of_its_rules_the_protocol_breaks_a_promise(name: str) -> None:
    mutation = MUTATIONS[name]
    for seed in range(SEEDS):
        try:
            World(seed, device=mutation.device, server=mutation.server).run()
        except Violation:
            return
    pytest.fail(f"{SEEDS} nights without {name}, and nothing broke: the simulation does not look")


def test_a_seed_is_the_same_night_for_ever() -> None:
    nights = [World(7, traced=True) for _ in range(2)]
    for night in nights:
        night.run()
    first, second = ([tablet.trace for tablet in night.tablets] for night in nights)
    assert first == second
