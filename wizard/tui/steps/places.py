"""What is written, and where?"""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import ModalScreen
from textual.widgets import Static

from wizard.answers import WRITE_FIELDS, Answers, Write
from wizard.record import replace
from wizard.tui.widgets.form import FieldRow, Form
from wizard.tui.widgets.keybar import KeyBar
from wizard.tui.widgets.side_pane import SidePane, explain


class PlacesScreen(ModalScreen[Write | None]):
    """Which files are written, and where."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", key_display="Esc", id="places.cancel", tooltip="Leave them as they are"),
        Binding("enter", "next", "Use these", key_display="Enter", id="places.use", tooltip="Plan with these"),
    ]

    def __init__(self, answers: Answers) -> None:
        super().__init__()
        self.answers = answers

    def compose(self) -> ComposeResult:
        """Lay it out."""
        answers = self.answers
        values = {each.name: getattr(answers.write, each.name) for each in WRITE_FIELDS}
        values["helper"] = answers.write.helper or answers.helper_path
        with Container(classes="dialog -tall"):
            yield Static("What is written, and where?", classes="title")
            yield Form(WRITE_FIELDS, values, "write")
            yield SidePane()
            yield KeyBar()

    def on_mount(self) -> None:
        """Start at the top."""
        self.query_one(Form).focus_first()

    def on_descendant_focus(self) -> None:
        """Explain the field in focus."""
        row = next((each for each in self.query(FieldRow) if each.editor.has_focus), None)
        if row is not None:
            self.query_one(SidePane).tell(explain(row.field, row.prefix))

    def action_cancel(self) -> None:
        """Leave them as they are."""
        self.dismiss(None)

    def action_next(self) -> None:
        """Use these places."""
        form = self.query_one(Form)
        values, problems = form.read()
        if form.show(problems):
            return
        if values.get("helper") == _default_helper(self.answers):
            values["helper"] = ""
        self.dismiss(Write(**values))  # type: ignore[arg-type]


def _default_helper(answers: Answers) -> str:
    """Return the helper's path when none is answered, which is then not written down as an answer."""
    return replace(answers, write=replace(answers.write, helper="")).helper_path
