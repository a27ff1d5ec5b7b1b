"""An App with the manners a terminal and a careful user want, whatever it is about."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.filter import LineFilter, NoColor
from textual.screen import Screen
from textual.theme import Theme

from wizard.tui.crash import report_crash
from wizard.tui.look import THEMES
from wizard.tui.printable import Printable

_QUIT = "Leave; asks first when answers would be lost"


def say(text: str) -> None:
    """Print to the normal screen, or to nobody when the window has been closed meanwhile."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError:
        null = os.open(os.devnull, os.O_WRONLY)
        for stream in (1, 2):  # what is still in their buffers would fail again at the end of the program
            os.dup2(null, stream)
        os.close(null)


class TerminalApp(App[int]):
    """Ends cleanly on signals, crashes without showing variables, draws only what is printable, honours NO_COLOR."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", "Quit", key_display="^Q", priority=True, id="app.quit", tooltip=_QUIT),
        Binding("ctrl+c", "quit", "Quit", show=False, priority=True, id="app.quit2", tooltip=_QUIT),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.printable, self.colourless = Printable(), NoColor()
        for theme in THEMES:
            self.register_theme(theme)
        if "NO_COLOR" in os.environ:
            self.theme = "ansi-dark"
        else:
            self._begin_with(THEMES[0])

    def _begin_with(self, theme: Theme) -> None:
        """Take a theme before anything is styled; changed to afterwards, it has every style read twice."""
        self.set_reactive(App.theme, theme.name)
        self.set_class(theme.dark, "-dark-mode", update=False)
        self.stylesheet.set_variables(self.get_css_variables())

    def leave(self, code: int) -> None:
        """Leave with an exit code."""
        self.exit(code, return_code=code)

    def on_mount(self) -> None:
        """Restore the terminal before a signal ends the program; Textual by itself would not."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self.leave, 128 + number)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Let nothing unprintable through to the terminal, and no colour where NO_COLOR is set.

        Textual chooses its filter before there is a theme, and one that draws ANSI colours black on black.
        """
        return [*((self.colourless,) if self.no_color else super().get_line_filters()), self.printable]

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Yield every action that can be done now, for the command palette."""
        for active in screen.active_bindings.values():
            if active.enabled and active.binding.show:
                run = lambda key=active.binding.key: self.simulate_key(key)  # noqa: E731
                yield SystemCommand(active.binding.description, active.tooltip, run)
        yield SystemCommand("Theme", "Change the colours", self.action_change_theme)

    def _fatal_error(self) -> None:
        """End after a mistake in the program, without the local variables that Textual would print: they hold keys."""
        self.bell()
        self._exit_renderables.append(report_crash(sys.exc_info()[1]))
        self._close_messages_no_wait()
