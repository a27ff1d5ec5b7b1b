"""Takes single lines of a start-up file out of force, and puts them back. Pure, on bytes.

A line is not removed but turned into a comment, with its bytes unchanged behind our mark. Where the mark begins with
`:`, the shells' command that does nothing, the line may be the only one of an `if` or a function.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Final

from wizard.apply.managed_block import in_heredoc
from wizard.machine.leftovers import VARIABLE_NAMES
from wizard.marks import BLOCK_BEGIN, BLOCK_END, SET_ASIDE
from wizard.pattern import pattern
from wizard.record import dataclass

_MARK: Final = SET_ASIDE.encode()
_INDENT: Final = pattern(rb"[ \t]*")
_NAME: Final = rf"(?:{VARIABLE_NAMES})"
_VALUE: Final = r"""(?:"(?:[^"\\`]|\\.)*"|'[^']*'|\$\([^()]*\)|[^\s;&|<>()"'`\\$]|\$\w+|\$\{[^{}]*\})*"""
_COMMENT: Final = r"\s*;?\s*(?:#.*)?"
_ASSIGNMENT: Final = pattern(
    rf"(?:export\s+|(?:declare|typeset)\s+-\w+\s+)?{_NAME}={_VALUE}(?:\s+{_NAME}={_VALUE})*"
    rf"(?:\s*;\s*export(?:\s+{_NAME})+)?{_COMMENT}"
    rf"|set\s+(?:-\S+\s+)*{_NAME}\s+{_VALUE}{_COMMENT}"
)
_TEST: Final = r"(?:\[\[?\s[^;&|<>]*\s\]\]?|test\s[^;&|<>]*)"
_SOURCE: Final = pattern(
    rf"(?:{_TEST}\s*&&\s*)?(?:source|\.)\s+[^\s;&|<>()`]+{_COMMENT}"
    rf"|if\s+{_TEST}\s*;\s*then\s+(?:source|\.)\s+[^\s;&|<>()`]+\s*;\s*fi{_COMMENT}"
)


@dataclass(frozen=True, slots=True)
class Place:
    """One line of a file: its bytes, and how many lines of the same bytes stand above it."""

    line: bytes
    above: int


def place_of(text: bytes, number: int) -> Place | None:
    """Return where a line (from 1) stands, or None when it can't be set aside without touching anything else.

    It can when it does nothing but set variables that concern Claude Code, or source one file.
    """
    lines = text.split(b"\n")
    if not 0 < number <= len(lines) or number in in_heredoc(text):
        return None
    line = lines[number - 1]
    neighbours = (lines[number - 2] if number > 1 else b"", line)
    if any(each.rstrip(b"\r").endswith(b"\\") for each in neighbours) or b"\0" in line:
        return None
    words = line.decode("utf-8", "surrogateescape").strip()
    if not (_ASSIGNMENT.fullmatch(words) or _SOURCE.fullmatch(words)) or _inside_ours(lines, number):
        return None
    return Place(line, lines[: number - 1].count(line))


def _inside_ours(lines: list[bytes], number: int) -> bool:
    begin, end = BLOCK_BEGIN.encode(), BLOCK_END.encode()
    plain = [line.strip() for line in lines]
    above, below = plain[:number], plain[number:]
    return above.count(begin) > above.count(end) and end in below


def set_aside(text: bytes, places: Collection[Place]) -> bytes:
    """Return the bytes with these lines out of force; one that is no longer there is passed over."""
    seen: Counter[bytes] = Counter()
    lines = text.split(b"\n")
    for number, line in enumerate(lines):
        if Place(line, seen[line]) in places:
            lines[number] = _marked(line)
        seen[line] += 1
    return b"\n".join(lines)


def give_back(text: bytes, before: bytes) -> bytes:
    """Return the bytes with the lines in force again that were so in `before`."""
    then = Counter(before.split(b"\n"))
    lines = text.split(b"\n")
    for number, line in enumerate(lines):
        indent = line[: len(line) - len(line.lstrip(b" \t"))]
        rest = line[len(indent) :]
        if then[line] or not rest.startswith(_MARK):
            continue
        original = indent + rest.removeprefix(_MARK)
        if then[original]:
            lines[number] = original
    return b"\n".join(lines)


def _marked(line: bytes) -> bytes:
    found = _INDENT.match(line)
    indent = found[0] if found else b""
    return indent + _MARK + line[len(indent) :]
