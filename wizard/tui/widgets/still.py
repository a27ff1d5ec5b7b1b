"""Widgets that spare Textual work nobody sees the result of: half of what a screen costs when it is first shown."""

from __future__ import annotations

from typing import ClassVar

from textual.containers import Vertical
from textual.geometry import Region, Size
from textual.reactive import Reactive
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static


class Still(Widget):
    """A widget whose size is final once it is laid out.

    Textual 8 has the whole screen laid out again for each widget that learns its virtual size, though only a scrollbar
    that comes or goes would call for it, and that does so itself.
    """

    virtual_size: ClassVar[Reactive[Size]] = Reactive(Size(0, 0), repaint=False)  # type: ignore[misc]


class Backdrop(Widget):
    """A widget with nothing but a background of its own: its first line is drawn, and stands for all."""

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw it."""
        return super().render_lines(Region(crop.x, crop.y, crop.width, 1)) * crop.height


class Line(Static, Still):
    """A text."""


class Column(Vertical, Still, Backdrop):
    """Widgets below each other."""
