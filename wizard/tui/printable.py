"""The last door before the terminal: nothing but printable characters goes through, wherever a text came from."""

from __future__ import annotations

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter


class Printable(LineFilter):
    """Takes escape, control and bidi characters out of everything that is drawn.

    The core redacts what it is told from outside; this holds for what it has not seen, like the names of models.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments without what a terminal could take for a command."""
        if all(each.text.isprintable() for each in segments):
            return segments
        return [each if each.text.isprintable() else _cleaned(each) for each in segments]


def _cleaned(segment: Segment) -> Segment:
    text = "".join(each if each.isprintable() else " " if each.isspace() else "" for each in segment.text)
    return Segment(text, segment.style, segment.control)
