"""The lines that remember erasures: what a crash cut off does not count, what is wrong is named."""

import pytest

from app.domain.erasures import Erasure, ErasureUnreadable, erasure_line, read_erasures

FIRST = Erasure("2026-11-21T22:00:00.000Z", "00000000-0000-4000-8000-000000000001")
SECOND = Erasure("2026-11-21T23:00:00.000Z", "00000000-0000-4000-8000-000000000002")


def test_lines_are_read_as_they_were_written() -> None:
    assert read_erasures(erasure_line(FIRST) + erasure_line(SECOND)) == [FIRST, SECOND]
    assert read_erasures(b"") == []


@pytest.mark.parametrize("left", [1, 20, 60])
def test_a_last_line_that_was_cut_off_does_not_count(left: int) -> None:
    assert read_erasures(erasure_line(FIRST) + erasure_line(SECOND)[:left]) == [FIRST]


@pytest.mark.parametrize("line", [b"{}", b"nonsense", b'{"at":"x","person_id":"y"}'])
def test_a_line_that_is_no_erasure_is_named(line: bytes) -> None:
    with pytest.raises(ErasureUnreadable, match="line 2"):
        read_erasures(erasure_line(FIRST) + line + b"\n" + erasure_line(SECOND))
