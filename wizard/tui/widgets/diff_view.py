"""A unified diff with line numbers, in colours and in signs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from wizard.pattern import pattern
from wizard.tui.widgets.keybar import KeyBar

Row = tuple[Content, int]
"""A line, and how far what is folded of it is set in; 0 for prose, which is folded between words."""

_INDENT: Final = 7
_HUNK: Final = pattern(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")


def diff_rows(diff: str) -> Iterator[Row]:
    """Draw a unified diff: each line with its new number (its old one where it goes), without file names."""
    old = new = 0
    for place, line in enumerate(diff.splitlines()):
        if place < 2 and line.startswith(("---", "+++")):
            continue
        if found := _HUNK.match(line):
            old, new = int(found[1]), int(found[2])
            if place > 2:
                yield Content("   ⋯").stylize("$text-muted"), 0
            continue
        sign, text = line[:1] or " ", line[1:]
        number, colour = (old, "$error") if sign == "-" else (new, "$success" if sign == "+" else "$text-muted")
        yield Content.assemble((f"{number:>4} ", "$text-muted"), (f"{sign} {text}", colour)), _INDENT
        old += sign != "+"
        new += sign != "-"


def counts(diff: str) -> tuple[int, int]:
    """Return how many lines come and how many go."""
    body = diff.splitlines()[2:]
    return sum(line.startswith("+") for line in body), sum(line.startswith("-") for line in body)


class Lines(Widget):
    """Lines that are folded at the edge, what is folded set in under its beginning."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: Sequence[Row] = ()

    def show(self, rows: Sequence[Row]) -> None:
        """Show other lines."""
        self.rows = rows
        self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return the number of rows at this width."""
        return len(self._folded(width))

    def render(self) -> Content:
        """Draw them."""
        return Content("\n").join(self._folded(self.size.width))

    def _folded(self, width: int) -> list[Content]:
        return [part for line, indent in self.rows for part in _fold(line, max(width, 2 * _INDENT), indent)]


def _fold(line: Content, width: int, indent: int) -> list[Content]:
    if line.cell_length <= width:
        return [line]
    if not indent:
        return line.wrap(width)
    first, *rest = line.fold(width)
    tail = line[len(first.plain) :]
    return [first, *(Content.assemble(" " * indent, each) for each in tail.fold(width - indent))] if rest else [first]


class DiffView(VerticalScroll, can_focus=True):
    """Shows lines, and scrolls."""

    def compose(self) -> ComposeResult:
        """Lay it out."""
        yield Lines()

    def show(self, rows: Sequence[Row]) -> None:
        """Show something else, from its top."""
        self.query_one(Lines).show(rows)
        self.scroll_home(animate=False)


class DiffScreen(ModalScreen[None]):
    """One file's diff on the whole screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Back", key_display="Esc", id="diff.close", tooltip="Go back to the review"),
        Binding("enter,q", "close", "Back", show=False, id="diff.close2", tooltip="Go back to the review"),
    ]

    def __init__(self, title: str, rows: Sequence[Row]) -> None:
        super().__init__()
        self.heading = title
        self.rows = rows

    def compose(self) -> ComposeResult:
        """Lay it out."""
        yield Static(self.heading, classes="title", markup=False)
        yield DiffView()
        yield KeyBar()

    def on_mount(self) -> None:
        """Show the diff."""
        self.query_one(DiffView).show(self.rows)
        self.query_one(DiffView).focus()

    def action_close(self) -> None:
        """Go back."""
        self.dismiss(None)
