"""What comes up in front of any screen: the question before leaving, help, and the wish for a larger window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from wizard.tui.widgets.keybar import KeyBar
from wizard.tui.widgets.side_pane import Explanation
from wizard.tui.widgets.stepper import too_small


class LeaveDialog(ModalScreen[bool]):
    """Asks before answers are lost."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "stay", "Stay", key_display="Esc", id="leave.stay", tooltip="Go on where you were"),
        Binding("enter", "leave", "Leave", key_display="Enter", id="leave.leave", tooltip="Leave; nothing was changed"),
        Binding("y", "leave", "Leave", show=False, id="leave.yes", tooltip="Leave; nothing was changed"),
        Binding("n", "stay", "Stay", show=False, id="leave.no", tooltip="Go on where you were"),
    ]

    def __init__(self, *, kept: bool = False) -> None:
        super().__init__()
        self.kept = kept

    def compose(self) -> ComposeResult:
        """Lay it out."""
        stays = "is kept: the next start offers to go on" if self.kept else "is not kept"
        with Vertical(classes="dialog"):
            yield Static("Leave now?", classes="title")
            yield Static(f"Nothing was changed on this machine, and what you have answered so far {stays}.")
            yield KeyBar()

    def action_stay(self) -> None:
        """Go on."""
        self.dismiss(False)

    def action_leave(self) -> None:
        """Leave."""
        self.dismiss(True)


class HelpScreen(ModalScreen[None]):
    """What this step is about, and every key that does something on it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", key_display="Esc", id="help.close", tooltip="Go back to the step"),
        Binding("f1,enter,question_mark,q", "close", "Close", show=False, id="help.close2", tooltip="Go back"),
    ]

    def __init__(
        self, title: str, text: str, keys: Sequence[tuple[str, ActiveBinding]], explained: Explanation | None
    ) -> None:
        super().__init__()
        self.heading = title
        self.text = text
        self.keys = tuple(keys)
        self.explained = explained

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with Vertical(classes="dialog -tall"):
            yield Static(self.heading, classes="title", markup=False)
            with VerticalScroll():
                if self.explained:
                    yield Static(self._field(self.explained), classes="field-help", markup=False)
                yield Static(self.text, markup=False)
                yield Static(self._keys(), classes="keys", markup=False)
            yield KeyBar()

    @staticmethod
    def _field(explained: Explanation) -> Content:
        heading = Content.styled(explained.title, "bold $primary")
        parts = (Content.assemble(heading, "\n", explained.text), explained.details())
        return Content("\n\n").join(each for each in parts if each)

    def _keys(self) -> Content:
        width = max(len(shown) for shown, _ in self.keys) + 2
        lines = [
            Content.assemble((f"{shown:<{width}}", "$primary bold"), active.tooltip or active.binding.description)
            for shown, active in self.keys
        ]
        return Content("\n").join(lines)

    def action_close(self) -> None:
        """Go back."""
        self.dismiss(None)


class TooSmall(ModalScreen[None]):
    """Stands in front of everything while the terminal is too small to do anything in it: one line, and no keys."""

    def compose(self) -> ComposeResult:
        """Lay it out."""
        yield Static(markup=False)

    def on_resize(self, event: events.Resize) -> None:
        """Say how far it is."""
        self.query_one(Static).update(too_small(event.size))
