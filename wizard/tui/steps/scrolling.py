"""What the steps with rows of checks share."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from wizard.tui.steps.base import StepScreen
from wizard.tui.widgets.checks import CheckList


class ScrollingStep(StepScreen):
    """A step whose rows can grow beyond the screen: the arrows scroll them, whatever has the focus."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "rows(-1)", "Scroll up", show=False, id="rows.up", tooltip="Scroll the rows up"),
        Binding("down", "rows(1)", "Scroll down", show=False, id="rows.down", tooltip="Scroll the rows down"),
        Binding("pageup", "rows(-8)", "Scroll up", show=False, id="rows.pageup", tooltip="Scroll the rows up a page"),
        Binding("pagedown", "rows(8)", "Scroll down", show=False, id="rows.pagedown", tooltip="Scroll the rows down"),
    ]

    @property
    def checks(self) -> CheckList:
        """The rows."""
        return self.query_one("#checks", CheckList)

    def action_rows(self, by: int) -> None:
        """Scroll the rows."""
        self.checks.scroll_relative(y=by, animate=False)
