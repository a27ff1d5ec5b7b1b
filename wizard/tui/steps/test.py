"""Does the key work?"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget

from wizard.answering import may_send_message, message_model
from wizard.flow import Step, may_send_key, sendable
from wizard.keys.private_files import wide_file
from wizard.services import Rows
from wizard.tui.steps.checking import CheckingStep
from wizard.tui.widgets.question import Question
from wizard.tui.widgets.side_pane import Explanation
from wizard.verdict import Verdict, worst


class TestStep(CheckingStep):
    """Runs the very helper that will be installed, and asks the gateway about the key it prints."""

    __test__ = False  # not a pytest class

    STEP = Step.TEST
    TITLE_TEXT = "Does the key work?"
    RUNNING = "Running the key helper the way Claude Code runs it."
    ABOUT = Explanation(
        "Test",
        "The helper that will be installed is run as Claude Code runs it, three times: in your environment, and in a"
        " bare one as an IDE has it. The gateway then says whose key it is and how long it lives.\n\nClaude Code waits"
        " for the helper at each start. While you work it runs again in the background, at the latest when half of the"
        " life is over: of the key, of its lease in Vault, or of the Vault token that the helper renews.\n\nThe key is"
        " held in memory while this runs, and is never printed or kept.",
        narrow=False,
    )
    HELP_TEXT = (
        "The wizard runs the very helper it will install, from a folder only you can read, and asks the gateway about"
        " the key. The key is shown only as its last four characters.\n\nThe refresh interval is at most half of the"
        " shortest life found, and at most half an hour: a JWT's exp, the lease or the token in Vault, the expiry that"
        " LiteLLM tells.\n\nListing models and key details costs"
        " nothing. One tiny real message may cost a fraction of a cent, so it is sent only after your yes."
    )

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "p",
            "private",
            "Make it private",
            id="test.private",
            tooltip="Let only you read the file with the secret (chmod 600)",
        ),
    ]

    def rows(self) -> Rows:
        """Return the stages of the key test."""
        return self.session.services.trial_rows(self.session.draft.answers)

    def known(self) -> tuple[Verdict, ...] | None:
        """Return the last test of this very key."""
        trial = self.session.draft.trial_now
        return trial.verdicts if trial else None

    def body(self) -> Iterable[Widget]:
        """Yield the rows and the question."""
        yield from super().body()
        question = Question(id="money")
        question.display = False
        yield question

    async def run_checks(self) -> None:
        """Test the key."""
        self.query_one(Question).ask("")
        draft = self.session.draft
        trial = await self.session.services.try_key(draft.answers, draft.machine, sendable(draft), self.report)
        self.session.draft = self.session.draft.tried(trial)

    def conclude(self) -> None:
        """Say what came of it, and ask for the real message where one can be sent."""
        super().conclude()
        question = self.query_one(Question)
        if not may_send_message(self.session.draft):
            question.ask("")
            return
        text = "Send one tiny real message? It may cost a fraction of a cent."
        question.ask(text, f"Send it to {message_model(self.session.draft)}", "Leave it out")
        if message := self.session.draft.message_now:
            self.show_message(message)
        else:
            question.focus()

    def summary(self) -> tuple[str, str]:
        """Sum the test up."""
        verdicts = self.known() or ()
        draft = self.session.draft
        if not verdicts:
            return "The test did not end. Press ^R to run it again.", "-bad"
        if worst(verdicts) == "fail":
            if Step.TEST in draft.overridden:
                return "You go on without a working key.", "-mixed"
            return "✗ The key does not work yet. Mend it and press ^R; o goes on anyway.", "-bad"
        if not may_send_key(draft):
            return "! The gateway was not asked: no key goes there before it is healthy.", "-mixed"
        if worst(verdicts) == "warn":
            return "! The key works, with a warning.", "-mixed"
        return "✓ The key works.", "-good"

    def _wide(self) -> Path | None:
        """Return a file with a secret that others can read, if the test found one."""
        return wide_file(self.known() or (), self.session.draft.machine)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keep the keys true: a file is made private only where one is not."""
        if action == "private":
            return not self.running and self._wide() is not None
        return super().check_action(action, parameters)

    def action_private(self) -> None:
        """Let only you read that file, on a yes of its own, and test again."""
        from wizard.tui.steps.confirmed_dialog import ConfirmedDialog

        path = self._wide()
        if path is None:
            return
        machine = self.session.draft.machine
        about = f"Others on this machine can read {machine.short(path)}."
        plan = partial(self.session.services.plan_private, path, machine)
        self.app.push_screen(ConfirmedDialog(self.session, "Make it private", about, plan), self._made_private)

    def _made_private(self, wrote: bool | None) -> None:
        if wrote:
            self.start()

    @on(Question.Answered)
    def answered(self, event: Question.Answered) -> None:
        """Send the message on a yes."""
        if not event.yes:
            event.question.settle("Not sent.")
            return
        event.question.settle("Sending …")
        self.run_worker(self.send(), group="message", exclusive=True)

    async def send(self) -> None:
        """Send one tiny message and show what came of it."""
        draft = self.session.draft
        verdict = await self.session.services.send_one_message(
            draft.answers, draft.machine, sendable(draft), message_model(draft)
        )
        self.session.draft = self.session.draft.messaged(verdict)
        self.show_message(verdict)
        self.retell()

    def show_message(self, verdict: Verdict) -> None:
        """Show the answer as one more row."""
        self.query_one(Question).ask("")
        self.report(verdict)
