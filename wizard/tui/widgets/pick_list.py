"""A list that draws only the rows in sight, so that ten thousand cost what ten do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

from wizard.record import dataclass

Line = str | Content | Callable[[int], Content]
"""A row: its text, or a function that lays it out for a width."""


class PickList(ScrollView, can_focus=True):
    """Rows of text with a cursor. Enter, or a click on the row under the cursor, picks one."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"pick-list--cursor"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Row above", show=False, id="list.up", tooltip="Go one row up"),
        Binding("down", "move(1)", "Row below", show=False, id="list.down", tooltip="Go one row down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="list.pageup", tooltip="Go one page up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="list.pagedown", tooltip="Go one page down"),
        Binding("home", "move(-1000000)", "First row", show=False, id="list.home", tooltip="Go to the first row"),
        Binding("end", "move(1000000)", "Last row", show=False, id="list.end", tooltip="Go to the last row"),
    ]

    cursor: reactive[int] = reactive(0, init=False)
    """The row under the cursor."""

    @dataclass
    class Moved(Message):
        """The cursor stands on another row."""

        pick_list: PickList
        cursor: int

        @property
        def control(self) -> PickList:
            """The widget that sent it."""
            return self.pick_list

    @dataclass
    class Picked(Message):
        """A row was clicked."""

        pick_list: PickList
        cursor: int

        @property
        def control(self) -> PickList:
            """The widget that sent it."""
            return self.pick_list

    def __init__(self, lines: Sequence[Line] = (), *, id: str | None = None, active: bool = True) -> None:  # noqa: A002
        super().__init__(id=id)
        self.lines: Sequence[Line] = lines
        self.active = active

    def activate(self, active: bool) -> None:
        """Show the cursor, also while the focus is in a field that steers this list; or hide it."""
        if active != self.active:
            self.active = active
            self.refresh()

    def on_mount(self) -> None:
        """Learn how much there is to scroll."""
        self._measure()

    def fill(self, lines: Sequence[Line], cursor: int | None = None) -> None:
        """Show other rows; the cursor stays where it is unless it is given or the rows end before it."""
        self.lines = lines
        self._measure()
        wanted = self.cursor if cursor is None else cursor
        self.cursor = max(0, min(wanted, len(lines) - 1))
        self._follow()
        self.refresh()

    def _measure(self) -> None:
        self.virtual_size = Size(1, len(self.lines))

    def validate_cursor(self, cursor: int) -> int:
        """Keep the cursor on a row."""
        return max(0, min(cursor, len(self.lines) - 1))

    def watch_cursor(self, cursor: int) -> None:
        """Keep the cursor in sight and tell."""
        self._follow()
        self.refresh()
        self.post_message(self.Moved(self, cursor))

    def _follow(self) -> None:
        self.scroll_to_region(Region(0, self.cursor, 1, 1), animate=False, force=True)

    def action_move(self, by: int) -> None:
        """Move the cursor; from the ends the arrows lead on to the neighbouring field."""
        if by in (-1, 1) and not 0 <= self.cursor + by < len(self.lines):
            (self.screen.focus_previous if by < 0 else self.screen.focus_next)()
            return
        self.cursor += by

    def action_page(self, by: int) -> None:
        """Move the cursor by what fits in sight."""
        self.cursor += by * max(1, self.scrollable_content_region.height - 1)

    def on_click(self, event: events.Click) -> None:
        """Move the cursor here; a click on it picks the row."""
        row = event.get_content_offset_capture(self).y + self.scroll_offset.y
        if not 0 <= row < len(self.lines):
            return
        if row == self.cursor:
            self.post_message(self.Picked(self, row))
        self.cursor = row

    def render_line(self, y: int) -> Strip:
        """Draw one row."""
        width = self.scrollable_content_region.width
        row = y + self.scroll_offset.y
        if row >= len(self.lines):
            return Strip.blank(width, self.rich_style)
        here = row == self.cursor and self.active
        style = self.visual_style
        if here:
            style += self.get_visual_style("pick-list--cursor")
        found = self.lines[row]
        text = found(width - 2) if callable(found) else found
        line = Content.assemble("▸ " if here else "  ", text).truncate(width, ellipsis=True)
        return Visual.to_strips(self, line.truncate(width, pad=True), width, 1, style)[0]
