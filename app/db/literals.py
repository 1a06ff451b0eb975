"""Values spelled inside a statement, for messages of several statements, which have no parameters.

Only with `standard_conforming_strings` on, which every connection asks for (app/db/pool.py): then a
quote is the one character that could end a text.
"""

from datetime import date
from uuid import UUID


def literal(value: object) -> str:
    """The value as SQL; its type is the one that its place has.

    Raises ValueError: a text with a NUL, which would end the message. Raises TypeError: a kind of
    value that has no spelling here.
    """
    match value:
        case None:
            return "NULL"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value) if value >= 0 else f"'{value}'"
        case str():
            if "\0" in value:
                raise ValueError("a text for Postgres cannot hold a NUL")
            return "'" + value.replace("'", "''") + "'"
        case bytes():
            return f"'\\x{value.hex()}'"
        case UUID() | date():
            return f"'{value}'"  # an instant with its offset, as Python writes it
        case list() | tuple():
            return literal("{" + ",".join(map(_element, value)) + "}")
    raise TypeError(f"no literal for {type(value).__name__}")


def _element(value: object) -> str:
    match value:
        case None:
            return "NULL"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    raise TypeError(f"no array element of {type(value).__name__}")
