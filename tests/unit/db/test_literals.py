"""Values inside a statement: nothing given can end its text. Postgres reads them back in
tests/integration/test_batch.py."""

import pytest

from app.db.literals import literal


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "NULL"),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (-7, "'-7'"),  # 3--7 would be a comment
        ("", "''"),
        ("O'Neill; DROP TABLE event --", "'O''Neill; DROP TABLE event --'"),
        ("a\\'b", "'a\\''b'"),
        (b"\x00'\xff", "'\\x0027ff'"),
        ([], "'{}'"),
        ([3, 1], "'{3,1}'"),
        (
            ["a'b", 'c"d', "e\\f", "", "NULL", None],
            """'{"a''b","c\\"d","e\\\\f","","NULL",NULL}'""",
        ),
    ],
)
def test_a_value_is_spelled(value: object, text: str) -> None:
    assert literal(value) == text


@pytest.mark.parametrize("value", ["a\0b", ["a\0b"]])
def test_a_nul_would_end_the_message_and_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="NUL"):
        literal(value)


@pytest.mark.parametrize("value", [1.5, {"a": 1}, object(), [1.5]])
def test_what_has_no_spelling_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        literal(value)
