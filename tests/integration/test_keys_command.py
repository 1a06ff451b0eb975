"""`backroom keys` and `backroom erasures` beside a running service, as a person would use them."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.premises import ROOT, Premises, key, wait_for
from tests.probes import query


@pytest.fixture
def premises() -> Iterator[Premises]:
    service = Premises("keys")
    try:
        service.start()
        yield service
    finally:
        service.clear()


def command(premises: Premises, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "app", *words], cwd=ROOT, env=premises.environment,
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip


def hold(premises: Premises, table: int, name: str) -> dict[str, Any]:
    contact = {"name": name, "phone": f"0113 496 00{table:02}"}
    body = {"night": premises.night, "tables": [table], "party": 4, "contact": contact}
    with premises.client() as http:
        answer = http.post("/v1/holds", json=body, headers=key())
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def names(desk: httpx.Client, night: str) -> list[str]:
    answer = desk.get(f"/v1/nights/{night}/guests")
    assert answer.status_code == 200, answer.text
    return sorted(answer.json()["names"].values())


def kids(premises: Premises) -> set[str]:
    found = query(premises.urls().owner, "SELECT string_agg(DISTINCT kid, ',') FROM person_key")
    return set(str(found).split(","))


def test_keys_are_made_and_rotated_and_an_erasure_is_replayed(
    premises: Premises, tmp_path: Path
) -> None:
    premises.open_night()
    first = hold(premises, 2, "Ada Lovelace")
    [old] = kids(premises)
    made = command(premises, "keys", "make")
    assert made.returncode == 0, made.stderr
    too_early = command(premises, "keys", "rotate")
    assert too_early.returncode == 1
    assert "Restart it first" in too_early.stderr
    assert kids(premises) == {old}, "the service that runs does not know the new key"

    assert premises.stop() == 0
    premises.start()
    hold(premises, 13, "Grace Hopper")
    assert len(kids(premises)) == 2
    rotated = command(premises, "keys", "rotate")
    assert rotated.returncode == 0, rotated.stderr
    assert "the keys of 1 people and 1 nights" in rotated.stdout
    assert old not in kids(premises)
    with premises.desk() as desk:
        assert names(desk, premises.night) == ["Ada Lovelace", "Grace Hopper"]

        with premises.client() as owner:
            bearer = {"Authorization": f"Bearer {first['token']}"}
            assert owner.get("/v1/me/export", headers=bearer).json()["name"] == "Ada Lovelace"
            dump = query(
                premises.urls().owner,
                "CREATE TABLE dump AS SELECT p.*, k.kid, k.wrapped FROM person p"
                " JOIN person_key k ON k.person_id = p.id",
                "SELECT count(*) FROM dump",
            )
            assert str(dump) == "2"
            erased = owner.post("/v1/me/erase", headers={**bearer, **key()})
            assert erased.status_code == 200, erased.text
        assert names(desk, premises.night) == ["Grace Hopper"]
        query(
            premises.urls().owner,
            "UPDATE person p SET (sealed, name_index, email_index, phone_index, erased_at) ="
            " (SELECT sealed, name_index, email_index, phone_index, NULL::timestamptz"
            "    FROM dump d WHERE d.id = p.id)",
            "INSERT INTO person_key SELECT id, kid, wrapped FROM dump ON CONFLICT DO NOTHING",
            "SELECT 1",
        )
        assert names(desk, premises.night) == ["Ada Lovelace", "Grace Hopper"], "restored"
        replayed = command(premises, "erasures", "replay")
        assert replayed.returncode == 0, replayed.stderr
        assert replayed.stdout == "Erased again: 1 people. Erased already: 0. In the file: 1.\n"
        assert names(desk, premises.night) == ["Grace Hopper"]

    missing = command(premises, "erasures", "replay", "--file", str(tmp_path / "none"))
    assert missing.returncode == 1
    assert "nothing was" in missing.stderr
    wait_for(premises.is_ready, "the service, still there")
