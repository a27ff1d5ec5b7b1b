"""A field for a key: what is typed or pasted shows as dots, and stands in no message, no repr and no picture."""

from __future__ import annotations

from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.style import Style
from textual.timer import Timer
from textual.widget import Widget

from wizard.keys.pasted import LONGEST
from wizard.record import dataclass

REVEAL_SECONDS: Final = 3.0
"""How long the key can be read after it was asked for."""

_SHOWN: Final = 48
_NOTHING: Final = "Paste the key here"


class SecretInput(Widget, can_focus=True):
    """One line that is only ever added to at its end; `take` hands it out."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "ctrl+t", "reveal", "Show it", key_display="^T", id="secret.reveal", tooltip="Show the key for a moment"
        ),
        Binding(
            "backspace", "shorten", "Shorter", show=False, id="secret.shorten", tooltip="Remove the last character"
        ),
        Binding(
            "ctrl+u", "clear", "Clear", key_display="^U", show=False, id="secret.clear", tooltip="Start the key over"
        ),
    ]

    @dataclass
    class Changed(Message):
        """Something was typed, pasted or removed; the message says no more than that."""

        field: SecretInput

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._typed: list[str] = []
        self._revealed: Timer | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing in it."""
        return not self._typed

    @property
    def is_revealed(self) -> bool:
        """Whether the key can be read at this moment."""
        return self._revealed is not None

    def take(self) -> str:
        """Return what was typed or pasted."""
        return "".join(self._typed)

    def render(self) -> Content:
        """Draw dots, or for a moment the key's end."""
        if self.is_empty:
            return Content(_NOTHING).stylize("$text-muted")
        count = len(self._typed)
        text = self.take()[-_SHOWN:] if self.is_revealed else "•" * min(count, _SHOWN)
        label = "hide" if self.is_revealed else "show"
        shown = Content(label).stylize("underline").stylize(Style.from_meta({"reveal": True}))
        tail = Content(f"  {count} character{'s' if count != 1 else ''}  ").stylize("$text-muted")
        return Content.assemble(text if text.isprintable() else "•" * len(text), tail, shown)

    def get_content_height(self, *_: object) -> int:
        """Take one row."""
        return 1

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Say which keys are text here and nothing else."""
        return character is not None and character.isprintable()

    async def _on_key(self, event: events.Key) -> None:
        if event.is_printable and event.character:
            event.stop()
            event.prevent_default()
            self._add(event.character)

    def _on_paste(self, event: events.Paste) -> None:
        """Take what is pasted, without the line breaks around it; one within is refused once it is read as a key."""
        event.stop()
        event.prevent_default()
        self._add(event.text.strip())

    def on_click(self, event: events.Click) -> None:
        """Show or hide by the mouse."""
        if event.style.meta.get("reveal"):
            self.action_reveal()

    def action_reveal(self) -> None:
        """Show the key for a moment, or hide it at once."""
        if self.is_revealed:
            self._hide()
        elif not self.is_empty:
            self._revealed = self.set_timer(REVEAL_SECONDS, self._hide)
            self.refresh()

    def action_shorten(self) -> None:
        """Remove the last character."""
        if self._typed:
            self._typed.pop()
            self._told()

    def action_clear(self) -> None:
        """Forget it all."""
        self.clear()

    def clear(self) -> None:
        """Forget it all."""
        self._typed.clear()
        self._hide()
        self._told()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keep the keys true: there is something to show only when there is something."""
        if action == "reveal":
            return None if self.is_empty else True
        return super().check_action(action, parameters)

    def on_unmount(self) -> None:
        """Leave nothing behind."""
        self._typed.clear()

    def _add(self, text: str) -> None:
        room = LONGEST + 1 - len(self._typed)
        self._typed.extend(text[:room])
        self._told()

    def _hide(self) -> None:
        if self._revealed is not None:
            self._revealed.stop()
            self._revealed = None
        self.refresh()

    def _told(self) -> None:
        self.refresh()
        self.refresh_bindings()
        self.post_message(self.Changed(self))

    def refresh_bindings(self) -> None:
        """Bring the keys up to date."""
        if self.is_attached:
            self.screen.refresh_bindings()
