"""Edits single keys of a JSON object's text and leaves every other byte as it is."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from wizard.pattern import pattern
from wizard.record import dataclass, field

Path = tuple[str, ...]
"""Where a key stands: ("apiKeyHelper",) or ("env", "ANTHROPIC_BASE_URL")."""

LARGEST: Final = 16 * 1024 * 1024
"""Bytes; no settings file is nearly that large."""

_BOM: Final = b"\xef\xbb\xbf"
_BLANK: Final = pattern(r"[ \t\n\r]*")
_OPEN_STRING: Final = pattern(r'"[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*)*')
_STRING: Final = pattern(_OPEN_STRING.pattern + '"')
_SCALAR: Final = pattern(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![\w.+-])|(?:true|false|null)(?!\w)")


class JsonProblem(ValueError):  # noqa: N818 - a finding about a text; nothing failed
    """A text that can't be edited: where (both counted from 1) and one or two sentences with the fix."""

    def __init__(self, line: int, column: int, text: str) -> None:
        super().__init__(f"line {line}, column {column}: {text}")
        self.line = line
        self.column = column
        self.text = text


def edit(text: bytes | None, edits: Mapping[Path, str], removals: Collection[Path] = ()) -> bytes:
    """Return a JSON object's text with string values set and keys removed; nothing else changes, not even a blank.

    `text` None or empty is a new file. New keys take the file's own indentation and line ends and come last; an object
    that a removal leaves empty goes too. Raises JsonProblem when Claude Code could not read the file or a change
    would have to guess: not JSON (comments and trailing commas included), no object, a key that stands there twice.
    """
    wanted = _tree(edits, removals)
    bom = _BOM if text is not None and text.startswith(_BOM) else b""
    body = _decoded((text or b"")[len(bom) :])
    if _BLANK.fullmatch(body):
        kept = _kept(wanted)
        return bom + (_value(kept, _NEW_FILE) + "\n").encode() if kept or text is None else text
    root = _Reader(body).document(wanted)
    style = _NEW_FILE if "\r\n" not in body else _Style("\r\n  ", "\r\n", "  ", ": ")
    return bom + _spliced(body, _changes(body, root, wanted, style)).encode()


# What is wanted: a tree with a value to set, None to remove, or a table of the same.
_Wanted = dict[str, "str | _Wanted | None"]


def _tree(edits: Mapping[Path, str], removals: Collection[Path]) -> _Wanted:
    tree: _Wanted = {}
    for path, value in [*((each, None) for each in removals), *edits.items()]:
        place = tree
        for name in path[:-1]:
            inner = place.setdefault(name, {})
            if not isinstance(inner, dict):
                raise ValueError(f"{name} is changed both as a whole and in part")
            place = inner
        place[path[-1]] = value
    return tree


def _kept(wanted: _Wanted) -> _Wanted:
    """Return what would stand in a place where nothing stood before."""
    kept: _Wanted = {}
    for name, value in wanted.items():
        inner = _kept(value) if isinstance(value, dict) else value
        if inner is not None and inner != {}:
            kept[name] = inner
    return kept


def _decoded(body: bytes) -> str:
    if len(body) > LARGEST:
        raise JsonProblem(1, 1, "The file is larger than any settings file. Look at what filled it.")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        column = error.start - (body.rfind(b"\n", 0, error.start) + 1) + 1
        raise JsonProblem(line, column, "This byte is not UTF-8. Save the file as UTF-8.") from None


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Member:
    name: str
    key_start: int
    key_end: int
    value_start: int
    value_end: int
    table: _Table | None = None


@dataclass(slots=True)
class _Table:
    """An object that is edited: where its braces stand, and its members in order."""

    start: int
    end: int = 0
    members: list[_Member] = field(default_factory=list)


class _Reader:
    """Reads JSON as strictly as Claude Code does, remembering where the tables that are edited keep their members."""

    def __init__(self, text: str) -> None:
        self._text = text

    def document(self, wanted: _Wanted) -> _Table:
        start = self._blank(0)
        if not self._text.startswith("{", start):
            self._skip(start)
            raise self._problem(start, "The settings must be one object in { }. Put the keys inside braces.")
        root = self._table(start, wanted)
        rest = self._blank(root.end)
        if rest < len(self._text):
            raise self._syntax(rest, "Something follows the closing }. Remove it.")
        return root

    def _table(self, start: int, wanted: _Wanted) -> _Table:
        table = _Table(start)
        seen: dict[str, int] = {}
        place = self._blank(start + 1)
        if self._text.startswith("}", place):
            table.end = place + 1
            return table
        while True:
            key_start = place
            name, key_end, place = self._key(place)
            if name in seen:
                first = self._line(seen[name])
                text = f"The key {_shown(name)} stands here a second time (first in line {first}). Remove one."
                raise self._problem(key_start, text)
            seen[name] = key_start
            value_end, inner = self._value(name, place, wanted.get(name))
            member = _Member(name, key_start, key_end, place, value_end, inner)
            table.members.append(member)
            place = self._blank(member.value_end)
            if self._text.startswith("}", place):
                table.end = place + 1
                return table
            place = self._comma(place, "}")

    def _value(self, name: str, start: int, wanted: str | _Wanted | None) -> tuple[int, _Table | None]:
        if not isinstance(wanted, dict):
            return self._skip(start), None
        if not self._text.startswith("{", start):
            self._skip(start)
            raise self._problem(start, f"{_shown(name)} must be an object. Write it in {{ }}.")
        table = self._table(start, wanted)
        return table.end, table

    def _key(self, place: int) -> tuple[str, int, int]:
        """Return a key, where it ends, and where its value starts."""
        found = _STRING.match(self._text, place)
        if not found:
            raise self._syntax(place, "A key in double quotes is missing here. Write one, or remove what stands here.")
        name: str = json.loads(found[0])
        after = self._blank(found.end())
        if not self._text.startswith(":", after):
            raise self._syntax(after, f"A colon is missing after {_shown(name)}. Write one.")
        return name, found.end(), self._blank(after + 1)

    def _comma(self, place: int, closer: str) -> int:
        if not self._text.startswith(",", place):
            raise self._syntax(place, f"A comma or the closing {closer} is missing here. Write it.")
        after = self._blank(place + 1)
        if self._text.startswith(closer, after):
            raise self._problem(place, f"A comma stands before the closing {closer}. Remove it.")
        return after

    def _skip(self, place: int) -> int:
        """Return where the value that starts here ends. It keeps its own stack, so that no nesting is too deep."""
        text = self._text
        closers: list[str] = []
        while True:
            if text.startswith(("{", "["), place):
                closer = "}" if text[place] == "{" else "]"
                place = self._blank(place + 1)
                if not text.startswith(closer, place):
                    closers.append(closer)
                    if closer == "}":
                        place = self._key(place)[2]
                    continue
                place += 1
            else:
                place = self._scalar(place)
            while closers:
                place = self._blank(place)
                if text.startswith(closers[-1], place):
                    place += 1
                    closers.pop()
                    continue
                place = self._comma(place, closers[-1])
                if closers[-1] == "}":
                    place = self._key(place)[2]
                break
            if not closers:
                return place

    def _scalar(self, place: int) -> int:
        found = _STRING.match(self._text, place) or _SCALAR.match(self._text, place)
        if not found:
            raise self._syntax(
                place, "This is no JSON value. Text stands in double quotes; names and NaN do not exist."
            )
        return found.end()

    def _blank(self, place: int) -> int:
        found = _BLANK.match(self._text, place)
        return found.end() if found else place

    def _line(self, place: int) -> int:
        return self._text.count("\n", 0, place) + 1

    def _problem(self, place: int, text: str) -> JsonProblem:
        column = place - (self._text.rfind("\n", 0, place) + 1) + 1
        return JsonProblem(self._line(place), column, text)

    def _syntax(self, place: int, otherwise: str) -> JsonProblem:
        """Name the usual mistakes by their own name."""
        text = self._text
        if place >= len(text):
            return self._problem(place, "The file ends too early. Restore what is missing, or start from {}.")
        if text.startswith(("//", "/*", "#"), place):
            return self._problem(place, "JSON has no comments, and Claude Code ignores a file with one. Remove it.")
        if text[place] == "'":
            return self._problem(place, "JSON knows no single quotes. Use double quotes.")
        if text[place] == '"' and not _STRING.match(text, place):
            return self._string_mistake(place)
        return self._problem(place, otherwise)

    def _string_mistake(self, place: int) -> JsonProblem:
        text = self._text
        end = _OPEN_STRING.match(text, place).end()  # type: ignore[union-attr]  # it matches at any quote
        if end >= len(text) or text[end] in "\r\n":
            return self._problem(place, "This text has no closing quote. Write one.")
        if text[end] == "\\":
            return self._problem(end, "This backslash escapes nothing that JSON knows. Write \\\\ for a backslash.")
        return self._problem(end, "A control character stands in this text. Write it as an escape, like \\t.")


def _shown(name: str) -> str:
    return json.dumps(name if len(name) <= 40 else name[:39] + "…")


# ── changing ─────────────────────────────────────────────────────────────────────────────────────────────────────────


_Splice = tuple[int, int, str]
"""What is put in the place of the text from one offset up to another."""


@dataclass(frozen=True, slots=True)
class _Style:
    """The blanks of an object: before each key, before the closing brace, one level of indentation, and the colon.

    `before` without a line break means that the object stands on one line.
    """

    before: str
    after: str
    unit: str
    colon: str

    @property
    def head(self) -> str:
        """What stands before the first key."""
        return self.before if "\n" in self.before else ""

    @property
    def deeper(self) -> _Style:
        """The style of an object inside this one."""
        if not self.head:
            return _Style(self.before, "", self.unit, self.colon)
        return _Style(self.before + self.unit, self.before, self.unit, self.colon)


_NEW_FILE: Final = _Style("\n  ", "\n", "  ", ": ")


def _style(text: str, table: _Table, inherited: _Style) -> _Style:
    """Return the style that an object's last member shows; an empty one inherits."""
    if not table.members:
        return inherited
    last = table.members[-1]
    before = _blanks_before(text, last.key_start)
    colon = text[last.key_end : last.value_start]
    if "\n" in colon:
        colon = ": "
    if "\n" not in before:
        alone = len(table.members) == 1 and not before
        return _Style(" " if alone and colon.endswith(" ") else before, "", inherited.unit, colon)
    newline = "\r\n" if "\r\n" in before else "\n"
    indent = before.rpartition("\n")[2]
    closing = _blanks_before(text, table.end - 1)
    outdent = closing.rpartition("\n")[2] if "\n" in closing else ""
    unit = indent.removeprefix(outdent) if indent.startswith(outdent) else inherited.unit
    return _Style(newline + indent, newline + outdent, unit, colon)


def _blanks_before(text: str, place: int) -> str:
    start = place
    while start and text[start - 1] in " \t\r\n":
        start -= 1
    return text[start:place]


def _changes(text: str, table: _Table, wanted: _Wanted, inherited: _Style) -> list[_Splice]:
    style = _style(text, table, inherited)
    splices: list[_Splice] = []
    for member in table.members:
        want = wanted.get(member.name)
        if member.table is not None and isinstance(want, dict):
            splices += [] if _emptied(member.table, want) else _changes(text, member.table, want, style.deeper)
        elif isinstance(want, str) and not _says(text[member.value_start : member.value_end], want):
            splices.append((member.value_start, member.value_end, _quoted(want)))
    items = _items(_additions(table, wanted), style)
    return splices + _removed(table, wanted, replaced=bool(items)) + _added(table, wanted, items, style)


def _added(table: _Table, wanted: _Wanted, items: list[str], style: _Style) -> list[_Splice]:
    if not items:
        return []
    members, between = table.members, "," + style.before
    if not members:
        return [(table.start + 1, table.end - 1, style.head + between.join(items) + style.after)]
    if all(_goes(member, wanted) for member in members):
        return [(members[0].key_start, members[-1].value_end, between.join(items))]
    end = members[-1].value_end
    return [(end, end, "".join(between + item for item in items))]


def _removed(table: _Table, wanted: _Wanted, *, replaced: bool) -> list[_Splice]:
    """Take a member out together with the comma before it; the first ones together with the comma after them."""
    members = table.members
    going = [_goes(member, wanted) for member in members]
    if members and all(going):
        return [] if replaced else [(table.start + 1, table.end - 1, "")]
    first_kept = going.index(False) if members else 0
    return [
        (member.key_start, members[index + 1].key_start, "")
        if index < first_kept
        else (members[index - 1].value_end, member.value_end, "")
        for index, member in enumerate(members)
        if going[index]
    ]


def _goes(member: _Member, wanted: _Wanted) -> bool:
    if member.name not in wanted:
        return False
    want = wanted[member.name]
    return want is None or (isinstance(want, dict) and member.table is not None and _emptied(member.table, want))


def _emptied(table: _Table, wanted: _Wanted) -> bool:
    """Whether a change takes everything out of an object that held something."""
    return (
        bool(table.members) and all(_goes(member, wanted) for member in table.members) and not _additions(table, wanted)
    )


def _additions(table: _Table, wanted: _Wanted) -> _Wanted:
    present = {member.name for member in table.members}
    return {name: value for name, value in _kept(wanted).items() if name not in present}


def _items(table: _Wanted, style: _Style) -> list[str]:
    return [f"{_quoted(name)}{style.colon}{_value(value, style.deeper)}" for name, value in table.items()]


def _value(value: str | _Wanted | None, style: _Style) -> str:
    if not isinstance(value, dict):
        return _quoted(value or "")
    if not value:
        return "{}"
    return "{" + style.head + ("," + style.before).join(_items(value, style)) + style.after + "}"


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _says(token: str, value: str) -> bool:
    return token.startswith('"') and json.loads(token) == value


def _spliced(text: str, splices: Iterable[_Splice]) -> str:
    parts: list[str] = []
    done = 0
    for start, end, new in sorted(splices):
        parts += (text[done:start], new)
        done = end
    return "".join((*parts, text[done:]))
