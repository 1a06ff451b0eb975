"""The camera end to end: real video files and folders in, real HTTP out, to a desk on loopback."""

import io
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import needs

needs.opencv()

import cv2  # noqa: E402
import numpy as np  # noqa: E402
import qrcode  # noqa: E402

from load import camera_set  # noqa: E402
from load.malformed import malformed  # noqa: E402
from scanners import camera, capture  # noqa: E402
from scanners.capture import Source, SourceUnusable, frames_of, source_of  # noqa: E402
from scanners.codes.drawing import image_of, magnify  # noqa: E402
from scanners.codes.reading import Grey, Reading, read_codes  # noqa: E402
from scanners.watch import EXIT_DISMISSED, Options, Watch  # noqa: E402
from tests.unit.scanners.desk import Desk, wait_until  # noqa: E402

pytestmark = pytest.mark.camera

ROOT = Path(__file__).resolve().parents[2]
CODES = [camera_set.code_text(1, number) for number in range(4)]
TOKEN = "device-token-of-the-test"


@pytest.fixture
def desk() -> Iterator[Desk]:
    server = Desk()
    yield server
    server.close()


def frame_with(*texts: str) -> Grey:
    frame = np.full((720, 1280), 90, dtype=np.uint8)
    for place, text in enumerate(texts):
        image = image_of(text, 5)
        x = 80 + place * 400
        frame[200 : 200 + image.shape[0], x : x + image.shape[1]] = image
    return frame


def drawn(text: str) -> Grey:
    """A frame with any text as a QR code, as small as it has to be."""
    symbol = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_L, border=4)
    symbol.add_data(text)
    symbol.make(fit=True)
    modules = np.where(np.array(symbol.get_matrix(), dtype=bool), 0, 255).astype(np.uint8)
    image = magnify(modules, min(6, 700 // len(modules)))
    frame = np.full((720, 1280), 90, dtype=np.uint8)
    frame[10 : 10 + image.shape[0], 200 : 200 + image.shape[1]] = image
    return frame


def write_video(path: Path, frames: list[Grey]) -> Path:
    """Write the frames at 10 per second (Motion JPEG)."""
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (1280, 720))
    assert video.isOpened()
    for frame in frames:
        video.write(cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR))
    video.release()
    return path


def write_folder(folder: Path, frames: list[Grey]) -> Path:
    folder.mkdir()
    for number, frame in enumerate(frames):
        assert cv2.imwrite(str(folder / f"{number:04}.png"), frame)
    return folder


def watch_over(
    desk: Desk, source: Path, stopping: threading.Event, out: io.StringIO, **more: object
) -> Watch:
    options: dict[str, object] = {
        "source": source_of(str(source)),
        "server": desk.address,
        "token": TOKEN,
        "door": "main",
        "fast": True,
    }
    return Watch(Options(**(options | more)), stopping, out)  # type: ignore[arg-type]


def run_watch(
    desk: Desk, source: Path, stopping: threading.Event | None = None, **more: object
) -> tuple[int, str]:
    """Watch the source to its end in this process; return the exit code and what was said."""
    out = io.StringIO()
    code = watch_over(desk, source, stopping or threading.Event(), out, **more).run()
    return code, out.getvalue()


def command(*arguments: str, token: str = TOKEN, path: str = "") -> subprocess.Popen[str]:
    environment = {**os.environ, "BACKROOM_DEVICE_TOKEN": token}
    environment["PYTHONPATH"] = os.pathsep.join(part for part in (path, str(ROOT)) if part)
    return subprocess.Popen(
        [sys.executable, "-m", "scanners.camera", *arguments],
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_video_of_three_guests_makes_three_scans(desk: Desk, tmp_path: Path) -> None:
    """Each code is held up for a second, with flicker; the first comes back after 3.5 s."""
    empty = frame_with()
    held = [[frame_with(code)] * 4 + [empty] * 2 + [frame_with(code)] * 4 for code in CODES[:3]]
    frames = [*held[0], *held[1], *held[2], *[empty] * 15, *held[0]]
    video = write_video(tmp_path / "door.avi", frames)

    code, said = run_watch(desk, video)

    assert code == 0
    assert [request["code"] for request in desk.requests] == [*CODES[:3], CODES[0]]
    assert len(set(desk.scan_ids)) == 4
    assert {(r["door"], r["direction"], r["people"]) for r in desk.requests} == {("main", "in", 1)}
    assert set(desk.tokens) == {f"Bearer {TOKEN}"}
    assert said.count("ADMIT  Come in") == 4
    assert "4 scans, 0 waiting" in said


def test_a_folder_of_images_is_a_source_and_a_broken_image_is_passed_over(
    desk: Desk, tmp_path: Path
) -> None:
    folder = write_folder(tmp_path / "frames", [frame_with(code) for code in CODES[:3]])
    (folder / "0000a.png").write_bytes(b"not an image")

    code, _ = run_watch(desk, folder, direction="out")

    assert code == 0
    assert {request["code"] for request in desk.requests} == set(CODES[:3])
    assert {request["direction"] for request in desk.requests} == {"out"}


def test_a_loop_is_one_long_showing_until_it_is_stopped(desk: Desk, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "frames", [frame_with(CODES[0]), frame_with(CODES[0])])
    stopping = threading.Event()
    done: list[tuple[int, str]] = []
    watching = threading.Thread(
        target=lambda: done.append(run_watch(desk, folder, stopping, loop=True))
    )
    watching.start()
    wait_until(lambda: len(desk.requests) == 1, "the first scan")
    stopping.set()
    watching.join(10)

    assert done[0][0] == 0
    assert len(desk.requests) == 1


def test_codes_of_something_else_stay_in_the_camera(desk: Desk, tmp_path: Path) -> None:
    """Somebody's Wi-Fi password and a binary payload are before the lens, and then a ticket."""
    import qrcode  # noqa: PLC0415

    frames = []
    for payload in (b"WIFI:T:WPA;S:club;P:hunter2;;", bytes(range(200)), b"BR1:\xff\xff"):
        symbol = qrcode.QRCode(border=4)
        symbol.add_data(payload)
        symbol.make(fit=True)
        modules = np.where(np.array(symbol.get_matrix()), 0, 255).astype(np.uint8)
        image = magnify(modules, 5)
        frame = frame_with()
        frame[50 : 50 + image.shape[0], 50 : 50 + image.shape[1]] = image
        frames.append(frame)
    folder = write_folder(tmp_path / "frames", [*frames, frame_with(CODES[0])])

    code, said = run_watch(desk, folder)

    assert code == 0
    assert [request["code"] for request in desk.requests] == [CODES[0]]
    assert "NOT OUR CODE" in said
    assert "hunter2" not in said


def test_nothing_that_is_said_shows_a_code_or_the_token(desk: Desk, tmp_path: Path) -> None:
    desk.steps = ["lose", (422, b'{"reason": "no"}')]
    folder = write_folder(tmp_path / "frames", [frame_with(code) for code in CODES[:3]])

    _, said = run_watch(desk, folder)

    assert "WAIT  no verdict, ask the door's staff" in said
    assert "ADMIT" in said
    for secret in (*CODES, TOKEN):
        assert secret not in said
        assert secret[4:30] not in said


def test_a_revoked_device_ends_with_its_own_code_and_says_what_to_do(
    desk: Desk, tmp_path: Path
) -> None:
    desk.steps = [(401, b'{"reason": "device_revoked"}')]
    frames = [frame_with(CODES[0])] * 40 + [frame_with(CODES[1])] * 40
    folder = write_folder(tmp_path / "frames", frames[::20])

    code, said = run_watch(desk, folder, loop=True)

    assert code == EXIT_DISMISSED
    assert "device_revoked" in said
    assert "pair the camera again" in said


def test_when_the_queue_is_full_a_code_is_looked_at_again(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the desk held, one scan is under way, one waits, and the third code finds no room."""
    monkeypatch.setattr("scanners.sender.WAITING_MOST", 1)
    desk.hold.clear()
    folder = write_folder(tmp_path / "frames", [frame_with(code) for code in CODES[:3]] * 2)
    stopping = threading.Event()
    watch = watch_over(desk, folder, stopping, io.StringIO(), loop=True)
    watching = threading.Thread(target=watch.run)
    watching.start()
    wait_until(lambda: desk.arrived == 1, "the first scan")
    wait_until(lambda: "too many scans" in watch._status.last, "the queue to be full")
    desk.hold.set()
    wait_until(lambda: len(desk.requests) >= 3, "all three scans")
    stopping.set()
    watching.join(10)

    assert {request["code"] for request in desk.requests} == set(CODES[:3])
    assert len(set(desk.scan_ids)) == len(desk.requests) == 3


def test_of_several_new_codes_in_view_none_is_taken_and_an_answered_one_does_not_hold_up_the_next(
    desk: Desk, tmp_path: Path
) -> None:
    """Two at once, then the first alone, then the second while the first is still held up."""
    crowd, first = frame_with(*CODES[:2]), frame_with(CODES[0])
    folder = write_folder(tmp_path / "frames", [crowd] * 3 + [first] * 2 + [crowd] * 8)

    code, said = run_watch(desk, folder)

    assert code == 0
    assert [request["code"] for request in desk.requests] == CODES[:2]
    assert said.count("ONE CODE AT A TIME") == 1


def test_ten_thousand_malformed_codes_do_not_end_the_cameras_loop(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a code says, the loop goes on; what begins as ours is the server's to refuse."""
    corners = ((0, 0), (9, 0), (9, 9), (0, 9))
    texts: list[str | None] = [one.text for one in malformed(CODES[0])]
    texts[::100] = [None] * 100  # what is not printable ASCII
    texts[1::100] = [f"BR1:\x00{number}\ud800" for number in range(100)]
    readings = iter([Reading(text, corners) for text in texts])
    taken: list[str] = []
    out = io.StringIO()
    watch = Watch(
        Options(source=Source("file", "-"), server=desk.address, token=TOKEN, door="main"),
        threading.Event(),
        out,
    )
    monkeypatch.setattr(watch._decoder, "read", lambda _grey: [next(readings)])

    def take(code: str) -> bool:
        taken.append(code)
        return True

    monkeypatch.setattr(watch._sender, "offer", take)
    frame = frame_with()
    for number in range(10_000):
        watch._look(capture.Frame(frame, frame, number * 4.0))
        watch._take_outcomes()
    assert len(taken) > 3500
    assert all(code.startswith("BR1:") for code in taken)
    assert out.getvalue().count("NOT OUR CODE") > 3500
    assert not any(word in out.getvalue() for word in ("WIFI", "P:", "https", "eyJ", "BR1"))


def test_malformed_codes_held_up_are_seen_and_refused_and_the_next_guest_comes_in(
    desk: Desk, tmp_path: Path
) -> None:
    """Real pictures: each kind of damage once, and some bits; all that a QR code can carry."""
    shown = [one.text for one in malformed(CODES[0], 140) if one.text.isascii() and one.text]
    frames = [drawn(text) for text in shown]
    ours = [text for text in shown if text.startswith("BR1:") and text.isprintable()]
    decide = desk.decide

    def judge(request: dict[str, Any]) -> dict[str, Any]:
        desk.verdict = "admit" if request["code"] == CODES[0] else "refuse"
        return decide(request)

    desk.decide = judge  # type: ignore[method-assign]
    folder = write_folder(tmp_path / "frames", [*frames, frame_with(CODES[0])])
    code, said = run_watch(desk, folder)
    assert code == 0
    sent = [request["code"] for request in desk.requests]
    assert (sent[:-1], sent[-1]) == (list(dict.fromkeys(ours)), CODES[0])
    assert len(ours) > 90
    verdicts = Counter(answer["verdict"] for answer in desk.decided.values())
    assert verdicts == {"refuse": len(sent) - 1, "admit": 1}
    foreign = [text for text in shown if text.isprintable() and not text.startswith("BR1:")]
    # What is not printable is one more: unread, so not told apart.
    assert said.count("NOT OUR CODE") == len(set(foreign)) + 1


def test_the_annotated_video_covers_the_codes_that_were_read(desk: Desk, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "frames", [frame_with(CODES[0])] * 5)
    film = tmp_path / "seen.mp4"

    code, _ = run_watch(desk, folder, annotate=film)

    assert code == 0
    video = cv2.VideoCapture(str(film))
    there, picture = video.read()
    video.release()
    assert there
    assert picture.shape == (720, 1280, 3)
    grey = capture.grey_of(np.asarray(picture, dtype=np.uint8))
    assert read_codes(frame_with(CODES[0])), "the code could be read before"
    assert read_codes(grey) == []
    assert grey[230:400, 110:300].std() < 40, "the code is still to be seen"


def test_a_live_source_that_ends_is_opened_again(tmp_path: Path) -> None:
    """A short file stands for a stream that breaks off after ten frames."""
    video = write_video(tmp_path / "stream.avi", [frame_with(CODES[0])] * 10)
    troubles: list[str] = []
    stopping = threading.Event()
    source = Source("address", str(video))

    seen = 0
    frames = frames_of(source, loop=False, fast=False, stopping=stopping, report=troubles.append)
    for frame in frames:
        seen += frame is not None
        if seen and "the source ended" in troubles and troubles[-1] == "":
            stopping.set()  # a picture came after the end: it was opened again
    assert seen >= 2


def test_a_capture_that_is_killed_or_hangs_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A killed child is another one at once; a stopped one after the silence that is allowed."""
    monkeypatch.setattr(capture, "SILENCE_SECONDS", 0.6)
    monkeypatch.setattr(capture, "REOPEN_SECONDS", (0.05,))
    folder = write_folder(tmp_path / "frames", [frame_with(CODES[0])] * 4)
    source = Source("address", str(folder / "%04d.png"))
    frames: list[capture.Frame] = []
    troubles: list[str] = []
    kept = capture.Capture(source, frames.append, troubles.append)
    stopping = threading.Event()
    keeper = threading.Thread(target=kept.keep, args=(stopping,))
    monkeypatch.setattr(subprocess, "Popen", patient(subprocess.Popen))
    keeper.start()
    try:
        wait_until(lambda: len(frames) >= 1, "the first frame", seconds=30)
        assert read_codes(frames[0].grey), "a real frame came through the pipe"
        for signal_, said in ((signal.SIGKILL, "ended"), (signal.SIGSTOP, "silent")):
            first, before = kept.pid, kept.starts
            assert first is not None
            troubles.clear()
            os.kill(first, signal_)
            wait_until(lambda: any(said in one for one in troubles), said, seconds=30)  # noqa: B023
            wait_until(lambda: kept.starts > before, "another child", seconds=30)  # noqa: B023
            frames.clear()
            wait_until(lambda: len(frames) >= 1, "frames again", seconds=30)
            with pytest.raises(ProcessLookupError):
                os.kill(first, 0)
    finally:
        stopping.set()
        keeper.join(10)
    assert kept.pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(kept.pid, 0)


def patient(popen: Any) -> Any:
    """A child that shows its four pictures and then waits for more, as a camera does."""
    script = (
        "import sys, time, scanners.capture as c, scanners.lens as l\n"
        "original = c.next_picture\n"
        "first = None\n"
        "def keeping(video):\n"
        "    global first\n"
        "    found = original(video)\n"
        "    time.sleep(0.1)\n"
        "    first = found if found is not None else first\n"
        "    return first\n"
        "l.next_picture = keeping\n"
        "sys.exit(l.main())\n"
    )

    def started(command: list[str], **more: Any) -> Any:
        return popen([command[0], "-c", script], **more)

    return started


def test_a_live_source_that_is_not_there_is_named_without_its_password() -> None:
    troubles: list[str] = []
    stopping = threading.Event()
    source = source_of("rtsp://door:hunter2@127.0.0.1:9/main")

    frames = frames_of(source, loop=False, fast=False, stopping=stopping, report=troubles.append)
    for frame in frames:
        assert frame is None
        if troubles:
            stopping.set()
    assert troubles[0] == "rtsp://127.0.0.1:9/main does not open"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("0", "device"),
        ("12", "device"),
        ("rtsp://camera.local/door", "address"),
        ("https://camera.local/door.m3u8", "address"),
    ],
)
def test_a_source_is_known_by_its_form(text: str, kind: str) -> None:
    assert source_of(text).kind == kind


def test_what_cannot_be_a_source_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SourceUnusable, match="There is no file or folder"):
        source_of(str(tmp_path / "missing.mp4"))
    with pytest.raises(SourceUnusable, match="no image in the folder"):
        source_of(str(tmp_path))
    text = tmp_path / "notes.mp4"
    text.write_text("not a video")
    with pytest.raises(SourceUnusable, match="cannot be played"):
        list(
            frames_of(
                source_of(str(text)),
                loop=False,
                fast=True,
                stopping=threading.Event(),
                report=lambda _: None,
            )
        )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_command_in_order(desk: Desk, tmp_path: Path, number: int) -> None:
    folder = write_folder(tmp_path / "frames", [frame_with(CODES[0])] * 3)
    arguments = ["--source", str(folder), "--server", desk.address, "--door", "main", "--loop"]
    with command(*arguments) as process:
        try:
            wait_until(lambda: len(desk.requests) == 1, "the first scan", seconds=30)
            process.send_signal(number)
            _, said = process.communicate(timeout=20)
        finally:
            process.kill()
    assert process.returncode == 0
    assert "Traceback" not in said
    assert "1 scans, 0 waiting" in said


def test_without_its_library_the_command_names_the_package(tmp_path: Path) -> None:
    """A cv2 that fails as the real one does on a machine without libGL stands before it."""
    error = "libGL.so.1: cannot open shared object file: No such file or directory"
    (tmp_path / "cv2.py").write_text(f"raise ImportError({error!r})\n")
    with command("--source", "0", "--door", "main", path=str(tmp_path)) as process:
        _, said = process.communicate(timeout=30)
    assert process.returncode == camera.EXIT_LIBRARY
    assert "apt-get install libgl1" in said
    assert "Traceback" not in said

    with command("--help", path=str(tmp_path)) as process:
        shown, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "--annotate" in shown
