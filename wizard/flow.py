"""The order of the steps and what each needs, as a pure function of the draft."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Generic, TypeVar

from wizard.answers import Answers, Gateway, Key
from wizard.machine.model import Machine
from wizard.record import dataclass, field, replace
from wizard.verdict import Verdict, worst

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wizard.apply.change import Way
    from wizard.trial import Trial

I = TypeVar("I")  # noqa: E741 - the inputs
R = TypeVar("R")


class Step(Enum):
    """The seven screens, in order; the value is the name on the stepper."""

    SERVER = "Server"
    HEALTH = "Health"
    KEY = "Key"
    TEST = "Test"
    MODELS = "Models"
    REVIEW = "Review"
    DONE = "Done"


STEPS = tuple(Step)


@dataclass(frozen=True, slots=True)
class Checked(Generic[I, R]):
    """A result together with the inputs it belongs to: worth nothing once they differ."""

    inputs: I
    result: R


@dataclass(frozen=True, slots=True)
class Draft:
    """Everything the user has answered and every check has found so far."""

    answers: Answers
    machine: Machine
    saved: Answers | None = None
    confirmed: frozenset[str] = frozenset()
    health: Checked[Gateway, tuple[Verdict, ...]] | None = None
    trial: Checked[tuple[Gateway, Key], Trial] | None = None
    message: Checked[tuple[Gateway, Key], Verdict] | None = None
    overridden: frozenset[Step] = frozenset()
    ways: Mapping[str, Way] = field(default_factory=dict)
    migrations: frozenset[str] = frozenset()

    def answered(self, answers: Answers) -> Draft:
        """Return the draft with other answers; results and overrides that no longer belong to them are dropped."""
        draft = replace(self, answers=answers)
        overridden = set(self.overridden)
        if draft.health_now is None:
            draft = replace(draft, health=None)
            overridden.discard(Step.HEALTH)
        if draft.trial_now is None:
            draft = replace(draft, trial=None, message=None)
            overridden.discard(Step.TEST)
        elif draft.trial and answers.key.refresh_seconds != self.answers.key.refresh_seconds:
            trial = draft.trial.result.refreshed_as(answers)
            draft = replace(draft, trial=replace(draft.trial, result=trial))
        return replace(draft, overridden=frozenset(overridden))

    @property
    def health_now(self) -> tuple[Verdict, ...] | None:
        """The health check's verdicts, when they belong to the present answers."""
        return self.health.result if self.health and self.health.inputs == self._reached else None

    @property
    def trial_now(self) -> Trial | None:
        """The key test's result, when it belongs to the present answers."""
        return self.trial.result if self.trial and self.trial.inputs == self._tested else None

    @property
    def message_now(self) -> Verdict | None:
        """What came of the one real message, when it belongs to the present answers."""
        return self.message.result if self.message and self.message.inputs == self._tested else None

    @property
    def _reached(self) -> Gateway:
        """What the health check depends on: the gateway, without what only Claude Code does with it."""
        return replace(self.answers.gateway, timeout_ms=None, aws_region="")

    @property
    def _tested(self) -> tuple[Gateway, Key]:
        """What the key test depends on: the way to the gateway, and the chosen backend's answers.

        How often the helper is run changes nothing of what it prints.
        """
        key = self.answers.key
        return self._reached, replace(key, tables={key.backend: key.options}, refresh_seconds=None)

    def checked(self, verdicts: tuple[Verdict, ...]) -> Draft:
        """Return the draft with the result of a health check of the present gateway.

        A key test that was cut short by the check before (or went further than it may now) no longer counts.
        """
        overridden = self.overridden - {Step.HEALTH}
        draft = replace(self, health=Checked(self._reached, verdicts), overridden=overridden)
        if may_send_key(draft) != may_send_key(self):
            return replace(draft, trial=None, message=None)
        return draft

    def tried(self, trial: Trial) -> Draft:
        """Return the draft with the result of a key test of the present answers."""
        trial_of_this = Checked(self._tested, trial)
        return replace(self, trial=trial_of_this, message=None, overridden=self.overridden - {Step.TEST})

    def messaged(self, verdict: Verdict) -> Draft:
        """Return the draft with what came of the one real message."""
        return replace(self, message=Checked(self._tested, verdict))

    def confirming(self, *origins: str) -> Draft:
        """Return the draft with origins that the user typed or accepted in this run."""
        return replace(self, confirmed=self.confirmed | (set(origins) - {""}))

    def overriding(self, step: Step) -> Draft:
        """Return the draft with the failed check of a step overridden, on the user's explicit word."""
        return replace(self, overridden=self.overridden | {step})


def failed(step: Step, draft: Draft) -> bool | None:
    """Say whether the check of a step failed; None when it has not run for the present answers."""
    match step:
        case Step.HEALTH:
            return None if draft.health_now is None else worst(draft.health_now) == "fail"
        case Step.TEST:
            return None if draft.trial_now is None else worst(draft.trial_now.verdicts) == "fail"
        case _:
            return False


def satisfied(step: Step, draft: Draft) -> bool:
    """Say whether Next may leave a step: answered, and its check passed or was explicitly overridden."""
    match step:
        case Step.HEALTH | Step.TEST:
            return failed(step, draft) is False or step in draft.overridden
        case Step.SERVER:
            return bool(draft.answers.gateway.url)
        case Step.KEY:
            return bool(draft.answers.key.backend)
        case _:
            return True


def following(step: Step, draft: Draft | None = None, heading: Step | None = None) -> Step | None:
    """Return the step after this one, None after the last.

    With a draft, the steps are left out whose answers from before are kept and still fit: Key, and Models as long as
    the gateway has what Claude Code will ask for. `heading` is the step where a run that was left early goes on: on the
    way there only checks are made anew.
    """
    place = STEPS.index(step) + 1
    if draft is not None and step is Step.HEALTH and is_key_kept(draft):
        return Step.TEST
    if draft is not None and step is Step.TEST and are_models_kept(draft):
        return Step.REVIEW
    coming = STEPS[place] if place < len(STEPS) else None
    if heading is not None and coming in (Step.KEY, Step.MODELS) and place < STEPS.index(heading):
        return STEPS[place + 1]
    return coming


def is_key_kept(draft: Draft) -> bool:
    """Say whether the key's answers are those of before, for an origin confirmed then."""
    return draft.saved is not None and bool(draft.saved.key.backend) and draft.answers.key == draft.saved.key


def are_models_kept(draft: Draft) -> bool:
    """Say whether the pins are those of before, and the gateway has everything that Claude Code will ask for."""
    from wizard import pins

    if draft.saved is None or draft.saved.models != draft.answers.models or draft.trial_now is None:
        return False
    listed = draft.trial_now.models
    return bool(listed) and not pins.missing(pins.asked(draft.answers, draft.machine), listed)


def may_send_key(draft: Draft) -> bool:
    """Say whether a credential may go to the gateway: its origin confirmed, and the health check passed for it.

    A failed health check can be overridden for writing, never for sending a key.
    """
    return draft.answers.gateway.address.origin in draft.confirmed and failed(Step.HEALTH, draft) is False


def sendable(draft: Draft) -> frozenset[str]:
    """Return the confirmed origins a credential may go to now: not the gateway's while its check has not passed."""
    if may_send_key(draft):
        return draft.confirmed
    return draft.confirmed - {draft.answers.gateway.address.origin}
