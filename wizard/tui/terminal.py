"""An App with the manners a terminal and a careful user want, whatever it is about."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from textual.app import App
from textual.binding import Binding, BindingType
from textual.filter import LineFilter, NoColor
from textual.theme import Theme

from wizard.tui.look import FACES, Face, first_face, theme_of
from wizard.tui.printable import Printable

if TYPE_CHECKING:
    from wizard.tui.widgets.actions import Action

_QUIT = "Leave; asks first when answers would be lost"
_FEW_COLOURS: Final = Path(__file__).with_name("few_colours.tcss")


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
        Binding(
            "f2", "command_palette", "Actions", key_display="F2", id="app.actions", tooltip="Choose from all actions"
        ),
        Binding(
            "ctrl+p,colon",
            "command_palette",
            "Actions",
            show=False,
            id="app.actions2",
            tooltip="Choose from all actions",
        ),
        Binding(
            "ctrl+t", "next_face", "Colours", show=False, key_display="^T", id="app.face", tooltip="Change the colours"
        ),
    ]

    def __init__(self, face: Face | None = None) -> None:
        super().__init__()
        # Nothing is told by toasts, and the rack they would stand in has the first frame laid out twice.
        self._disable_notifications = True
        self.printable, self.colourless = Printable(), NoColor()
        self.face: Face = face or first_face(os.environ, self.console.color_system)
        self._begin_with(self._prepared(self.face))

    def _prepared(self, face: Face) -> Theme:
        """Make a face ready to be drawn, and return its theme."""
        theme = theme_of(face, os.environ)
        self.register_theme(theme)
        self.no_color = face == "none"
        if theme.ansi and not self.stylesheet.has_source(str(_FEW_COLOURS)):
            self.stylesheet.read(_FEW_COLOURS)
        return theme

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

    def action_command_palette(self) -> None:
        """Show every action of the present screen, to choose from."""
        from wizard.tui.widgets.actions import ActionsScreen

        if not isinstance(self.screen, ActionsScreen):
            self.push_screen(ActionsScreen(self._actions()), lambda chosen: chosen and chosen.run())

    def _actions(self) -> list[Action]:
        """Return what can be done now, what the last line shows first; a key is pressed as if by hand."""
        from wizard.tui.widgets.actions import Action

        told = {"command_palette", "next_face"}
        found: list[Action] = []
        for active in sorted(self.screen.active_bindings.values(), key=lambda each: not each.binding.show):
            binding = active.binding
            if not (binding.id and active.enabled) or binding.action in told:
                continue  # one without an id is Textual's own: how a cursor moves in a line of text
            told.add(binding.action)
            key = self.get_key_display(binding)
            found.append(Action(binding.description, active.tooltip, key, partial(self.simulate_key, binding.key)))
        return found + [Action(f"Colours: {face}", FACES[face], "", partial(self.wear, face)) for face in FACES]

    def wear(self, face: Face) -> None:
        """Take another face."""
        self.face = face
        theme = self._prepared(face)
        if theme.name == self.theme:  # sixteen colours and none are one theme, and what differs is the filter
            self.refresh_css(animate=False)
        self.theme = theme.name

    def action_next_face(self) -> None:
        """Take the next face."""
        faces = list(FACES)
        self.wear(faces[(faces.index(self.face) + 1) % len(faces)])

    def _fatal_error(self) -> None:
        """End after a mistake in the program, without the local variables that Textual would print: they hold keys."""
        from wizard.tui.crash import report_crash

        self.bell()
        self._exit_renderables.append(report_crash(sys.exc_info()[1]))
        self._close_messages_no_wait()
