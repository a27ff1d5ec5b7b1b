"""What outlives every step of a run in lines."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from wizard.flow import Draft, Step
from wizard.outcome import Outcome
from wizard.record import replace

if TYPE_CHECKING:
    from wizard.apply.change import Plan
    from wizard.plain.console import Console
    from wizard.services import Services


class Run:
    """The state of one run: the draft, the ports, the plan as it was last shown, and what the writing came to.

    `keeping` is whether the user said to keep the rest of the answers, `keep` whether the answers of a run that is left
    early are kept for the next start, and `heading` the step where such a run goes on.
    """

    def __init__(self, draft: Draft, services: Services, console: Console, *, keep: bool = False) -> None:
        self.first = draft.answers
        self.draft = draft
        self.keep = keep
        self.heading: Step | None = None
        self.services = services
        self.console = console
        self.plan: Plan | None = None
        self.outcome = Outcome()
        self.keeping = False
        self._has_version = False

    def survey(self) -> None:
        """Look at the whole machine, and say when the set-up on it is switched off."""
        self.draft = replace(self.draft, machine=self.services.survey(self.draft.machine))
        if off := self.services.suspended(self.draft.machine):
            self.console.say(f"{off} Writing switches it on again.")

    def remember(self, step: Step) -> bool:
        """Keep what was answered so far for the next start; say whether there is something to keep."""
        if not self.keep or self.outcome.is_written or self.draft.answers == self.first:
            return False
        from wizard.resume import save

        save(self.draft.machine, self.draft.answers, step)
        return True

    def ask_claude_version(self) -> None:
        """Have Claude Code say its version, once: it decides which models it asks for."""
        if not self._has_version:
            self._has_version = True
            machine = asyncio.run(self.services.with_claude_version(self.draft.machine))
            self.draft = replace(self.draft, machine=machine)
