"""What the Health and the Test step share: rows that fill in, a run that can be repeated, and the override."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.worker import Worker, WorkerState

from wizard.flow import failed, satisfied
from wizard.secret import redact
from wizard.services import Rows
from wizard.tui.session import Session
from wizard.tui.steps.scrolling import ScrollingStep
from wizard.tui.widgets.checks import CheckList
from wizard.verdict import Verdict


class CheckingStep(ScrollingStep):
    """A step that runs checks. Leaving it cancels them; a result that belongs to the present answers is shown again."""

    CONCURRENT: ClassVar[bool] = False
    RUNNING: ClassVar[str]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+r", "again", "Again", key_display="^R", id="check.again", tooltip="Run these checks again"),
        Binding(
            "o",
            "override",
            "Go on anyway",
            id="check.override",
            tooltip="Go on although a check failed; shown again on Review",
        ),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.running = False

    def rows(self) -> Rows:
        """Return the rows, before any result."""
        raise NotImplementedError

    def known(self) -> tuple[Verdict, ...] | None:
        """Return the verdicts that belong to the present answers, None when there are none yet."""
        raise NotImplementedError

    async def run_checks(self) -> None:
        """Run the checks, reporting to `self.report`, and put the result into the session."""
        raise NotImplementedError

    def summary(self) -> tuple[str, str]:
        """Return the line below the title once the checks ran, and its look."""
        raise NotImplementedError

    def body(self) -> Iterable[Widget]:
        """Yield the rows."""
        yield CheckList(self.rows(), concurrent=self.CONCURRENT, id="checks")

    def on_mount(self) -> None:
        """Show what is known, or find out."""
        if (known := self.known()) is None:
            self.start()
            return
        for verdict in known:
            self.checks.report(verdict)
        self.checks.stop()
        self.conclude()

    def report(self, verdict: Verdict) -> None:
        """Fill in a row."""
        if self.is_attached:
            self.checks.report(verdict)

    def start(self) -> None:
        """Run the checks; a run under way is cancelled."""
        self.running = True
        self.lead(self.RUNNING)
        self.checks.start()
        self.retell()
        self.run_worker(self._run(), group="checks", exclusive=True)

    async def _run(self) -> None:
        try:
            await self.run_checks()
        except OSError as error:
            where = f" ({error.filename})" if error.filename else ""
            cause = redact(f"This machine refused something the check needs: {error.strerror or error}{where}.")
            self.report(Verdict("machine", "fail", "machine", cause, "Mend that, then press ^R."))

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Sum up once the run ended by itself."""
        if event.worker.group == "checks" and event.state is WorkerState.SUCCESS:
            self.running = False
            self.checks.stop()
            self.conclude()

    def conclude(self) -> None:
        """Say what came of it; on the way to where a run was left early, go on when all is well."""
        self.lead(*self.summary())
        self.retell()
        if self.session.heading is not None and failed(self.STEP, self.session.draft) is False:
            self.call_after_refresh(self.go_on)

    def may_go_on(self) -> bool:
        """Next waits for the result."""
        return not self.running and satisfied(self.STEP, self.session.draft)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the override only where there is something to override."""
        if action == "again":
            return None if self.running else True
        if action == "override":
            draft = self.session.draft
            return not self.running and bool(failed(self.STEP, draft)) and self.STEP not in draft.overridden
        return super().check_action(action, parameters)

    def action_again(self) -> None:
        """Run the checks again."""
        self.start()

    def action_override(self) -> None:
        """Go on although a check failed."""
        self.session.draft = self.session.draft.overriding(self.STEP)
        self.conclude()
