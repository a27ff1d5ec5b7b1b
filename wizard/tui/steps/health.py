"""Is it healthy?"""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from wizard.answering import Shown, facts_of, with_way
from wizard.flow import Step
from wizard.services import Rows
from wizard.tui.steps.checking import CheckingStep
from wizard.tui.widgets.side_pane import Explanation
from wizard.tui.widgets.trust_picker import AuthorityPicker, ClientCertificatePicker
from wizard.verdict import Verdict
from wizard.words import count


class HealthStep(CheckingStep):
    """Looks at the gateway from outside. No key is sent."""

    STEP = Step.HEALTH
    TITLE_TEXT = "Is it healthy?"
    RUNNING = "Looking at the server. No key is sent."
    CONCURRENT = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "t",
            "trust",
            "Trust",
            id="health.trust",
            tooltip="See who signed the gateway's certificate, and choose the file that vouches for it",
        ),
        Binding(
            "c",
            "certificate",
            "Identity",
            id="health.certificate",
            tooltip="Choose the certificate that the gateway knows you by",
        ),
    ]
    ABOUT = Explanation(
        "Health",
        "Each row is one thing that has to work before a key can: the name, the connection, the certificate, LiteLLM"
        " itself, and the routes that Claude Code uses.\n\nNo key is sent, no model is called, and nothing costs"
        " money.",
        narrow=False,
    )
    HELP_TEXT = (
        "Each row is one check of the server, run at the same time where one does not need another. A failed row says"
        " what is and what to do. Mend it and press ^R.\n\nWhere nobody this machine trusts signed the gateway's"
        " certificate, t shows who did, and which file here makes it verify.\n\nYou can go on without a healthy"
        " server: press o. The files can then be written, but no key is sent there, so nothing can be called working."
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
            way = "Press t, or mend it and press ^R" if self._facts("authorities") else "Mend it and press ^R"
            return f"✗ {count(bad, 'check')} {fails}. {way}; o goes on without a key.", "-bad"
        if doubtful:
            return f"! It works, with {count(doubtful, 'warning')}.", "-mixed"
        return "✓ It answers, and it is a LiteLLM server.", "-good"

    def _facts(self, name: str) -> tuple[Shown, ...]:
        return facts_of(self.known() or (), name) if not self.running else ()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the questions of trust only where they come up."""
        if action == "trust":
            return bool(self._facts("authorities") or (self._facts("chain") and self._is_untrusted()))
        if action == "certificate":
            return bool(self._facts("client_certificates"))
        return super().check_action(action, parameters)

    def _is_untrusted(self) -> bool:
        return any("authorities" in each.facts for each in self.known() or ())

    def action_trust(self) -> None:
        """Show who signed the gateway's certificate."""
        keychain = self.session.draft.machine.platform == "darwin"
        picker = AuthorityPicker(self._facts("chain"), self._facts("authorities"), keychain=keychain)
        self.app.push_screen(picker, self._trust)

    def action_certificate(self) -> None:
        """Ask for the client certificate."""
        self.app.push_screen(ClientCertificatePicker(self._facts("client_certificates")), self._show)

    def _trust(self, file: Shown | None) -> None:
        if file is not None:
            self._with(ca_file=file["file"])

    def _show(self, file: Shown | None) -> None:
        if file is not None:
            self._with(client_cert=file["file"], client_key=file["key"])

    def _with(self, **answers: str) -> None:
        """Answer that, and check with exactly it."""
        self.session.draft = with_way(self.session.draft, **answers)
        self.start()
