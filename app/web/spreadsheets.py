"""Files for a spreadsheet: CSV in UTF-8 with its mark, in which no cell is a formula."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

from app.web.answers import Answer

# A spreadsheet takes a cell that begins so for a formula (OWASP, CSV injection).
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def spreadsheet(name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Answer:
    """The rows under their columns, as a file of that name."""
    return Answer(
        200,
        csv_of(columns, rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def csv_of(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([plain_cell(value) for value in row])
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def plain_cell(value: object) -> str:
    """The value as a text that no spreadsheet evaluates; numbers stay numbers."""
    text = "" if value is None else str(value)
    is_number = isinstance(value, int)
    return f"'{text}" if text.startswith(FORMULA) and not is_number else text
