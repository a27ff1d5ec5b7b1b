"""The wizard's App: the way from screen to screen. It knows nothing of what they ask."""

from __future__ import annotations

import asyncio
import gc
import importlib
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from textual import events, on, work
from textual.screen import Screen

from wizard.flow import STEPS, Draft, Step, following
from wizard.machine.background import in_daemon_thread
from wizard.machine.memory import keep_private, leave_no_core_dump
from wizard.record import replace
from wizard.services import REAL, Services
from wizard.tui import story
from wizard.tui.look import Face
from wizard.tui.session import Session
from wizard.tui.steps.base import HORIZONTAL, VERTICAL, StepScreen
from wizard.tui.steps.server import ServerStep
from wizard.tui.styles import read_later_styles
from wizard.tui.terminal import TerminalApp, say
from wizard.tui.widgets.keybar import KeyBar
from wizard.tui.widgets.side_pane import SidePane

if TYPE_CHECKING:
    from wizard.machine.model import Machine
    from wizard.resume import Unfinished
    from wizard.team import Team

_SCREENS: Final = {
    Step.HEALTH: ("wizard.tui.steps.health", "HealthStep"),
    Step.KEY: ("wizard.tui.steps.key", "KeyStep"),
    Step.TEST: ("wizard.tui.steps.test", "TestStep"),
    Step.MODELS: ("wizard.tui.steps.models", "ModelsStep"),
    Step.REVIEW: ("wizard.tui.steps.review", "ReviewStep"),
    Step.DONE: ("wizard.tui.steps.done", "DoneStep"),
}

_CALM: Final = 0.4
"""Seconds after the first frame before anything else is imported."""


class WizardApp(TerminalApp):
    """Walks the steps. The session, not a screen, holds what was answered and found."""

    CSS_PATH = "app.tcss"
    TITLE = story.PROGRAM
    HORIZONTAL_BREAKPOINTS = HORIZONTAL
    VERTICAL_BREAKPOINTS = VERTICAL

    def __init__(self, session: Session, face: Face | None = None) -> None:
        super().__init__(face)
        self.session = session
        self.leaving: int | None = None
        self.surveyed = asyncio.Event()
        self.is_too_small = False

    def get_default_screen(self) -> Screen[None]:
        """Start at the first step, without an empty screen below it."""
        return self._fitted(ServerStep(self.session))

    @work(group="navigation", exclusive=True)
    async def restart(self, step: Step) -> None:
        """Show the first step anew, as the session has it now, and go on to another from there."""
        await self.screen_stack[0].recompose()
        if step is not Step.SERVER:
            self.show_step(step)

    def _fitted(self, screen: StepScreen) -> StepScreen:
        """Give a screen the classes of this terminal's size at once; found later, they have it laid out twice."""
        screen.fit(self.size)
        return screen

    def on_resize(self, event: events.Resize) -> None:
        """Say that nothing can be done in a window this small, and go on where you were once it is larger."""
        from wizard.tui.widgets.stepper import LEAST

        too_small = event.size.width < LEAST.width or event.size.height < LEAST.height
        if not too_small and not self.is_too_small:
            return
        from wizard.tui.widgets.dialogs import TooSmall

        shown = isinstance(self.screen, TooSmall)
        self.is_too_small = too_small
        if too_small and not shown:
            self.push_screen(TooSmall())
        elif shown and not too_small:
            self.pop_screen()

    def on_mount(self) -> None:
        """Once the first frame stands, ask what comes before it, and look closer at the machine."""
        if self.session.beginning is not None:
            self.call_after_refresh(self.begin)
        self.call_after_refresh(self.get_ready)

    def begin(self) -> None:
        """Ask what a run begins with when it does not begin from nothing."""
        from wizard.tui.beginning import begin

        begin(self, self.session)

    @work(group="ready")
    async def get_ready(self) -> None:
        """Import and look, in threads, once the first key presses have had the processor for themselves."""
        await asyncio.sleep(_CALM)
        read_later_styles(self)
        services = self.session.services
        await in_daemon_thread(keep_private)
        machine = await in_daemon_thread(partial(services.survey, self.session.draft.machine))
        self.session.draft = replace(self.session.draft, machine=machine)
        self.surveyed.set()
        self.session.off = await in_daemon_thread(partial(services.suspended, machine))
        if self.session.off and isinstance(self.screen, StepScreen):
            self.screen.retell()
        await in_daemon_thread(self._warm)
        gc.freeze()
        gc.set_threshold(700, 10, 1000)  # a full collection holds the event loop up, and no run is that long
        gc.enable()
        machine = await services.with_claude_version(machine)
        self.session.draft = replace(self.session.draft, machine=machine)

    @on(StepScreen.Forward)
    def forward(self, event: StepScreen.Forward) -> None:
        """Go on; a second Enter that comes before the next screen stands does nothing."""
        session = self.session
        step = following(event.screen.STEP, session.draft if session.keeping else None, session.heading)
        if event.screen is not self.screen:
            return
        session.reach(step)
        if session.keep_on is not None:
            self.keep_answers()
        if step is None:
            self.leave(story.exit_code(self.session))
        else:
            self.show_step(step)

    @work(group="keeping")
    async def keep_answers(self) -> None:
        """Keep what was answered so far for the next start, off the event loop."""
        await in_daemon_thread(self.session.keep)

    @work(group="navigation", exclusive=True)
    async def show_step(self, step: Step) -> None:
        """Show a step, imported off the event loop."""
        here = self.screen
        screen = await in_daemon_thread(partial(self._load, step))
        await self.surveyed.wait()
        if self.screen is not here:
            return
        session = self.session
        session.furthest = max(session.furthest, step, key=STEPS.index)
        await self.push_screen(self._fitted(screen(session)))

    def push_screen(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - Textual's own overloads
        """Show a screen, its styles read before."""
        read_later_styles(self)
        return super().push_screen(*arguments, **options)

    def _load(self, step: Step) -> type[StepScreen]:
        """Import a step and what it asks of the core; at once when that was done before."""
        self._warm()
        module, name = _SCREENS[step]
        screen: type[StepScreen] = getattr(importlib.import_module(module), name)
        return screen

    def _warm(self) -> None:
        """Import the later steps and what they ask of the core."""
        self.session.services.warm()
        for module, _ in _SCREENS.values():
            importlib.import_module(module)

    @on(StepScreen.Back)
    def backward(self, event: StepScreen.Back) -> None:
        """Go back; the checks of the screen that goes are cancelled."""
        self.session.heading = None
        if event.screen is self.screen and len(self.screen_stack) > 1:
            self.pop_screen()

    @on(StepScreen.HelpWanted)
    def help_wanted(self, event: StepScreen.HelpWanted) -> None:
        """Explain a step, and before it what is in focus."""
        from wizard.tui.widgets.dialogs import HelpScreen

        keys = [(self.get_key_display(each.binding), each) for each in event.screen.query_one(KeyBar).shown()]
        explained = event.screen.query_one(SidePane).explanation
        if event.screen.has_class("-wide") or explained is event.screen.ABOUT:
            explained = None  # the side pane says it all, or the help itself does
        self.push_screen(HelpScreen(event.screen.STEP.value, event.screen.HELP_TEXT, keys, explained))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Quit is grey while files are written."""
        if action == "quit" and self.session.is_writing:
            return None
        return super().check_action(action, parameters)

    async def action_quit(self) -> None:
        """Leave; ask first when answers would be lost. Asked twice, leave."""
        from wizard.tui.widgets.dialogs import LeaveDialog

        if not self.session.would_lose or isinstance(self.screen, LeaveDialog):
            self._answered(True)
        else:
            self.push_screen(LeaveDialog(kept=self.session.keep_on is not None), self._answered)

    def _answered(self, leave: bool | None) -> None:
        if leave:
            self.leave(story.exit_code(self.session))

    def leave(self, code: int) -> None:
        """Leave with an exit code; a write under way is waited for."""
        self.leaving = code
        if not self.session.is_writing:
            super().leave(code)

    def on_confirmed_dialog_settled(self) -> None:
        """Leave now, if that was wanted while a key was stored."""
        self.on_done_step_settled()

    def on_done_step_settled(self) -> None:
        """Leave now, if that was wanted while files were written."""
        if self.leaving is not None:
            self.leave(self.leaving)


def run_screens(
    draft: Draft,
    services: Services | None = None,
    *,
    trouble: str = "",
    last_words: Callable[[Session], str] = story.last_words,
    team: Team | None = None,
    unfinished: Unfinished | None = None,
    keep_on: Machine | None = None,
) -> int:
    """Show the screens until the user leaves; print the last words to the normal screen and return the exit code.

    `team` fills the answers in, `unfinished` is a run to go on with; on the machine `keep_on` the answers are kept when
    this one is left early.
    """
    leave_no_core_dump()
    session = Session(draft, services or REAL, trouble)
    session.beginning, session.keep_on = team or unfinished, keep_on
    app = WizardApp(session)
    code = app.run()
    if session.keep():
        say("Your answers so far are kept; the next start offers to go on.\n")
    say(last_words(session) + "\n")
    return (app.return_code or 1) if code is None else code
