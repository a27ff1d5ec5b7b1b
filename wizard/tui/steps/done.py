"""It works, or what doesn't."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from wizard.flow import Step
from wizard.outcome import ANSWER, Outcome, judgement, may_ask_claude, take_back, write_plan
from wizard.record import dataclass, replace
from wizard.summary import summary
from wizard.tui.session import Session
from wizard.tui.steps.scrolling import ScrollingStep
from wizard.tui.widgets.card import Card
from wizard.tui.widgets.checks import CheckList
from wizard.tui.widgets.question import Question
from wizard.tui.widgets.side_pane import Explanation
from wizard.verdict import Verdict
from wizard.words import count

if TYPE_CHECKING:
    from wizard.apply.transaction import Stage

_WRITE_ROW: Final = ("write", "files")


class DoneStep(ScrollingStep):
    """Writes, then proves. While files are written nothing can end the program."""

    STEP = Step.DONE
    TITLE_TEXT = "Writing"
    LEAD = "Either everything is written, or nothing is."
    ABOUT = Explanation(
        "Done",
        "The files are written in one transaction. Then the real programs are asked: a fresh shell of each kind, the"
        " installed helper, Claude Code itself.\n\nWhat could not be tried is called not tried.",
        narrow=False,
    )
    HELP_TEXT = (
        "First the files are written: either all of them or none. Then each row asks a real program: does a fresh shell"
        " see the variables, does the helper print a key, does Claude Code read its settings.\n\nLetting Claude Code"
        " answer once is the last proof. It costs what one short question costs, so it waits for your yes."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "next", "Finish", key_display="Enter", id="done.finish", tooltip="Leave the wizard"),
        Binding("ctrl+r", "again", "Prove again", key_display="^R", id="done.again", tooltip="Run the proofs again"),
        Binding("u", "undo", "Undo", id="done.undo", tooltip="Take this write back; asks first"),
    ]

    @dataclass
    class Settled(Message):
        """The write is over, one way or the other: leaving is safe again."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.proving = False

    def body(self) -> Iterable[Widget]:
        """Yield the rows, the question, and what comes next."""
        draft = self.session.draft
        rows = (_WRITE_ROW, *self.session.services.proof_rows(draft.answers, draft.machine))
        yield CheckList(rows, id="checks")
        question = Question(id="money")
        question.display = False
        yield question
        undo = Question(id="undo")
        undo.display = False
        yield undo
        yield Card(id="card")
        yield Static("", id="undone", markup=False)

    def on_mount(self) -> None:
        """Begin."""
        self.checks.start()
        self.session.outcome = Outcome("under way", stored=self.session.outcome.stored)
        self.run_worker(self.write(), group="write")

    async def write(self) -> None:
        """Write; then prove."""
        loop = asyncio.get_running_loop()
        session = self.session

        def tell(stage: Stage) -> None:
            loop.call_soon_threadsafe(self.lead, stage.text)

        try:
            session.outcome = await write_plan(session.outcome, session.plan, session.draft, session.services, tell)
        finally:
            if self.session.is_writing:
                self.session.outcome = Outcome("failed", "The write ended in a way nobody expected.")
            self.post_message(self.Settled())
        self._show_written()
        if self.session.is_written:
            self.prove(ask_claude=False)

    def _show_written(self) -> None:
        outcome = self.session.outcome
        match outcome.written:
            case "yes":
                text = f"{count(len(outcome.files), 'file')} written."
                self.checks.report(Verdict("write", "pass", "written", text))
            case "nothing to do":
                self.checks.report(Verdict("write", "pass", "unchanged", "Every file was already as you want it."))
            case _:
                self._show_failure(outcome)

    def _show_failure(self, outcome: Outcome) -> None:
        self.checks.report(
            Verdict("write", "fail", outcome.written, outcome.error, "Go back with Esc to review again.")
        )
        self.checks.stop()
        self.ask("Nothing was written" if outcome.written == "refused" else "The write failed")
        self.lead("✗ The row below says why.", "-bad")
        self.retell()

    def prove(self, *, ask_claude: bool) -> None:
        """Run the proofs."""
        self.proving = True
        self.ask("Does it work?")
        self.lead("Asking the real programs.")
        self.retell()
        self.run_worker(self._prove(ask_claude), group="prove", exclusive=True)

    async def _prove(self, ask_claude: bool) -> None:
        draft = self.session.draft
        proofs = await self.session.services.prove(draft.answers, draft.machine, self._report, ask_claude=ask_claude)
        self.session.outcome = replace(self.session.outcome, proofs=proofs)
        self.proving = False
        self.checks.stop()
        self._conclude(asked=ask_claude)

    def _report(self, verdict: Verdict) -> None:
        """Fill in a row. That Claude Code was not asked needs no advice here: the question stands right below."""
        if verdict.id == ANSWER and verdict.status == "skip":
            verdict = replace(verdict, fix="")
        self.checks.report(verdict)

    def _conclude(self, *, asked: bool) -> None:
        proofs = self.session.outcome.proofs
        title, lead, look = judgement(proofs)
        self.ask(title)
        self.lead(lead, look)
        self._offer_answer(asked)
        self._show_card()
        self.retell()

    def _show_card(self) -> None:
        """Sum up once nothing is asked any more; until then the room belongs to the question."""
        waiting = any(each.is_open for each in self.query(Question))
        lines = () if waiting else summary(self.session.draft, self.session.outcome)
        self.query_one(Card).show(lines, self.session.services.what_next)

    def _offer_answer(self, asked: bool) -> None:
        question = self.query_one("#money", Question)
        if asked:
            question.ask("")
        elif may_ask_claude(self.session.outcome.proofs):
            text = "Let Claude Code answer one question? It may cost a fraction of a cent."
            question.ask(text, "Ask it", "Leave it out")
            question.focus()

    @on(Question.Answered, "#money")
    def answered(self, event: Question.Answered) -> None:
        """Have Claude Code answer on a yes."""
        if not event.yes:
            event.question.settle("Not asked.")
            self._show_card()
            return
        event.question.settle("Asking …")
        self.checks.start()
        self._show_written()
        self.prove(ask_claude=True)

    def may_go_back(self) -> bool:
        """Back leads to the review only when nothing was written."""
        return self.session.outcome.written in ("refused", "failed")

    def may_go_on(self) -> bool:
        """Finish waits for the write and the proofs."""
        return (self.session.is_written or self.session.outcome.written == "undone") and not self.proving

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Proofs can be run again once they ran."""
        if action == "again":
            return True if self.session.is_written and not self.proving else None
        if action == "undo":
            return True if self.session.outcome.written == "yes" and not self.proving else None
        return super().check_action(action, parameters)

    def action_undo(self) -> None:
        """Ask whether to take the write back."""
        self.query_one("#money", Question).ask("")
        question = self.query_one("#undo", Question)
        question.ask("Take this write back? Every file becomes what it was before.", "Take it back", "Keep it")
        question.focus()
        self._show_card()

    @on(Question.Answered, "#undo")
    async def take_back_or_not(self, event: Question.Answered) -> None:
        """Take the write back on a yes."""
        if not event.yes:
            event.question.ask("")
            self._show_card()
            return
        event.question.settle("Taking it back …")
        self.run_worker(self.take_back(), group="write")

    async def take_back(self) -> None:
        """Undo the write of this run, and say what came of it."""
        before = self.session.outcome
        try:
            self.session.outcome = replace(before, written="under way")
            self.session.outcome = await take_back(before, self.session.draft, self.session.services)
        finally:
            if self.session.is_writing:
                self.session.outcome = replace(before, error="The undo ended in a way nobody expected.")
            self.post_message(self.Settled())
        outcome = self.session.outcome
        question = self.query_one("#undo", Question)
        if outcome.written != "undone":
            question.settle(f"It was not taken back: {outcome.error}")
            self.retell()
            return
        question.ask("")
        self.checks.display = False
        self.ask("Taken back")
        self.lead("Everything is as it was before this run." if not self._stays(outcome) else "Look at what stays.")
        self.query_one(Card).display = False
        undone = self.query_one("#undone", Static)
        undone.update("\n".join(outcome.undone))
        undone.display = True
        self.retell()

    @staticmethod
    def _stays(outcome: Outcome) -> bool:
        return any("because" in line for line in outcome.undone)

    def action_again(self) -> None:
        """Run the proofs again."""
        self.checks.start()
        self._show_written()
        self.prove(ask_claude=False)
