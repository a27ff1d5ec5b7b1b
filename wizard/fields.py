"""Declared fields: one declaration serves the form, `--set`, the answers file, its errors and the README."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, Literal

from wizard.pattern import pattern
from wizard.record import dataclass

Value = str | int | bool | tuple[str, ...] | Mapping[str, object]
FieldKind = Literal["text", "url", "path", "integer", "choice", "flag", "list", "table"]

_UNSAFE: Final = pattern(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Problem:
    """Why one field's value can't be used: the field's dotted name, the value given, and a sentence with the fix."""

    field: str
    value: object
    text: str

    def __str__(self) -> str:
        return f"{self.field} = {_shown(self.value)}: {self.text}"


class AnswersError(ValueError):
    """Answers that can't be used; carries one Problem per field."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(str(each) for each in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Field:
    """One question: its name in the answers file, its label and help on the screen, and what a good value is.

    `check` returns a sentence with the fix for a bad value, or an empty string. `shown_when` decides from the other
    values whether the field matters. `default` is used when nothing is answered and the field matters; None means no
    default. `infer` tells the value from the others instead; None when they don't say.
    """

    name: str
    label: str
    help: str
    kind: FieldKind = "text"
    default: Value | None = None
    required: bool = False
    example: str = ""
    choices: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    check: Callable[[Value], str] | None = None
    shown_when: Callable[[Mapping[str, Value]], bool] | None = None
    infer: Callable[[Mapping[str, Value]], Value | None] | None = None

    def read(self, value: object, prefix: str = "") -> Value | Problem:
        """Return a value from TOML, `--set` or a form as this field's type, or the Problem with it."""
        name = f"{prefix}.{self.name}" if prefix else self.name
        result = _READERS[self.kind](self, value)
        if isinstance(result, _Bad):
            return Problem(name, value, result.text)
        text = self._fault(result)
        if text and isinstance(result, str) and (plain := result.strip()) != result and not self._fault(plain):
            return plain  # typed or pasted with something around it that this field can't take
        return Problem(name, value, text) if text else result

    def _fault(self, value: Value) -> str:
        return unsafe(value) or (self.check(value) if self.check else "")


@dataclass(frozen=True, slots=True)
class _Bad:
    text: str


def unsafe(value: object) -> str:
    """Return a sentence when a value holds line breaks, control or bidi characters, which no answer ever needs."""
    if isinstance(value, str) and (found := _UNSAFE.search(value)):
        return f"It holds the character U+{ord(found.group()):04X}. Remove it."
    if isinstance(value, list | tuple):
        return next((text for each in value if (text := unsafe(each))), "")
    if isinstance(value, Mapping):
        return next((text for pair in value.items() for each in pair if (text := unsafe(each))), "")
    return ""


def _shown(value: object) -> str:
    from wizard.secret import masked_url

    text = repr(masked_url(value)) if isinstance(value, str) else str(value)
    return text if len(text) <= 80 else text[:79] + "…"


def _text(field: Field, value: object) -> Value | _Bad:
    if not isinstance(value, str):
        return _Bad("It must be text in quotes.")
    if field.kind == "url":
        value = value.strip()
    if not value.strip():
        return _Bad("It is empty. Fill it in.") if field.required else ""
    return value


def _integer(field: Field, value: object) -> Value | _Bad:
    if isinstance(value, str) and re.fullmatch(r"\s*[0-9]{1,12}\s*", value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        return _Bad("It must be a whole number.")
    low, high = field.minimum, field.maximum
    if (low is not None and value < low) or (high is not None and value > high):
        return _Bad(
            f"It must be between {low if low is not None else 0} and {high}." if high else f"It must be at least {low}."
        )
    return value


def _choice(field: Field, value: object) -> Value | _Bad:
    if isinstance(value, str) and value in field.choices:
        return value
    return _Bad(f"Choose one of: {', '.join(field.choices)}.")


def _flag(_: Field, value: object) -> Value | _Bad:
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        value = value.strip().lower() == "true"
    return value if isinstance(value, bool) else _Bad("It must be true or false.")


def _list(field: Field, value: object) -> Value | _Bad:
    if isinstance(value, str):
        from wizard.typed import read_list  # json is not worth its time before the first frame

        value = read_list(value)
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        return _Bad('It must be a list, like ["bash", "zsh"].')
    if field.choices and (odd := [each for each in value if each not in field.choices]):
        return _Bad(f"{odd[0]!r} is not one of: {', '.join(field.choices)}.")
    return tuple(dict.fromkeys(value))


def _table(_: Field, value: object) -> Value | _Bad:
    if isinstance(value, str):
        from wizard.typed import read_pairs

        value = read_pairs(value)
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return dict(value)
    return _Bad("It must be a table of names and values, like user=$USER, level=3.")


_READERS: Final[Mapping[FieldKind, Callable[[Field, object], Value | _Bad]]] = {
    "text": _text,
    "url": _text,
    "path": _text,
    "integer": _integer,
    "choice": _choice,
    "flag": _flag,
    "list": _list,
    "table": _table,
}


def read_table(
    fields: tuple[Field, ...], table: Mapping[str, object], prefix: str
) -> tuple[dict[str, Value], tuple[Problem, ...]]:
    """Read a table of answers by its fields: the good values (defaults filled in) and one Problem per bad field.

    A default is filled in where the field matters. An empty text counts as not answered. Names that no field declares
    are left out and are not a problem.
    """
    values: dict[str, Value] = {}
    problems: list[Problem] = []
    for field in fields:
        raw = table.get(field.name)
        if raw is None or raw == "":
            if field.default is not None:
                values[field.name] = field.default
            continue
        result = field.read(raw, prefix)
        if isinstance(result, Problem):
            problems.append(result)
        else:
            values[field.name] = result
    _settle(fields, table, values)
    for field in fields:
        if not field.required or field.name in values:
            continue
        if any(each.field == f"{prefix}.{field.name}" for each in problems):
            continue
        if field.shown_when is None or field.shown_when(values):
            example = f", like {field.example}" if field.example else ""
            problems.append(Problem(f"{prefix}.{field.name}", "", f"It is missing. Give it{example}."))
    return {field.name: values[field.name] for field in fields if field.name in values}, tuple(problems)


def _settle(fields: tuple[Field, ...], table: Mapping[str, object], values: dict[str, Value]) -> None:
    """Tell what other answers imply, then drop the defaults of fields that don't matter."""
    for field in fields:
        if field.infer and table.get(field.name) in (None, "") and (implied := field.infer(values)) is not None:
            values[field.name] = implied
    given = {name for name, value in table.items() if value not in (None, "")}
    for field in fields:
        if field.name not in given and field.shown_when and not field.shown_when(values):
            values.pop(field.name, None)
