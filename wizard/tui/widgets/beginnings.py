"""What may be asked before the first step: a yes to what a team file names, and whether to go on where you stopped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from wizard.tui.widgets.keybar import KeyBar

if TYPE_CHECKING:
    from wizard.resume import Unfinished
    from wizard.team import Ask

Choice = Literal["go on", "start over", "later"]


class TeamDialog(ModalScreen[tuple[str, ...]]):
    """Asks about each answer of a team file that could do harm, one by one; ends with the names that got a no.

    Enter says neither: a yes here is meant.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes", id="team.yes", tooltip="Take this answer"),
        Binding("n", "answer(False)", "No", id="team.no", tooltip="Leave this answer out"),
        Binding("escape", "back", "Back", key_display="Esc", id="team.back", tooltip="Go back to the one before"),
    ]

    def __init__(self, where: str, asks: Sequence[Ask]) -> None:
        super().__init__()
        self.where = where
        self.asks = tuple(asks)
        self.answers: list[bool] = []

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with Vertical(classes="dialog"):
            yield Static(classes="title", id="which", markup=False)
            yield Static(f"{self.where} says:", markup=False)
            yield Static(id="what", markup=False)
            yield KeyBar()

    def on_mount(self) -> None:
        """Ask the first."""
        self.show_next()

    def show_next(self) -> None:
        """Ask the one whose turn it is."""
        ask = self.asks[len(self.answers)]
        self.query_one("#which", Static).update(f"Is this right?  ({len(self.answers) + 1} of {len(self.asks)})")
        line = Content.styled(ask.line, "bold")
        self.query_one("#what", Static).update(Content.assemble("\n  ", line, f"\n\n{ask.why} No leaves it out."))
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Back is grey on the first."""
        if action == "back":
            return True if self.answers else None
        return super().check_action(action, parameters)

    def action_answer(self, yes: bool) -> None:
        """Note the answer, and ask the next or end."""
        self.answers.append(yes)
        if len(self.answers) < len(self.asks):
            self.show_next()
        else:
            refused = (ask.name for ask, said in zip(self.asks, self.answers, strict=True) if not said)
            self.dismiss(tuple(refused))

    def action_back(self) -> None:
        """Ask the one before again."""
        self.answers.pop()
        self.show_next()


class ResumeDialog(ModalScreen[Choice]):
    """Offers to go on where a run was left; that confirms anew where a credential goes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose('go on')", "Go on", key_display="Enter", id="resume.go", tooltip="Go on where it was"),
        Binding("s", "choose('start over')", "Start over", id="resume.over", tooltip="Forget these answers"),
        Binding(
            "escape",
            "choose('later')",
            "Not now",
            key_display="Esc",
            id="resume.later",
            tooltip="Begin anew; the answers stay kept until you get further",
        ),
    ]

    def __init__(self, unfinished: Unfinished) -> None:
        super().__init__()
        self.unfinished = unfinished

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with Vertical(classes="dialog"):
            yield Static("Go on where you stopped?", classes="title")
            yield Static(self._text(), markup=False)
            yield KeyBar()

    def _text(self) -> str:
        origins = self.unfinished.origins
        lines = [f"{self.unfinished.told()} Your answers were kept, no secret was. Checks are made anew."]
        if origins:
            lines.append(f"Going on confirms that your credential may be sent to {' and '.join(origins)}.")
        return "\n\n".join(lines)

    def action_choose(self, choice: Choice) -> None:
        """End with the choice."""
        self.dismiss(choice)
