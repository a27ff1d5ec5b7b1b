"""Merges two edits of one text, line by line. Pure, on bytes."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from wizard.record import dataclass


@dataclass(frozen=True, slots=True)
class _Edit:
    """Puts `lines` in place of the lines from `start` up to `end`."""

    start: int
    end: int
    lines: tuple[bytes, ...]

    def meets(self, other: _Edit) -> bool:
        """Whether both touch the same lines, or insert at the same place."""
        if self.start == self.end == other.start == other.end:
            return True
        return self.start < other.end and other.start < self.end


def merge(base: bytes, theirs: bytes, ours: bytes) -> bytes | None:
    """Return the text with both edits of `base` in it; None when they touch the same lines."""
    lines = _lines(base)
    edits: list[_Edit] = list(_edits(lines, _lines(theirs)))
    for edit in _edits(lines, _lines(ours)):
        if edit in edits:
            continue
        if any(edit.meets(each) for each in edits):
            return None
        edits.append(edit)
    for edit in sorted(edits, key=lambda each: (each.start, each.end), reverse=True):
        lines[edit.start : edit.end] = edit.lines
    return b"".join([*(line if line.endswith(b"\n") else line + b"\n" for line in lines[:-1]), *lines[-1:]])


def _edits(old: list[bytes], new: list[bytes]) -> Iterator[_Edit]:
    for tag, start, end, new_start, new_end in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            yield _Edit(start, end, tuple(new[new_start:new_end]))


def _lines(text: bytes) -> list[bytes]:
    lines = [line + b"\n" for line in text.split(b"\n")]
    lines[-1] = lines[-1].removesuffix(b"\n")
    return lines if lines[-1] else lines[:-1]
