"""Is it healthy?"""

from __future__ import annotations

from wizard.flow import Step
from wizard.tui.services import Rows
from wizard.tui.steps.checking import CheckingStep
from wizard.tui.widgets.side_pane import Explanation
from wizard.tui.words import count
from wizard.verdict import Verdict


class HealthStep(CheckingStep):
    """Looks at the gateway from outside. No key is sent."""

    STEP = Step.HEALTH
    TITLE_TEXT = "Is it healthy?"
    RUNNING = "Looking at the server. No key is sent."
    CONCURRENT = True
    ABOUT = Explanation(
        "Health",
        "Each row is one thing that has to work before a key can: the name, the connection, the certificate, LiteLLM"
        " itself, and the routes that Claude Code uses.\n\nNo key is sent, no model is called, and nothing costs"
        " money.",
        narrow=False,
    )
    HELP_TEXT = (
        "Each row is one check of the server, run at the same time where one does not need another. A failed row says"
        " what is and what to do. Mend it and press ^R.\n\nYou can go on without a healthy server: press o. The"
        " files can then be written, but no key is sent there, so nothing can be called working."
    )

    def rows(self) -> Rows:
        """Return the gateway's rows."""
        return self.session.services.health_rows()

    def known(self) -> tuple[Verdict, ...] | None:
        """Return the last check of this very gateway."""
        return self.session.draft.health_now

    async def run_checks(self) -> None:
        """Check the gateway."""
        draft = self.session.draft
        verdicts = await self.session.services.check_gateway(draft.answers.gateway, draft.machine, self.report)
        self.session.draft = self.session.draft.checked(verdicts)

    def summary(self) -> tuple[str, str]:
        """Sum the check up."""
        verdicts = self.known() or ()
        bad = sum(each.status == "fail" for each in verdicts)
        doubtful = sum(each.status == "warn" for each in verdicts)
        if not verdicts:
            return "The check did not end. Press ^R to run it again.", "-bad"
        if bad and Step.HEALTH in self.session.draft.overridden:
            return "You go on without a healthy server. No key is sent there.", "-mixed"
        if bad:
            fails = "fails" if bad == 1 else "fail"
            return f"✗ {count(bad, 'check')} {fails}. Mend it and press ^R; o goes on without sending a key.", "-bad"
        if doubtful:
            return f"! It works, with {count(doubtful, 'warning')}.", "-mixed"
        return "✓ It answers, and it is a LiteLLM server.", "-good"
