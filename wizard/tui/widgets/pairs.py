"""A table of answers as it stands in one input: `name=value, …`, values as JSON where they need to be told apart."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

_JSON: Final = json.JSONDecoder()
_PLAIN: Final = re.compile(r'[^\s=,"{\[](?:[^=,"]*[^\s=,"])?')
"""A name or value that needs no quotes in `name=value, …`."""


def write_pairs(table: Mapping[str, object]) -> str:
    """Return a table as text that `read_pairs` reads back."""
    return ", ".join(f"{_quoted(name)}={_quoted(value)}" for name, value in table.items())


def read_pairs(text: str) -> object:
    """Read `name=value, …`; the text itself when it is something else, so that the field says what is wrong."""
    try:
        return dict(_each_pair(text.strip()))
    except ValueError:
        return text


def _quoted(value: object) -> str:
    """Return a name or value as it stands between the commas: as JSON where it would be read as something else."""
    if isinstance(value, str) and _PLAIN.fullmatch(value) and _scalar(value) == value:
        return value
    return json.dumps(value, ensure_ascii=False)


def _scalar(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _each_pair(text: str) -> Iterator[tuple[str, object]]:
    place = 0
    while place < len(text):
        name, place = _name_at(text, place)
        value, place = _value_at(text, place)
        yield name, value
        place += len(text[place:]) - len(text[place:].lstrip(", "))


def _name_at(text: str, place: int) -> tuple[str, int]:
    """Return a name, and where its value starts. Raises ValueError when there is none."""
    if text[place] == '"':
        name, end = _JSON.raw_decode(text, place)
    else:
        end = text.index("=", place)
        name = text[place:end].strip()
        if "," in name:
            raise ValueError(text)
    rest = text[end:].lstrip()
    if not name or not rest.startswith("="):
        raise ValueError(text)
    return name, len(text) - len(rest[1:].lstrip())


def _value_at(text: str, place: int) -> tuple[object, int]:
    """Return a JSON value, or the text up to the next comma, and where it ends."""
    try:
        value, end = _JSON.raw_decode(text, place)
    except ValueError:
        end = -1
    if end < 0 or text[end:].lstrip()[:1] not in ("", ","):
        end = text.find(",", place) if "," in text[place:] else len(text)
        return text[place:end].strip(), end
    return value, end
