"""One line of text to type."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input

from wizard.record import dataclass
from wizard.tui.widgets.still import Still


class TextField(Input, Still):
    """An input in which Enter goes on with the step and the arrows lead to the neighbouring fields."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "up", "app.focus_previous", "The field above", show=False, id="field.up", tooltip="Go to the field above"
        ),
        Binding(
            "down", "app.focus_next", "The field below", show=False, id="field.down", tooltip="Go to the next field"
        ),
    ]

    @dataclass
    class Shortened(Message):
        """More was pasted than fits into one line; `text` says so."""

        field: TextField
        text: str

        @property
        def control(self) -> TextField:
            """The widget that sent it."""
            return self.field

    def __init__(
        self,
        value: str,
        *,
        placeholder: str = "",
        id: str | None = None,  # noqa: A002
        compact: bool = True,
    ) -> None:
        super().__init__(value, placeholder=placeholder, id=id, compact=compact, select_on_focus=False)
        # Input keeps Enter for itself; here the step's own binding is the one that counts (and the one shown).
        own = [each for each in self._bindings.key_to_bindings.pop("enter", ()) if each.action != "submit"]
        if own:
            self._bindings.key_to_bindings["enter"] = own

    def on_mount(self) -> None:
        """Keep the cursor still where nothing is to move (TEXTUAL_ANIMATIONS=none)."""
        if self.app.animation_level == "none":
            self.cursor_blink = False

    def _on_paste(self, event: events.Paste) -> None:
        """Take the first line that holds something, since what is copied from a page often starts with an empty one.

        That there were more is said: nobody should look for the rest later.
        """
        lines = [line.strip() for line in event.text.splitlines() if line.strip()]
        event.stop()
        event.prevent_default()
        if lines:
            self.replace(lines[0], *self.selection)
        if len(lines) > 1:
            self.post_message(self.Shortened(self, f"The first of {len(lines)} pasted lines was taken."))
