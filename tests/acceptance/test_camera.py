"""A camera process at the door: from pixels of a film to people counted in on the floor."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from playwright.sync_api import expect

from scanners.codes.drawing import image_of
from tests import needs
from tests.acceptance.test_door import booked
from tests.acceptance.visits import Visits
from tests.premises import ROOT, Premises, key, wait_for

pytestmark = pytest.mark.camera

FRAMES_PER_SECOND = 25
SECONDS_SHOWN = 0.6
SECONDS_BETWEEN = 0.4


def film(path: Path, codes: list[str | None]) -> None:
    """Somebody holds up one code after the other, on a grey wall, at an angle."""
    needs.opencv()
    import cv2  # noqa: PLC0415 - only where its libraries are
    import numpy as np  # noqa: PLC0415

    size = (1280, 720)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FRAMES_PER_SECOND, size)
    assert writer.isOpened()
    for code in codes:
        wall = np.full((size[1], size[0]), 90, np.uint8)
        if code is not None:
            picture = image_of(code, 7)
            side = picture.shape[0]
            turn = cv2.getRotationMatrix2D((side / 2, side / 2), 12, 0.95)
            turned = cv2.warpAffine(picture, turn, (side, side), borderValue=(90,))
            wall[150 : 150 + side, 420 : 420 + side] = turned
        shown = SECONDS_SHOWN if code is not None else SECONDS_BETWEEN
        for _ in range(int(shown * FRAMES_PER_SECOND)):
            writer.write(cv2.cvtColor(wall, cv2.COLOR_GRAY2BGR))
    writer.release()


def inside(premises: Premises) -> dict[str, int]:
    with premises.desk() as desk:
        state = desk.get(f"/v1/nights/{premises.night}/state").json()["state"]
    found: dict[str, int] = state["counts"]["inside"]
    return found


def camera(premises: Premises, source: Path, *more: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [
            sys.executable, "-m", "scanners.camera", "--source", str(source),
            "--server", premises.origin, "--door", "main", "--direction", "in", *more,
        ],
        cwd=ROOT, env=premises.environment | {"XDG_STATE_HOME": str(source.parent)},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def test_guests_who_hold_up_their_codes_are_counted_in(
    premises: Premises, night: str, tmp_path: Path
) -> None:
    """Two parties, one of them twice (a camera admits one person a time), and a stranger's code."""
    pairing = premises.added("camera", "Camera over the street door")["pairing"]
    alone, pair = booked(premises, [7], 2), booked(premises, [8], 2)
    stranger = alone["code"][:-6] + "000000"
    source = tmp_path / "door.avi"
    film(source, [None, alone["code"], None, pair["code"], None, stranger, None])
    done = camera(premises, source, "--pair", pairing["code"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert inside(premises) == {"upstairs": 2, "downstairs": 0}
    assert alone["code"] not in done.stdout + done.stderr
    with premises.desk() as desk:
        events = desk.get(f"/v1/nights/{night}/events").json()["events"]
    types = [event["type"] for event in events]
    assert types.count("GUEST_CHECKED_IN") == 2
    assert types.count("ENTRY_REFUSED") == 1
    premises.assert_agrees()


def health(premises: Premises) -> dict[str, str]:
    """Each device's state, as a manager's map asks for it."""
    with premises.desk() as desk:
        devices = desk.get("/v1/devices/health").json()["devices"]
    return {one["device_id"]: one["state"] for one in devices}


@pytest.mark.browser
def test_a_camera_that_dies_stands_on_the_managers_map_within_five_seconds(
    premises: Premises, night: str, visits: Visits, tmp_path: Path
) -> None:
    device = premises.added("camera", "Camera by the stairs")
    source = tmp_path / "door.avi"
    film(source, [None, None])
    map_ = visits.staff("/floor")
    chip = map_.locator(f'#devices [data-id="{device["device_id"]}"]')
    words = [
        sys.executable, "-m", "scanners.camera", "--source", str(source), "--loop",
        "--server", premises.origin, "--door", "main", "--pair", device["pairing"]["code"],
    ]  # fmt: skip
    environment = premises.environment | {"XDG_STATE_HOME": str(tmp_path)}
    with subprocess.Popen(words, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL) as running:
        try:
            wait_for(lambda: health(premises).get(device["device_id"]) == "well", "it is heard of")
            expect(map_.locator('#devices [data-state="well"]')).to_be_visible(timeout=20_000)
            expect(chip).to_have_count(0)  # one of those that are well
            visits.picture(map_, "well")
        finally:
            running.kill()
        killed = time.monotonic()
        expect(chip).to_have_attribute("data-state", "silent")
        assert time.monotonic() - killed < 5.0
        visits.picture(map_, "silent")


def test_a_camera_whose_token_was_taken_away_says_so_and_stops(
    premises: Premises, night: str, tmp_path: Path
) -> None:
    """It kept its token; what it saw last waits for a manager."""
    assert night
    booking = booked(premises, [7], 2)
    source = tmp_path / "door.avi"
    device = premises.added("camera", "Old camera")
    film(source, [None, None])
    assert camera(premises, source, "--pair", device["pairing"]["code"]).returncode == 0
    film(source, [None, booking["code"], None])
    with premises.desk() as desk:
        desk.delete(f"/v1/devices/{device['device_id']}", headers=key()).raise_for_status()
        done = camera(premises, source)
        assert done.returncode == 4, done.stdout + done.stderr
        assert "device_revoked" in done.stderr
        assert inside(premises) == {"upstairs": 0, "downstairs": 0}
        ours = {"device_id": device["device_id"]}
        kept = desk.get("/v1/quarantine", params=ours).json()["scans"]
    assert [one["booking_id"] for one in kept] == [booking["booking_id"]]
