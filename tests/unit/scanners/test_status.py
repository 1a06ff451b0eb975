"""The status line from given frames and times."""

from scanners.status import WINDOW_FRAMES, Status


def line(status: Status, now: float) -> str:
    return status.line(now, link="up", waiting=2)


def test_the_line_tells_frames_times_link_and_verdict() -> None:
    status = Status("main", "in", scans=12, last="ADMIT 23:41:07")
    for number in range(100):
        status.count_frame(number / 25, 9.0 if number % 10 == 9 else 0.5)

    assert line(status, 4.0) == (
        "main in | 25.0 frames/s | decode 0.5 ms, p95 9.0 | link up | 12 scans, 2 waiting"
        " | ADMIT 23:41:07"
    )


def test_without_frames_it_says_so_instead_of_showing_old_figures() -> None:
    status = Status("main", "in", picture="the source is silent")
    assert "0.0 frames/s" in line(status, 0.0)
    status.count_frame(0.0, 1.0)
    status.count_frame(0.1, 1.0)
    assert "10.0 frames/s" in line(status, 0.2)
    assert "NO PICTURE: the source is silent | 0.0 frames/s" in line(status, 3.0)


def test_it_remembers_no_more_than_its_window() -> None:
    status, other = Status("main", "in"), Status("side", "out")
    for number in range(WINDOW_FRAMES * 3):
        status.count_frame(number / 100, 1.0)
    assert len(status.frame_times) == len(status.decode_ms) == WINDOW_FRAMES
    assert status.frames == WINDOW_FRAMES * 3
    assert len(other.frame_times) == 0, "two cameras share their times"
