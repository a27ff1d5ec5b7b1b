"""What the seven screens share: the frame, the keys, and the messages that lead on and back."""

from __future__ import annotations

from collections.abc import Iterable
from time import monotonic
from typing import ClassVar, Final

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.messages import Layout
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

from wizard.flow import Step, is_key_kept, satisfied
from wizard.record import dataclass
from wizard.tui import story
from wizard.tui.session import Session
from wizard.tui.widgets.keybar import KeyBar
from wizard.tui.widgets.side_pane import Explanation, SidePane, explained
from wizard.tui.widgets.stepper import Heading, Stepper, TitleBar
from wizard.tui.widgets.still import Backdrop, Column, Still

HORIZONTAL: Final = [(0, "-narrow"), (100, "-wide")]
"""The classes of a screen, by the least width of the terminal they are for."""
VERTICAL: Final = [(0, "-short"), (28, "-tall")]
"""The same by height."""


class StepScreen(Screen[None], Still, Backdrop):
    """One step: a title that asks one question, its body, and the keys.

    A step puts what it learns into the session at once; it posts `Forward` or `Back` and names no other screen.
    """

    STEP: ClassVar[Step]
    TITLE_TEXT: ClassVar[str]
    LEAD: ClassVar[str] = ""
    ABOUT: ClassVar[Explanation]
    HELP_TEXT: ClassVar[str]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape",
            "back",
            "Back",
            key_display="Esc",
            id="step.back",
            tooltip="Go back one step; all you typed is kept",
        ),
        Binding("enter", "next", "Next", key_display="Enter", id="step.next", tooltip="Go on to the next step"),
        Binding(
            "k",
            "keep",
            "Keep the rest",
            id="step.keep",
            tooltip="Keep the key and the models of before, and go on to test them here",
        ),
        Binding("f1", "help", "Help", key_display="F1", id="step.help", tooltip="Explain this step and its keys"),
        Binding("question_mark", "help", "Help", show=False, id="step.help2", tooltip="Explain this step and its keys"),
    ]

    @dataclass
    class Forward(Message):
        """The step is done; the session holds what it learned."""

        screen: StepScreen

    @dataclass
    class Back(Message):
        """The user wants the step before."""

        screen: StepScreen

    @dataclass
    class HelpWanted(Message):
        """The user wants this step explained."""

        screen: StepScreen

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.laid_out = 0.0
        self.is_drawn_already = False

    def compose(self) -> ComposeResult:
        """Lay out the frame, with the step's own widgets in it."""
        yield TitleBar(story.PROGRAM, story.occasion(self.session))
        yield Stepper(story.stops(self.session, self.STEP))
        with Column(id="middle"):
            with Column(id="main"):
                yield Heading(self.TITLE_TEXT, self.LEAD)
                yield from self.body()
            yield SidePane()
        yield KeyBar()

    def body(self) -> Iterable[Widget]:
        """Yield the step's own widgets."""
        return ()

    def on_mount(self) -> None:
        """Explain the step until something is in focus."""
        self.explain(self.ABOUT)

    def _screen_resized(self, size: Size) -> None:
        """Lay out when the size is new; Textual announces the first one three times, at the price of a frame each."""
        if size != self.outer_size:
            self.fit(size)
            super()._screen_resized(size)

    def _refresh_layout(self, size: Size | None = None, scroll: bool = False) -> None:
        """Lay out, and note when; what was asked for before that is done."""
        if not scroll:
            self.laid_out = monotonic()
        super()._refresh_layout(size, scroll)

    def on_layout(self, message: Layout) -> None:
        """Leave out what was asked for before the last layout: Textual lays a first frame out twice for it."""
        if message.time < self.laid_out:
            message.stop()
            message.prevent_default()

    def fit(self, size: Size) -> None:
        """Take the classes of a terminal's size; Textual gives them to the screen on top only."""
        for length, breakpoints in ((size.width, HORIZONTAL), (size.height, VERTICAL)):
            fitting = max(each for each in breakpoints if each[0] <= length)[1]
            for _, name in breakpoints:
                self.set_class(name == fitting, name, update=self.is_attached)

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        """Show what was learned meanwhile. At the first time everything is new, and needs no second look."""
        shown_before = bool(self.outer_size)
        self.is_drawn_already = not shown_before
        event.refresh_styles = shown_before and event.refresh_styles
        if shown_before:
            self.retell()

    def refresh(
        self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> StepScreen:
        """Draw all anew; when shown for the first time Textual has just done so, and asks for the same again."""
        if self.is_drawn_already and not (regions or layout or recompose):
            self.is_drawn_already = False
            return self
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def retell(self) -> None:
        """Bring the stepper, the title bar and the keys up to date."""
        self.query_one(Stepper).tell(story.stops(self.session, self.STEP))
        self.query_one(TitleBar).tell(story.occasion(self.session))
        self.refresh_bindings()

    def ask(self, title: str) -> None:
        """Change the title."""
        heading = self.query_one(Heading)
        heading.tell(title, heading.lead, heading.look)

    def lead(self, text: str, look: str = "") -> None:
        """Change the line below the title; `look` is `-good`, `-bad`, `-mixed` or nothing."""
        heading = self.query_one(Heading)
        heading.tell(heading.title, text, look)

    def explain(self, explanation: Explanation) -> None:
        """Show something in the side pane."""
        self.query_one(SidePane).tell(explanation)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Explain the field in focus."""
        self.explain(explained(event.widget) or self.explanation_of(event.widget))

    def explanation_of(self, widget: Widget) -> Explanation:
        """Return the explanation of a widget that is no declared field."""
        return self.ABOUT

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keep the keys true: Back is not there on the first step, Next is grey until the step is satisfied."""
        if action == "back":
            return self.STEP is not Step.SERVER and self.may_go_back()
        if action == "next":
            return True if self.may_go_on() else None
        if action == "keep":
            return self.may_keep()
        if action == "help" and isinstance(self.focused, Input):
            return True
        return super().check_action(action, parameters)

    def may_go_back(self) -> bool:
        """Say whether Back does something now."""
        return True

    def may_go_on(self) -> bool:
        """Say whether Next does something now."""
        return satisfied(self.STEP, self.session.draft)

    def may_keep(self) -> bool:
        """Say whether the rest of the answers can be kept from here: on Health, when they are from before."""
        return self.STEP is Step.HEALTH and is_key_kept(self.session.draft) and self.may_go_on()

    def finish(self) -> bool:
        """Put the answers into the session; False when something is missing, which is then shown."""
        return True

    def action_keep(self) -> None:
        """Go on, past the steps whose answers are kept."""
        self.session.keeping = True
        self.go_on()

    def action_next(self) -> None:
        """Go on to the next step, if this one is satisfied."""
        self.session.keeping = self.session.keeping and self.STEP is not Step.HEALTH
        self.go_on()

    def go_on(self) -> None:
        """Go on, if the step is satisfied."""
        if self.finish():
            self.retell()
            self.post_message(self.Forward(self))

    def action_back(self) -> None:
        """Go back."""
        self.post_message(self.Back(self))

    def action_help(self) -> None:
        """Explain this step."""
        self.post_message(self.HelpWanted(self))
