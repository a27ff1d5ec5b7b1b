"""Our lines in a shell's start-up file, between two markers. Pure, on bytes; whoever's bytes they are, they stay."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from wizard.marks import BLOCK_BEGIN, BLOCK_END
from wizard.pattern import pattern
from wizard.record import dataclass

_BEGIN: Final = BLOCK_BEGIN.encode()
_END: Final = BLOCK_END.encode()
_NEWLINE_ADDED: Final = b"# The line above had no newline at its end.\n"
_HEREDOC: Final = pattern(rb"(?<!<)<<(-?)[ \t]*(?:'([^'\n]+)'|\"([^\"\n]+)\"|\\?([A-Za-z_][A-Za-z0-9_]*))")


class BlockProblem(Exception):  # noqa: N818 - reads as the finding it is
    """Markers that can't be trusted; `line` counts from 1 and the text says what is wrong and what to do."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(f"line {line}: {text}")
        self.line = line
        self.text = text


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    start: int
    end: int
    text: bytes


@dataclass(frozen=True, slots=True)
class _Span:
    """Where the block stands, markers and the last newline included."""

    start: int
    end: int


def put(text: bytes | None, block: str, *, on_top: bool = False) -> bytes:
    """Return a start-up file's bytes with `block` in them, whose first and last lines are the markers.

    The one block that is there is replaced where it stands; else the block comes after the last line, which gets a
    newline if it lacks one, or `on_top` before the first. All other bytes stay. Raises BlockProblem when the markers
    are lost, doubled, reversed, indented or inside a here-document, since then nobody can say which lines are ours.
    """
    text = text or b""
    wanted = _checked(block)
    span = _find(text)
    if span is not None:
        old = text[span.start : span.end]
        return text[: span.start] + _with_note(wanted, noted=_noted(old)) + text[span.end :]
    if on_top:
        return wanted + text
    needs_newline = bool(text) and not text.endswith(b"\n")
    result = text + b"\n" * needs_newline + _with_note(wanted, noted=needs_newline)
    _find(result)
    return result


def swap(text: bytes, block: bytes) -> bytes:
    """Return the bytes with other lines, of whatever make, in the place of the block. Raises BlockProblem."""
    span = _find(text)
    if span is None:
        return text
    block = _with_note(block, noted=_noted(text[span.start : span.end]))
    return text[: span.start] + block + text[span.end :]


def remove(text: bytes) -> bytes:
    """Return the bytes without our block, and without the newline that `put` had to add. Raises BlockProblem."""
    span = _find(text)
    if span is None:
        return text
    before = text[: span.start]
    after = text[span.end :]
    if _noted(text[span.start : span.end]) and not after:
        before = before.removesuffix(b"\n")
    return before + after


def mend(text: bytes | None, blocks: Collection[bytes]) -> bytes:
    """Return the bytes without any line that is a marker of ours, for markers that can't be trusted.

    With a marker go the lines beside it that are, as a whole, the inner lines of one of `blocks`, which are the blocks
    that we wrote. Every other line stays, also between two markers.
    """
    lines = (text or b"").split(b"\n")
    plain = [line.strip() for line in lines]
    inner = [[line.strip() for line in block.split(b"\n")[1:-2]] for block in blocks]
    ours = {place for place, line in enumerate(plain) if line in (_BEGIN, _END)}
    for place in sorted(ours):
        if plain[place] == _BEGIN and plain[place + 1 : place + 2] == [_NEWLINE_ADDED.strip()]:
            ours.add(place := place + 1)
        for each in inner:
            below, above = range(place + 1, place + 1 + len(each)), range(place - len(each), place)
            if plain[place] != _END and plain[below.start : below.stop] == each:
                ours |= {*below}
            elif plain[place] == _END and above.start >= 0 and plain[above.start : above.stop] == each:
                ours |= {*above}
    return b"\n".join(line for place, line in enumerate(lines) if place not in ours)


def endless_heredoc(text: bytes | None) -> int | None:
    """Return the line on which a here-document begins that never ends; a shell takes all below for its text."""
    return next((place for place, end in _heredoc_ends((text or b"").split(b"\n")) if end is None), None)


def in_heredoc(text: bytes) -> Collection[int]:
    """Return the numbers of the lines that belong to a here-document, also to one that never ends."""
    lines = text.split(b"\n")
    inside = (range(start + 1, (end or len(lines)) + 1) for start, end in _heredoc_ends(lines))
    return {number for each in inside for number in each}


def current(text: bytes | None) -> bytes | None:
    """Return our block as it stands, markers included, as `put` was given it; None without one. Raises BlockProblem."""
    span = _find(text or b"")
    if span is None:
        return None
    return (text or b"")[span.start : span.end].replace(_NEWLINE_ADDED, b"", 1)


def _checked(block: str) -> bytes:
    lines = block.encode().splitlines(keepends=True)
    if len(lines) < 2 or lines[0] != _BEGIN + b"\n" or lines[-1].rstrip(b"\n") != _END or b"\r" in block.encode():
        raise ValueError("a block starts and ends with our markers, on lines that end in LF")
    return b"".join(lines).removesuffix(b"\n") + b"\n"


def _with_note(block: bytes, *, noted: bool) -> bytes:
    head, newline, rest = block.partition(b"\n")
    return head + newline + (_NEWLINE_ADDED if noted else b"") + rest


def _noted(block: bytes) -> bool:
    return block.partition(b"\n")[2].startswith(_NEWLINE_ADDED)


def _find(text: bytes) -> _Span | None:
    markers = [line for line in _lines(text) if line.text.strip() in (_BEGIN, _END)]
    if not markers:
        return None
    heredocs = tuple(_heredocs(text))
    for line in markers:
        _refuse_odd(line, heredocs)
    first = markers[0]
    if first.text.strip() == _END:
        raise BlockProblem(first.number, f"It ends our block, and no line before begins one. {_MEND}")
    if len(markers) == 1:
        raise BlockProblem(first.number, f"It begins our block, and no line after ends it. {_MEND}")
    if markers[1].text.strip() == _BEGIN:
        raise BlockProblem(markers[1].number, f"It begins our block a second time. {_MEND}")
    if len(markers) > 2:
        raise BlockProblem(markers[2].number, f"It belongs to a second block of ours. {_MEND}")
    return _Span(first.start, markers[1].end)


_MEND: Final = "Remove the lines that are ours, markers included, or restore the missing one."


def _refuse_odd(line: _Line, heredocs: tuple[range, ...]) -> None:
    if line.text.rstrip(b"\r\n") not in (_BEGIN, _END):
        raise BlockProblem(line.number, "Our marker is indented or followed by blanks. Remove the blanks.")
    if any(line.number in each for each in heredocs):
        raise BlockProblem(line.number, "Our marker stands inside a here-document. Move it out of there.")


def _lines(text: bytes) -> Iterator[_Line]:
    start = 0
    for number, line in enumerate(text.split(b"\n"), 1):
        end = min(start + len(line) + 1, len(text))
        yield _Line(number, start, end, line)
        start = end


def _heredocs(text: bytes) -> Iterator[range]:
    """Yield the line numbers inside each here-document that ends; one that never does is left to the shell to judge."""
    for start, end in _heredoc_ends(text.split(b"\n")):
        if end is not None:
            yield range(start + 1, end + 1)


def _heredoc_ends(lines: list[bytes]) -> Iterator[tuple[int, int | None]]:
    """Yield the numbers of the lines on which each here-document begins and ends; None for one that never does."""
    place = 0
    while place < len(lines):
        line = lines[place]
        place += 1
        if line.lstrip().startswith(b"#") or b"((" in line:
            continue
        start = place
        for found in _HEREDOC.finditer(line):
            word = found[2] or found[3] or found[4]
            end = _terminator(lines, place, word, tabs=bool(found[1]))
            if end is not None:
                place = end + 1
            yield start, None if end is None else end + 1


def _terminator(lines: list[bytes], start: int, word: bytes, *, tabs: bool) -> int | None:
    for place in range(start, len(lines)):
        line = lines[place].lstrip(b"\t") if tabs else lines[place]
        if line.removesuffix(b"\r") == word:
            return place
    return None
