"""What outlives every screen: the draft, the ports, and what the writing came to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wizard.flow import STEPS, Draft, Step
from wizard.outcome import Outcome
from wizard.services import Services

if TYPE_CHECKING:
    from wizard.apply.plan import Plan
    from wizard.machine.model import Machine
    from wizard.resume import Unfinished
    from wizard.team import Team


class Session:
    """The state of one run. Screens read it and put new values in; it knows no screen and no App.

    `beginning` is what it begins with, if not from nothing; `keep_on` the machine on which the answers are kept when it
    is left early, `heading` the step where such a run goes on, `at` the step reached.

    `plan` is the plan as it was last shown, which is the one that is written. `keeping` is whether the user said
    to keep the rest of the answers. `off` is a sentence while the set-up on this machine is switched off.
    """

    def __init__(self, draft: Draft, services: Services, trouble: str = "") -> None:
        self.first = draft.answers
        self.draft = draft
        self.services = services
        self.trouble = trouble
        self.plan: Plan | None = None
        self.outcome = Outcome()
        self.furthest = Step.SERVER
        self.keeping = False
        self.off = ""
        self.storing = False
        self.beginning: Team | Unfinished | None = None
        self.keep_on: Machine | None = None
        self.heading: Step | None = None
        self.at = Step.SERVER

    def reach(self, step: Step | None) -> None:
        """Note the step that comes next; where a run that was left early goes on, the way there has ended."""
        self.at = step or self.at
        if self.heading is not None and STEPS.index(self.at) >= STEPS.index(self.heading):
            self.heading = None

    def keep(self) -> bool:
        """Keep the answers so far for the next start; say whether there is something to keep. Called in a thread."""
        if self.keep_on is None or self.is_writing or not self.would_lose:
            return False
        from wizard.resume import save

        save(self.keep_on, self.draft.answers, self.at)
        return True

    @property
    def is_writing(self) -> bool:
        """Whether files are being written at this moment; nothing may end the program then."""
        return self.storing or self.outcome.written == "under way"

    @property
    def is_written(self) -> bool:
        """Whether this run has written, or found that there was nothing to write."""
        return self.outcome.is_written

    @property
    def would_lose(self) -> bool:
        """Whether leaving now loses answers that are saved nowhere."""
        if self.services.occasion:  # the demo: nothing of it stays anyway
            return False
        return not self.is_written and self.outcome.written != "undone" and self.draft.answers != self.first
