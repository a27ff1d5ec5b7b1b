"""A question that waits for a yes, because a yes costs something."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.style import Style
from textual.widgets import Static

from wizard.record import dataclass


class Question(Static, can_focus=True):
    """One question with a yes and a no, answered by key or by click; it stays in its place whatever the answer."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes", id="question.yes", tooltip="Yes, do it"),
        Binding("n", "answer(False)", "No", id="question.no", tooltip="No, leave it out"),
    ]

    @dataclass
    class Answered(Message):
        """The question was answered."""

        question: Question
        yes: bool

        @property
        def control(self) -> Question:
            """The widget that sent it."""
            return self.question

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, markup=False)
        self.text = self.result = ""
        self.yes, self.no = "Yes", "No"

    @property
    def is_open(self) -> bool:
        """Whether it waits for an answer."""
        return bool(self.text) and not self.result

    def ask(self, text: str, yes: str = "Yes", no: str = "No") -> None:
        """Ask; `yes` and `no` say what either answer does. An empty text takes the question away."""
        self.text = text
        self.yes, self.no = yes, no
        self.result = ""
        self._draw()

    def settle(self, result: str) -> None:
        """Say what came of it in place of the choices; an empty text asks again."""
        self.result = result
        self._draw()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Allow an answer only while the question is open."""
        return self.is_open if action == "answer" else super().check_action(action, parameters)

    def action_answer(self, yes: bool) -> None:
        """Give the answer."""
        if self.is_open:
            self.post_message(self.Answered(self, yes))

    def on_click(self, event: events.Click) -> None:
        """Give the answer under the mouse."""
        answer = event.style.meta.get("answer")
        if isinstance(answer, bool):
            self.action_answer(answer)

    def _draw(self) -> None:
        self.display = bool(self.text)
        if self.result:
            tail = Content(self.result).stylize("$text-muted")
        else:
            tail = Content.assemble(
                Content.assemble(("y ", "$primary bold"), self.yes).stylize(Style.from_meta({"answer": True})),
                "    ",
                Content.assemble(("n ", "$primary bold"), self.no).stylize(Style.from_meta({"answer": False})),
            )
        self.update(Content.assemble(self.text, "\n", tail))
        if self.is_attached:
            self.refresh_bindings()
