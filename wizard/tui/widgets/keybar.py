"""The last line: the keys that do something now, each of them clickable."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, cast

from textual import events
from textual.binding import ActiveBinding
from textual.content import Content
from textual.screen import Screen
from textual.style import Style
from textual.widget import Widget

_ORDER: Final = {"escape": 0, "enter": 1, "f1": 7, "f2": 8, "ctrl+q": 9}
"""Where the keys that every screen has stand; a screen's own keys come in between."""
_LEFT_OUT: Final = ("f2", "f1")
"""What goes first where the line is too short: these keys are the same on every screen, and the others name them."""


class KeyBar(Widget):
    """Shows the active bindings; what can't be used now is dim and does nothing.

    Textual's own footer mounts a widget for each key anew at every change of focus; this draws one line.
    """

    ALLOW_SELECT = False

    def on_mount(self) -> None:
        """Redraw when a key comes or goes."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def _changed(self, screen: Screen[object]) -> None:
        if screen.app.app_focus:
            self.refresh()

    def shown(self) -> list[ActiveBinding]:
        """Return what is shown, in order."""
        found = [each for each in self.screen.active_bindings.values() if each.binding.show]
        return sorted(found, key=lambda each: _ORDER.get(each.binding.key, 5))

    def render(self) -> Content:
        """Draw it."""
        shown = self.shown()
        line = Content("  ").join(self._parts(shown))
        for key in _LEFT_OUT:
            if line.cell_length > self.size.width:
                shown = [each for each in shown if each.binding.key != key]
                line = Content("  ").join(self._parts(shown))
        return line.truncate(self.size.width, ellipsis=True)

    def _parts(self, shown: Sequence[ActiveBinding]) -> Iterator[Content]:
        for active in shown:
            key = self.app.get_key_display(active.binding)
            text = active.binding.description
            if active.enabled:
                part = Content.assemble((f"{key} ", "$primary bold"), text)
            else:
                part = Content(f"{key} {text}").stylize("$text-disabled dim" if self.app.no_color else "$text-disabled")
            yield part.stylize(Style.from_meta({"key": active.binding.key}))

    def on_click(self, event: events.Click) -> None:
        """Do what the key under the mouse does."""
        if active := self._at(event):
            self.app.simulate_key(active.binding.key)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Explain the key under the mouse."""
        active = self._at(event)
        self.tooltip = active.tooltip or None if active else None

    def _at(self, event: events.MouseEvent) -> ActiveBinding | None:
        key = cast(str | None, event.style.meta.get("key"))
        return next((each for each in self.shown() if each.binding.key == key and each.enabled), None)
