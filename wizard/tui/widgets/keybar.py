"""The last line: the keys that do something now, each of them clickable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len
from textual import events
from textual.binding import ActiveBinding
from textual.content import Content
from textual.screen import Screen

from wizard.tui.widgets.still import Still

_ORDER: Final = {"escape": 0, "enter": 1, "f1": 7, "f2": 8, "ctrl+q": 9}
"""Where the keys that every screen has stand; a screen's own keys come in between."""
_LEFT_OUT: Final = ("f2", "f1")
"""What goes first where the line is too short: these keys are the same on every screen, and the others name them."""


class KeyBar(Still):
    """Shows the active bindings; what can't be used now is dim and does nothing.

    Textual's own footer mounts a widget for each key anew at every change of focus; this draws one line.
    """

    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__()
        self.drawn: Sequence[ActiveBinding] = ()
        self.places: list[tuple[range, ActiveBinding]] = []

    def on_mount(self) -> None:
        """Redraw when a key comes or goes."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def _changed(self, screen: Screen[object]) -> None:
        if screen.app.app_focus and self.shown() != self.drawn:
            self.refresh()

    def shown(self) -> list[ActiveBinding]:
        """Return what is shown, in order."""
        found = [each for each in self.screen.active_bindings.values() if each.binding.show]
        return sorted(found, key=lambda each: _ORDER.get(each.binding.key, 5))

    def render(self) -> Content:
        """Draw it."""
        self.drawn = shown = self.shown()
        line = self._line(shown)
        for key in _LEFT_OUT:
            if line.cell_length > self.size.width:
                shown = [each for each in shown if each.binding.key != key]
                line = self._line(shown)
        return line.truncate(self.size.width, ellipsis=True) if line.cell_length > self.size.width else line

    def _line(self, shown: Sequence[ActiveBinding]) -> Content:
        grey = "$text-disabled dim" if self.app.no_color else "$text-disabled"
        pieces: list[str | tuple[str, str]] = []
        self.places, start = [], 0
        for active in shown:
            key = f"{self.app.get_key_display(active.binding)} "
            text = active.binding.description
            pieces += [(key, "$primary bold"), text, "  "] if active.enabled else [(key + text, grey), "  "]
            end = start + cell_len(key + text)
            self.places.append((range(start, end), active))
            start = end + 2
        return Content.assemble(*pieces[:-1])

    def on_click(self, event: events.Click) -> None:
        """Do what the key under the mouse does."""
        if active := self._at(event):
            self.app.simulate_key(active.binding.key)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Explain the key under the mouse."""
        active = self._at(event)
        self.tooltip = active.tooltip or None if active else None

    def _at(self, event: events.MouseEvent) -> ActiveBinding | None:
        where = event.get_content_offset(self)
        under = (active for columns, active in self.places if where is not None and where.x in columns)
        return next((active for active in under if active.enabled), None)
