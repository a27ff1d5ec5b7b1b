"""These files will change."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import events, on, work
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widget import Widget
from textual.widgets import Button

from wizard.answers import Write
from wizard.flow import Step
from wizard.machine.background import in_daemon_thread
from wizard.record import replace
from wizard.review import plan_of
from wizard.tui.session import Session
from wizard.tui.steps.base import StepScreen
from wizard.tui.steps.places import PlacesScreen
from wizard.tui.steps.proposal import Entry, Proposal, propose
from wizard.tui.widgets.diff_view import DiffScreen, DiffView
from wizard.tui.widgets.pick_list import PickList
from wizard.tui.widgets.side_pane import Explanation


class ReviewStep(StepScreen):
    """Shows every file with its diff, and what else there is to know; writes on an explicit word only."""

    STEP = Step.REVIEW
    TITLE_TEXT = "These files will change"
    LEAD = "Reading what is there now."
    ABOUT = Explanation(
        "Review", "Every file, as it is and as it will be. Nothing is written before you press w.", narrow=False
    )
    HELP_TEXT = (
        "The upper list names every file with what happens to it and its mode; below (or beside it) stands the diff"
        " of the one under the mark. Values of your own that look like credentials are masked.\n\nA file of yours"
        " that stands in the way, or one of ours that changed since it was written, waits for your word: mark it and"
        " press Space until it says what shall become of it (the diff follows), or press e to choose another place."
        "\n\nOld settings that were found stay as they are unless you press Space on them."
        " A backup is kept in any case, and 'claude-litellm-wizard undo' gives everything back."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("w", "write", "Write", id="review.write", tooltip="Write these files"),
        Binding(
            "enter", "open", "Open", key_display="Enter", id="review.open", tooltip="Show this diff on the whole screen"
        ),
        Binding(
            "space",
            "tick",
            "Choose",
            key_display="Space",
            id="review.tick",
            tooltip="Choose what becomes of what is yours here",
        ),
        Binding("e", "edit", "Paths", id="review.edit", tooltip="Choose which files are written, and where"),
        Binding(
            "ctrl+r",
            "again",
            "Look again",
            key_display="^R",
            show=False,
            id="review.again",
            tooltip="Read the files again",
        ),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.proposal = Proposal()

    def body(self) -> Iterable[Widget]:
        """Yield the list and the diff."""
        with Container(id="review"):
            yield PickList(id="files")
            yield DiffView(id="diff")
        yield WriteButton("Write", id="write", compact=True)

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        """Plan anew: answers or files may have changed."""
        self.look()

    @work(group="plan", exclusive=True)
    async def look(self, *, afresh: bool = True) -> None:
        """Make the plan, in a thread, since it reads files; the one before stays in sight unless `afresh`."""
        self.session.plan = None
        if afresh:
            self.proposal = Proposal()
            self.retell()
        self.refresh_bindings()
        self.proposal = await in_daemon_thread(self._propose)
        self.session.plan = self.proposal.plan
        self.show_proposal()

    def _propose(self) -> Proposal:
        draft = self.session.draft
        plan, problem = plan_of(draft, self.session.services)
        return propose(plan, problem, draft)

    def show_proposal(self) -> None:
        """Show the plan and the state of its ticks."""
        draft, plan = self.session.draft, self.session.plan
        self.proposal = self.proposal.retagged(draft)
        files = self.query_one("#files", PickList)
        fresh = not files.lines
        files.fill([each.line for each in self.proposal.entries])
        if fresh:
            files.focus()
        self.show_entry()
        self.ask("Nothing will change" if plan and plan.is_empty else self.TITLE_TEXT)
        self.lead(*self.proposal.summary(draft))
        button = self.query_one(WriteButton)
        button.disabled = not self.proposal.may_write(draft)
        if str(button.label) != self.proposal.promise:
            button.label = self.proposal.promise
            button.refresh(layout=True)  # a longer label needs more room, which Button does not ask for
        self.retell()

    @on(PickList.Picked, "#files")
    def picked(self) -> None:
        """Show the row that was clicked on the whole screen."""
        self.action_open()

    @on(Button.Pressed, "#write")
    def pressed(self) -> None:
        """Write."""
        self.action_write()

    @on(PickList.Moved, "#files")
    def show_entry(self) -> None:
        """Show what the row under the mark is about."""
        if entry := self.entry:
            self.query_one(DiffView).show(entry.rows)
        self.refresh_bindings()

    @property
    def entry(self) -> Entry | None:
        """The row under the mark."""
        place = self.query_one("#files", PickList).cursor
        return self.proposal.entries[place] if place < len(self.proposal.entries) else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Write waits until nothing stands in the way; Space is there for conflicts only."""
        match action:
            case "write":
                return True if self.session.plan and self.proposal.may_write(self.session.draft) else None
            case "tick":
                return bool(self.entry and self.entry.is_open_to_choice)
            case "next":
                return False
            case "open":
                return self.entry is not None
            case _:
                return super().check_action(action, parameters)

    def action_write(self) -> None:
        """Go on to the writing."""
        self.action_next()

    def action_tick(self) -> None:
        """Choose the next of what can become of what is under the mark."""
        if self.entry is not None:
            self.session.draft = self.entry.next_choice(self.session.draft)
            self.look(afresh=False)

    def action_again(self) -> None:
        """Read the files again."""
        self.look()

    def action_open(self) -> None:
        """Show the diff on the whole screen."""
        if entry := self.entry:
            self.app.push_screen(DiffScreen(entry.title, entry.rows))

    def action_edit(self) -> None:
        """Choose which files are written, and where."""
        self.app.push_screen(PlacesScreen(self.session.draft.answers), self._edited)

    def _edited(self, write: Write | None) -> None:
        draft = self.session.draft
        if write is not None:
            self.session.draft = draft.answered(replace(draft.answers, write=write))


class WriteButton(Button):
    """The button that writes; Enter presses it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "press", "Write", key_display="Enter", id="review.press", tooltip="Write these files"),
    ]
