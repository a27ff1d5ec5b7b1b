"""Answers as one line of text: lists with commas, tables as `name=value, …`, JSON where a text could mislead."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Final

from wizard.pattern import pattern

_JSON: Final = json.JSONDecoder()
_PLAIN: Final = pattern(r'[^\s=,"{\[](?:[^=,"]*[^\s=,"])?')
"""A name or value that needs no quotes in `name=value, …`."""


def as_line(value: object) -> str:
    """Return an answer as it is typed; its field reads it back as it was."""
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return write_pairs(value)
    if isinstance(value, list | tuple):
        return ", ".join(map(_item, value))
    return str(value)


def read_list(text: str) -> list[str]:
    """Read texts with commas between them; one that holds a comma or ends in a blank stands in double quotes."""
    items, place = [], 0
    while place < len(text):
        item, place = _item_at(text, place)
        items += item
        place += 1  # the comma
    return items


def write_pairs(table: Mapping[str, object]) -> str:
    """Return a table as text that `read_pairs` reads back."""
    return ", ".join(f"{_quoted(name)}={_quoted(value)}" for name, value in table.items())


def read_pairs(text: str) -> object:
    """Read `name=value, …`; the text itself when it is something else, so that the field says what is wrong."""
    text = text.strip()
    try:
        return _inline_table(text) if text.startswith("{") and text.endswith("}") else dict(_each_pair(text))
    except ValueError:
        return text


def _inline_table(text: str) -> object:
    """Read a table as the answers file has it, `{ name = "value" }`, or as JSON."""
    import tomllib

    try:
        return tomllib.loads(f"table = {text}")["table"]
    except tomllib.TOMLDecodeError:
        return json.loads(text)


def _item(value: object) -> str:
    text = str(value)
    plain = text and text == text.strip() and "," not in text and not text.startswith('"')
    return text if plain else json.dumps(text, ensure_ascii=False)


def _item_at(text: str, place: int) -> tuple[list[str], int]:
    """Return the text that starts there, none where nothing does, and where its comma is."""
    comma = text.find(",", place)
    comma = len(text) if comma < 0 else comma
    start = place + len(text[place:]) - len(text[place:].lstrip())
    if text[start : start + 1] == '"':
        with contextlib.suppress(ValueError):
            value, end = _JSON.raw_decode(text, start)
            rest = text[end:].lstrip()
            if rest[:1] in ("", ","):
                return [value], len(text) - len(rest)
    plain = text[place:comma].strip()
    return ([plain] if plain else []), comma


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
