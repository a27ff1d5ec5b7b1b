"""The top of every screen: whose program it is, how far you are, and what is asked now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final, Literal

from rich.cells import cell_len
from textual.content import Content
from textual.geometry import Size

from wizard.record import dataclass
from wizard.tui.widgets.still import Still

WHOLE: Final = Size(80, 24)
"""The least terminal in which everything can be seen."""
LEAST: Final = Size(60, 16)
"""The least in which anything can be done."""

Piece = str | tuple[str, str]
"""A text, or one and its style."""

State = Literal["pass", "warn", "fail", "skip", "now", "ahead"]

_MARKS: Final[dict[State, tuple[str, str]]] = {
    "pass": ("✓", "$success"),
    "warn": ("!", "$warning"),
    "fail": ("✗", "$error"),
    "skip": ("○", "$text-muted"),
    "now": ("●", "$primary"),
    "ahead": ("○", "$text-muted"),
}


_COLOURS: Final = {
    "": "$text-muted",
    "-good": "$success",
    "-mixed": "$warning",
    "-bad": "$error",
}


@dataclass(frozen=True, slots=True)
class Stop:
    """One step on the line: its name, how it stands, and what it concluded; `short` is the same in eight letters."""

    name: str
    state: State
    value: str = ""
    short: str = ""


class TitleBar(Still):
    """One line: the program's name on the left, what this run is about on the right."""

    ALLOW_SELECT = False

    def __init__(self, left: str, right: str) -> None:
        super().__init__()
        self.left = left
        self.right = right

    def tell(self, right: str) -> None:
        """Show another text on the right."""
        if right != self.right:
            self.right = right
            self.refresh()

    def render(self) -> Content:
        """Draw it; in a terminal that is too small for all there is, say that instead."""
        if complaint := too_small(self.app.size):
            return Content.styled(f"! {complaint}", "bold $warning").truncate(self.size.width, ellipsis=True)
        room = self.size.width - len(self.left)
        right = Content(self.right).truncate(max(0, room - 2), ellipsis=True)
        gap = " " * max(0, room - right.cell_length)
        return Content.assemble((self.left, "bold"), gap, right.stylize("$text-muted"))


def too_small(size: Size) -> str:
    """Return what to do about a terminal that is too small to show everything; empty when it is not."""
    if size.width >= WHOLE.width and size.height >= WHOLE.height:
        return ""
    return f"Make this window larger: it has {size.width}x{size.height}, all there is needs 80x24."


class Stepper(Still):
    """Three lines: the steps, what each concluded, and a rule that is filled up to where you are."""

    ALLOW_SELECT = False

    def __init__(self, stops: Sequence[Stop]) -> None:
        super().__init__()
        self.stops = tuple(stops)

    def tell(self, stops: Sequence[Stop]) -> None:
        """Show other conclusions."""
        if tuple(stops) != self.stops:
            self.stops = tuple(stops)
            self.refresh()

    def render(self) -> Content:
        """Draw it."""
        width = (self.size.width + 2) // len(self.stops)
        lines = [
            Content.assemble(*chain.from_iterable(row(stop, width) for stop in self.stops)).truncate(self.size.width)
            for row in (self._heading, self._value)
        ]
        return Content("\n").join([*lines, self._rule(width)])

    @staticmethod
    def _heading(stop: Stop, width: int) -> Iterator[Piece]:
        mark, colour = _MARKS[stop.state]
        yield f"{mark} ", colour
        yield stop.name, "bold" if stop.state == "now" else "$text-muted" if stop.state == "ahead" else ""
        yield " " * (width - 2 - len(stop.name))

    @staticmethod
    def _value(stop: Stop, width: int) -> Iterator[Piece]:
        value = stop.value if len(stop.value) <= width - 3 else stop.short or stop.value
        if cell_len(value) > width - 3:
            value = Content(value).truncate(width - 3, ellipsis=True).plain
        yield "  "
        if value:
            yield value, "$error" if stop.state == "fail" else "$text-muted"
        yield " " * (width - 2 - cell_len(value))

    def _rule(self, width: int) -> Content:
        here = next((place for place, stop in enumerate(self.stops) if stop.state == "now"), len(self.stops) - 1)
        done = min(width * here + len(self.stops[here].name) + 2, self.size.width)
        return Content.assemble(("━" * done, "$primary"), ("─" * (self.size.width - done), "$border-blurred"))


class Heading(Still):
    """A step's question, and below it what there is to say of it now."""

    def __init__(self, title: str, lead: str) -> None:
        super().__init__()
        self.title = title
        self.lead = lead
        self.look = ""

    def tell(self, title: str, lead: str, look: str) -> None:
        """Show other texts."""
        if (title, lead, look) != (self.title, self.lead, self.look):
            self.title, self.lead, self.look = title, lead, look
            self.refresh(layout=True)

    def render(self) -> Content:
        """Draw it."""
        return Content.assemble((self.title, "bold"), "\n", (self.lead, _COLOURS[self.look]))
