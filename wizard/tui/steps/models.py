"""Which models should Claude Code use?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, Final

from textual import events, on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from wizard.answering import LABELS, TIERS, matching
from wizard.answers import MODEL_FIELDS
from wizard.fields import Problem
from wizard.flow import Step
from wizard.record import replace
from wizard.tui.session import Session
from wizard.tui.steps.base import StepScreen
from wizard.tui.steps.tiers import first_tiers
from wizard.tui.widgets.pick_list import Line, PickList
from wizard.tui.widgets.side_pane import Explanation
from wizard.tui.widgets.text_field import TextField

_SEARCH_KEYS: Final = (
    Binding("enter", "screen.take", "Take it", key_display="Enter", id="models.take", tooltip="Take this model"),
    Binding(
        "escape", "screen.leave_search", "Cancel", key_display="Esc", id="models.leave", tooltip="Back to the tiers"
    ),
)


class SearchField(TextField):
    """The field that narrows the list; the arrows move in the list below it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *_SEARCH_KEYS,
        Binding("up", "screen.pick(-1)", "Model above", show=False, id="models.up", tooltip="Go one model up"),
        Binding("down", "screen.pick(1)", "Model below", show=False, id="models.down", tooltip="Go one model down"),
        Binding("pageup", "screen.pick(-8)", "Page up", show=False, id="models.pageup", tooltip="Go up a page"),
        Binding("pagedown", "screen.pick(8)", "Page down", show=False, id="models.pagedown", tooltip="Go down a page"),
    ]


class ModelList(PickList):
    """The gateway's models."""

    BINDINGS: ClassVar[list[BindingType]] = [*_SEARCH_KEYS]


class ModelsStep(StepScreen):
    """Maps Claude Code's tiers to the gateway's models: the tiers above, the gateway's list below."""

    STEP = Step.MODELS
    TITLE_TEXT = "Which models should Claude Code use?"
    ABOUT = Explanation(
        "Models",
        "A pin names the gateway's model for a tier. Without one, Claude Code asks for a default of its own, and that"
        " changes with its version.",
    )
    HELP_TEXT = (
        "Claude Code asks for three tiers of models: Opus for the hardest work, Sonnet for everyday work, Haiku for"
        " small things in the background. Pin each to a model of your gateway, so that an update of Claude Code does"
        " not ask for one that your gateway lacks.\n\nPress / or the right arrow to search for a model for the tier"
        " under the mark, Enter to take it, Delete to leave the tier unpinned. This step can be skipped with Enter."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "Search", key_display="/", id="models.search", tooltip="Search for a model"),
        Binding("right", "search", "Search", show=False, id="models.search2", tooltip="Search the gateway's models"),
        Binding("delete", "unpin", "Unpin", key_display="Del", id="models.unpin", tooltip="Leave it to Claude Code"),
        Binding("backspace", "unpin", "Unpin", show=False, id="models.unpin2", tooltip="Leave this tier unpinned"),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.tiers = first_tiers(session.draft, session.services)
        self.matches = self.tiers.models

    def body(self) -> Iterable[Widget]:
        """Yield the tiers, the search field and the gateway's list."""
        yield PickList(self.tiers.lines(), id="tiers")
        yield SearchField("", placeholder="Type to search the gateway's models", id="search")
        yield Static("", id="found", markup=False)
        yield ModelList(self.tiers.models, id="models", active=False)

    def on_mount(self) -> None:
        """Start at the tiers."""
        self.query_one("#tiers").focus()
        self.filter()
        self.lead(*self.tiers.summary())

    @property
    def tier(self) -> str:
        """The tier under the mark."""
        return TIERS[self.query_one("#tiers", PickList).cursor]

    @on(Input.Changed, "#search")
    def filter(self) -> None:
        """Show the models that hold every word typed."""
        text = self.query_one("#search", Input).value
        self.matches = matching(self.tiers.models, text)
        lines: Sequence[Line] = self.matches
        if not lines and text.strip():
            lines = [Content.assemble("Use ", (text.strip(), "bold"), " as typed.")]
        self.query_one("#models", PickList).fill(lines, 0)
        self.query_one("#found", Static).update(self._count())

    def _count(self) -> str:
        found, of = len(self.matches), len(self.tiers.models)
        if not of:
            return "no list"
        return f"{found} of {of} models" if found != of else f"{of} models"

    @property
    def searching(self) -> bool:
        """Whether a model is being looked for."""
        return self.focused is not None and self.focused.id in ("search", "models")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Search and unpin belong to the tiers."""
        if action == "search":
            return not self.searching
        if action == "unpin":
            return not self.searching and bool(self.tiers.pins[self.tier])
        return super().check_action(action, parameters)

    def action_search(self) -> None:
        """Look for a model for the tier under the mark."""
        field = self.query_one("#search", Input)
        field.value = ""
        field.focus()

    def action_unpin(self) -> None:
        """Leave the tier to Claude Code's default."""
        self._pin("")

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Show in which list the keys work."""
        super().on_descendant_focus(event)
        self.query_one(ModelList).activate(self.searching)

    def action_take(self) -> None:
        """Take the model under the cursor for the tier, and go on to the next tier."""
        if picked := self._picked():
            self._pin(picked)
        rows = self.query_one("#tiers", PickList)
        rows.focus()
        rows.cursor += 1

    def action_leave_search(self) -> None:
        """Go back to the tiers."""
        self.query_one("#tiers").focus()

    def action_pick(self, by: int) -> None:
        """Move the cursor in the gateway's list while typing."""
        self.query_one(ModelList).cursor += by

    @on(PickList.Picked, "#models")
    def picked(self) -> None:
        """Take the model that was clicked."""
        self.action_take()

    @on(PickList.Picked, "#tiers")
    def chosen(self) -> None:
        """Look for a model for the tier that was clicked."""
        self.action_search()

    @on(PickList.Moved, "#tiers")
    def moved(self) -> None:
        """Bring the keys up to date."""
        self.refresh_bindings()

    def _picked(self) -> str:
        typed = self.query_one("#search", Input).value.strip()
        place = self.query_one("#models", PickList).cursor
        return self.matches[place] if place < len(self.matches) else typed

    def _pin(self, model: str) -> None:
        field = next(each for each in MODEL_FIELDS if each.name == self.tier)
        read = field.read(model)
        if isinstance(read, Problem):
            self.lead(f"✗ {read.text}", "-bad")
            return
        self.tiers = self.tiers.pinned(self.tier, model)
        self.query_one("#tiers", PickList).fill(self.tiers.lines())
        self.lead(*self.tiers.summary())
        self.refresh_bindings()

    def finish(self) -> bool:
        """Put the pins into the draft."""
        draft = self.session.draft
        self.session.draft = draft.answered(replace(draft.answers, models=self.tiers.answers))
        return True

    def explanation_of(self, widget: Widget) -> Explanation:
        """Return what the tier or the search is."""
        if widget.id in ("search", "models"):
            return Explanation(
                f"A model for {LABELS[self.tier]}", "Type any part of the name; Enter takes the row under the cursor."
            )
        return self.ABOUT
