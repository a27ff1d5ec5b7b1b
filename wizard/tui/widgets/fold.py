"""A line that opens to show more."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from wizard.tui.widgets.still import Still


class Fold(Static, Still, can_focus=True):
    """A line that opens to show more below it; what it holds is made when it is first opened."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "space", "unfold", "Open or close", key_display="Space", id="fold.toggle", tooltip="Show or hide the rest"
        ),
        Binding(
            "up", "app.focus_previous", "The field above", show=False, id="fold.up", tooltip="Go to the field above"
        ),
        Binding(
            "down", "app.focus_next", "The field below", show=False, id="fold.down", tooltip="Go to the next field"
        ),
    ]

    def __init__(self, title: str, make: Callable[[], Widget]) -> None:
        super().__init__(markup=False)
        self.title = title
        self._make = make
        self.below: Widget | None = None

    def render(self) -> str:
        """Draw it."""
        return f"{'▾' if self.is_open else '▸'} {self.title}"

    @property
    def is_open(self) -> bool:
        """Whether the content shows."""
        return self.below is not None and bool(self.below.display)

    async def toggle(self) -> None:
        """Open or close it."""
        opening = not self.is_open
        if self.below is None:
            self.below = self._make()
            self.below.add_class("folded")
            assert isinstance(self.parent, Widget)  # noqa: S101 - a line stands in a container
            await self.parent.mount(self.below, after=self)
        self.below.display = opening
        self.refresh()
        self.refresh_bindings()
        if opening:
            self.below.scroll_visible(animate=False)

    async def action_unfold(self) -> None:
        """Open or close it."""
        await self.toggle()

    async def on_click(self) -> None:
        """Open or close it."""
        await self.toggle()
