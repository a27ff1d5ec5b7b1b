"""A table of answers as it stands in one input: `name=value, …`, values as JSON where they need to be told apart."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

_PAIR: Final = re.compile(r"""\s*([^=,\s]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^,]*)\s*(?:,|$)""")


def write_pairs(table: Mapping[str, object]) -> str:
    """Return a table as text that `read_pairs` reads back."""
    return ", ".join(f"{name}={_quoted(value)}" for name, value in table.items())


def read_pairs(text: str) -> object:
    """Read `name=value, …`; the text itself when it is something else, so that the field says what is wrong."""
    found = dict(_each_pair(text))
    return found if found or not text.strip() else text


def _quoted(value: object) -> str:
    if isinstance(value, str) and "," not in value and '"' not in value and _scalar(value) == value:
        return value
    return json.dumps(value, ensure_ascii=False)


def _scalar(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _each_pair(text: str) -> Iterator[tuple[str, object]]:
    place = 0
    while place < len(text.rstrip()):
        pair = _PAIR.match(text, place)
        if pair is None:
            return
        place = pair.end()
        yield pair[1], _scalar(pair[2].strip())
