"""The shape of the venue's file: every wrong value is found, and none hides another.

Each is put right by the value that an example has in its place, so that what follows can be judged
too: the next value of the same piece, and then what the file says.
"""

import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

_STEP: Final = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
_MISSING: Final = re.compile(r"missing required field `(.+)`")
_UNKNOWN: Final = re.compile(r"unknown field `(.+)`")
_WRONG_MOST: Final = 200  # in one piece; who gets so many mends some and asks again


def put_right(
    document: dict[str, Any],
    example: Mapping[str, Any],
    fields: Mapping[str, Any],
    lists: Mapping[str, Any],
) -> list[str]:
    """The problems of the document's shape; each is mended in it by the example's value.

    `fields` are its settings and what each is; `lists` are those that are lists of pieces, and what
    a piece is.
    """
    problems = []
    for key in sorted(document.keys() - fields.keys()):
        problems.append(f"{key}: is not a setting of the venue; remove it or mend its spelling")
        del document[key]
    for key, kind in fields.items():
        given = copy.deepcopy(example[key])
        if key not in document:
            problems.append(f"{key}: is missing; add it")
            document[key] = given
        elif key not in lists:
            problems += _mended(document, key, kind, given, key)
        elif not isinstance(document[key], list):
            problems.append(f"{key}: is not a list; write [[{key}]] above each of them")
            document[key] = given
        else:
            for index in range(len(document[key])):
                like = given[min(index, len(given) - 1)]
                problems += _mended(document[key], index, lists[key], like, f"{key}[{index}]")
    return problems


def place_of(problem: str) -> str:
    """The piece that a problem is of: `tables[3]`, `rules`."""
    return re.split(r"[.: ]", problem, maxsplit=1)[0]


def _mended(holder: Any, key: str | int, kind: Any, like: Any, place: str) -> Iterator[str]:
    """The problems of the one piece in the holder, which is mended from `like`."""
    for _ in range(_WRONG_MOST):
        try:
            msgspec.convert(holder[key], kind)
        except msgspec.ValidationError as error:
            sentence, _, inner = str(error).partition(" - at `$")
            inner = inner.rstrip("`")
            yield f"{place}{inner}: {sentence[0].lower()}{sentence[1:]}; mend this value"
            if not _put(holder, key, like, sentence, inner):
                holder[key] = copy.deepcopy(like)
        else:
            return
    holder[key] = copy.deepcopy(like)


def _put(holder: Any, key: str | int, like: Any, sentence: str, inner: str) -> bool:
    """The one wrong value is as in `like`; False: there is no such place."""
    steps: list[str | int] = [key]
    # Below a free key, which msgspec writes as [...], all of them are put right together.
    steps += [name or int(index) for name, index in _STEP.findall(inner.partition("[...]")[0])]
    missing, unknown = _MISSING.search(sentence), _UNKNOWN.search(sentence)
    if missing or unknown:
        steps.append((missing or unknown)[1])  # type: ignore[index]  # one of them matched
    try:
        for step in steps[1:]:
            if unknown and step == steps[-1]:
                break
            like = like[step if not isinstance(step, int) else min(step, len(like) - 1)]
        for step in steps[:-1]:
            holder = holder[step]
        if unknown:
            del holder[steps[-1]]
        else:
            holder[steps[-1]] = copy.deepcopy(like)
    except (KeyError, IndexError, TypeError):
        return False
    return True
