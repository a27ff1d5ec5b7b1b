"""How verdicts look in a terminal and in a pipe."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TextIO

from wizard.record import dataclass
from wizard.verdict import ASCII_GLYPHS, GLYPHS, Status, Verdict

WORDS: Final[Mapping[Status, str]] = {"pass": "PASS", "warn": "WARN", "fail": "FAIL", "skip": "SKIP"}

_COLOURS: Final[Mapping[Status, str]] = {"pass": "32", "warn": "33", "fail": "31", "skip": "2"}
_SUMMED: Final[Mapping[Status, str]] = {
    "fail": "failed",
    "warn": "to look at",
    "pass": "fine",
    "skip": "not tried",
}
_WIDEST: Final = 100
_NARROWEST: Final = 40
_LABEL: Final = 15
_INDENT: Final = len("x FAIL  ") + _LABEL + 1


@dataclass(frozen=True, slots=True)
class Look:
    """What the place to print on can show; `width` is 0 in a pipe, where each text stays on its line."""

    width: int = 0
    colour: bool = False
    unicode: bool = True

    @classmethod
    def of(cls, out: TextIO) -> Look:
        """Return how to print on `out`."""
        fancy = "utf" in (out.encoding or "").lower()
        if not out.isatty():
            return cls(unicode=fancy)
        width = max(_NARROWEST, min(_WIDEST, shutil.get_terminal_size().columns))
        plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM", "dumb") == "dumb"
        return cls(width, not plain, fancy)

    def paint(self, text: str, code: str) -> str:
        """Colour a text where colours are wanted."""
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and text else text


def heading(area: str, look: Look) -> str:
    """Return the line above the rows of an area."""
    return look.paint(area.capitalize(), "1")


def row(verdict: Verdict, look: Look) -> Iterator[str]:
    """Yield the lines of a verdict: what was found, and one Fix where there is something to do."""
    mark = f"{(GLYPHS if look.unicode else ASCII_GLYPHS)[verdict.status]} {WORDS[verdict.status]}"
    label = verdict.id.partition(".")[2] or verdict.id
    calls = verdict.status in ("warn", "fail")
    cause = f"{verdict.cause} [{verdict.verdict}]" if calls else verdict.cause
    first, *rest = _wrapped(cause, look)
    colour = _COLOURS[verdict.status]
    yield f"{look.paint(mark, colour)}  {label:<{_LABEL}} {_dimmed_id(first, verdict, look)}".rstrip()
    for line in rest:
        yield " " * _INDENT + _dimmed_id(line, verdict, look)
    if verdict.fix and calls:
        first, *rest = _wrapped(f"Fix: {verdict.fix}", look, len("Fix: "))
        yield " " * _INDENT + look.paint("Fix:", "1") + first.removeprefix("Fix:")
        for line in rest:
            yield " " * (_INDENT + len("Fix: ")) + line


def summary(verdicts: Sequence[Verdict], seconds: float, look: Look) -> str:
    """Return the last line: how many of each."""
    counted = Counter(each.status for each in verdicts)
    parts = [
        look.paint(f"{counted[status]} {word}", _COLOURS[status]) for status, word in _SUMMED.items() if counted[status]
    ]
    return f"{', '.join(parts)}, in {seconds:.1f} s."


def _wrapped(text: str, look: Look, hang: int = 0) -> list[str]:
    if not look.width:
        return [text]
    lines = textwrap.wrap(text, look.width - _INDENT, subsequent_indent=" " * hang, break_on_hyphens=False)
    return [line[hang:] if place else line for place, line in enumerate(lines)] or [""]


def _dimmed_id(line: str, verdict: Verdict, look: Look) -> str:
    tag = f"[{verdict.verdict}]"
    return line.removesuffix(tag) + look.paint(tag, "2") if line.endswith(tag) else line


class Talk:
    """Prints verdicts as rows on `out`, area by area, and sentences on stderr; plain in a pipe."""

    def __init__(self, out: TextIO, *, quiet: bool = False) -> None:
        self.out = out
        self.quiet = quiet
        self.look = Look.of(out)
        self.area = ""

    def say(self, text: str) -> None:
        """Print a sentence for the person, not for the pipe."""
        print(text, file=sys.stderr, flush=True)

    def row(self, verdict: Verdict) -> None:
        """Print a verdict, and its fix where there is something to do."""
        if self.quiet:
            return
        area = verdict.id.partition(".")[0]
        if area != self.area:
            gap = "\n" if self.area else ""
            print(f"{gap}{heading(area, self.look)}", file=self.out)
            self.area = area
        for line in row(verdict, self.look):
            print(line, file=self.out, flush=True)
