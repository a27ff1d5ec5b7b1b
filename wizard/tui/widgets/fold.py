"""A line that opens to show more."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalGroup
from textual.widget import Widget
from textual.widgets import Static

from wizard.tui.widgets.still import Backdrop, Still


class Fold(VerticalGroup, Still, Backdrop):
    """A line that opens to show more; what it holds is made when it is first opened."""

    def __init__(self, title: str, make: Callable[[], Widget], *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.title = title
        self._make = make
        self.content: Widget | None = None

    def compose(self) -> ComposeResult:
        """Show the line."""
        yield FoldTitle(self.title)

    @property
    def is_open(self) -> bool:
        """Whether the content shows."""
        return self.content is not None and bool(self.content.display)

    async def toggle(self) -> None:
        """Open or close it."""
        opening = not self.is_open
        if self.content is None:
            self.content = self._make()
            await self.mount(self.content)
        self.content.display = opening
        title = self.query_one(FoldTitle)
        title.opened = opening
        title.refresh()
        self.refresh_bindings()
        if opening:
            self.content.scroll_visible(animate=False)


class FoldTitle(Static, Still, can_focus=True):
    """The line of a Fold."""

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

    def __init__(self, title: str) -> None:
        super().__init__(markup=False)
        self.title = title
        self.opened = False

    def render(self) -> str:
        """Draw it."""
        return f"{'▾' if self.opened else '▸'} {self.title}"

    async def action_unfold(self) -> None:
        """Open or close the fold."""
        fold = self.parent
        assert isinstance(fold, Fold)  # noqa: S101 - nobody else makes one
        await fold.toggle()

    async def on_click(self) -> None:
        """Open or close the fold."""
        await self.action_unfold()
