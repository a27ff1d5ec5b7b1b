"""What the stepper and the title bar say, and the last words, as pure functions of the session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wizard import outcome
from wizard.answers import Answers
from wizard.flow import STEPS, Draft, Step, failed
from wizard.net.address import AddressError
from wizard.tui.widgets.stepper import State, Stop
from wizard.verdict import Verdict, worst

if TYPE_CHECKING:
    from wizard.tui.session import Session

PROGRAM = outcome.PROGRAM
MOVED = "server moved"


def stops(session: Session, here: Step) -> tuple[Stop, ...]:
    """Return the stepper's line as seen from a step."""
    return tuple(_stop(session, step, here) for step in STEPS)


def _stop(session: Session, step: Step, here: Step) -> Stop:
    if step is here:
        return Stop(step.value, "now")
    if STEPS.index(step) > STEPS.index(session.furthest):
        return Stop(step.value, "ahead")
    state, value = _conclusion(session, step)
    return Stop(step.value, state, value, _short(value) if step is Step.SERVER else "")


def _conclusion(session: Session, step: Step) -> tuple[State, str]:
    draft = session.draft
    match step:
        case Step.SERVER:
            return "pass", _server(draft.answers)
        case Step.HEALTH:
            return _checked(draft, step, draft.health_now, "healthy")
        case Step.KEY:
            return ("pass", draft.answers.key.backend) if draft.answers.key.backend else ("ahead", "")
        case Step.TEST:
            trial = draft.trial_now
            word = "answered" if draft.message_now and draft.message_now.status == "pass" else "accepted"
            return _checked(draft, step, trial.verdicts if trial else None, word)
        case Step.MODELS:
            chosen = sum(bool(each) for each in _tiers(draft.answers))
            return "pass", f"{chosen} pinned" if chosen else "no pins"
        case Step.REVIEW | Step.DONE:
            return _written(session)


def _server(answers: Answers) -> str:
    try:
        return answers.gateway.address.authority
    except AddressError:
        return ""


def _short(authority: str) -> str:
    """Return what tells servers apart in little room: the first label of a name, the port of an IP address."""
    first = authority.split(".")[0]
    return first if not first[:1].isdigit() and "[" not in first else f":{authority.rpartition(':')[2]}"


def _tiers(answers: Answers) -> tuple[str, str, str]:
    return answers.models.opus, answers.models.sonnet, answers.models.haiku


def _checked(draft: Draft, step: Step, verdicts: tuple[Verdict, ...] | None, good: str) -> tuple[State, str]:
    if verdicts is None:
        return "ahead", ""
    bad = [each for each in verdicts if each.status == "fail"]
    if failed(step, draft):
        name = bad[0].id.rpartition(".")[2]
        return ("warn", "anyway") if step in draft.overridden else ("fail", name)
    if step is Step.TEST and not any(each.id == "key.accepted" and each.status != "skip" for each in verdicts):
        return "skip", "untried"
    if worst(verdicts) == "warn":
        return "warn", "warning"
    return "pass", good


def _written(session: Session) -> tuple[State, str]:
    came_of_it = session.outcome
    match came_of_it.written:
        case "yes":
            return "pass", f"{len(came_of_it.files)} files" if len(came_of_it.files) != 1 else "1 file"
        case "nothing to do":
            return "pass", "as it is"
        case "refused" | "failed":
            return "fail", came_of_it.written
        case "undone":
            return "skip", "undone"
        case _:
            return "ahead", ""


def occasion(session: Session) -> str:
    """Return what this run is about, in a few words for the title bar."""
    draft = session.draft
    if session.services.occasion:
        return session.services.occasion
    if draft.saved is None:
        return "first set-up"
    if moved(draft):
        return MOVED
    if session.off:
        return "switched off"
    changed = [
        word
        for word, was, now in (
            ("route", draft.saved.gateway.route, draft.answers.gateway.route),
            ("server settings", draft.saved.gateway, draft.answers.gateway),
            ("key", draft.saved.key, draft.answers.key),
            ("models", draft.saved.models, draft.answers.models),
            ("files", draft.saved.write, draft.answers.write),
        )
        if was != now
    ]
    return f"{changed[0]} changed" if changed else "set up before"


def moved(draft: Draft) -> bool:
    """Say whether the gateway's URL differs from the one set up before."""
    if draft.saved is None:
        return False
    try:
        return draft.saved.gateway.address != draft.answers.gateway.address
    except AddressError:
        return False


def exit_code(session: Session) -> int:
    """Return the exit code of a run that ended by leaving the screens."""
    return outcome.exit_code(session.outcome)


def last_words(session: Session) -> str:
    """Return what stays in the scrollback: what was done and proven, where, and how to undo it."""
    from wizard.summary import last_words  # nothing of it is needed before the end

    return last_words(session.outcome, session.draft)
