"""What the writing came to: the write itself, taking it back, its exit code, and the last words of a run."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from wizard.record import dataclass, replace
from wizard.verdict import Verdict, worst

if TYPE_CHECKING:
    from wizard.answers import Answers
    from wizard.apply.change import Plan
    from wizard.apply.transaction import Receipt, Stage
    from wizard.flow import Draft
    from wizard.services import Services

PROGRAM: Final = "claude-litellm-wizard"
UNDO: Final = f"To undo: {PROGRAM} undo"
ANSWER: Final = "proof.answer"
"""The proof that costs money."""

Written = Literal["no", "under way", "yes", "nothing to do", "refused", "failed", "undone"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How far the writing got. `error` says why it was refused or taken back; `proofs` are empty until they ran.

    `undone` are the lines that say what came of taking the write back, `stored` the sentences about what was written on
    a yes of its own, like a pasted key.
    """

    written: Written = "no"
    error: str = ""
    files: tuple[str, ...] = ()
    receipt: Receipt | None = None
    proofs: tuple[Verdict, ...] = ()
    undone: tuple[str, ...] = ()
    stored: tuple[str, ...] = ()

    @property
    def is_written(self) -> bool:
        """Whether this run has written, or found that there was nothing to write."""
        return self.written in ("yes", "nothing to do")

    def having_stored(self, sentence: str) -> Outcome:
        """Return it with one more sentence about what was written on a yes of its own."""
        return replace(self, stored=(*self.stored, sentence))


async def write_plan(
    before: Outcome, plan: Plan | None, draft: Draft, services: Services, progress: Callable[[Stage], None]
) -> Outcome:
    """Write the plan that was shown, in a thread, and return what came of it. `progress` is called in that thread."""
    from wizard.machine.background import in_daemon_thread

    return await in_daemon_thread(partial(write_now, before, plan, draft, services, progress))


def write_now(
    before: Outcome, plan: Plan | None, draft: Draft, services: Services, progress: Callable[[Stage], None]
) -> Outcome:
    """Write the plan that was shown, and return what came of it."""
    from wizard.apply.errors import Refused, WriteFailed
    from wizard.resume import forget

    forget(draft.machine)  # before the write, which then makes the state folder, and undo --all removes it again
    outcome = partial(Outcome, stored=before.stored)
    if plan is None or (plan.is_empty and not plan.is_kept):
        return outcome("nothing to do")
    ticked = {Path(each) for each, way in draft.ways.items() if way == "replace"}
    try:
        receipt = services.carry_out(plan, draft.machine, replace=ticked, progress=progress)
    except Refused as error:
        return outcome("refused", str(error))
    except WriteFailed as error:
        return outcome("failed", str(error))
    if plan.is_empty:
        return outcome("nothing to do")
    return outcome("yes", files=tuple(draft.machine.short(each.path) for each in plan.pending), receipt=receipt)


async def take_back(before: Outcome, draft: Draft, services: Services) -> Outcome:
    """Undo the write of this run, in a thread, and return what came of it."""
    from wizard.apply.errors import Refused, WriteFailed
    from wizard.machine.background import in_daemon_thread

    number = before.receipt.number if before.receipt else 0
    try:
        undone = await in_daemon_thread(partial(services.undo, draft.machine, number))
    except (Refused, WriteFailed) as error:
        return replace(before, error=str(error))
    return Outcome("undone", files=before.files, undone=undone.lines(draft.machine))


def judgement(proofs: tuple[Verdict, ...]) -> tuple[str, str, str]:
    """Return title, lead and look. Nothing is called working before Claude Code itself has answered."""
    found = worst(proofs)
    if found == "fail":
        return "Not everything works yet", "✗ Look at the rows that failed; each says what to do.", "-bad"
    if found == "skip":
        return "Written, but not tried", "○ Nothing here could be tried.", ""
    mark, look = ("✓", "-good") if found == "pass" else ("!", "-mixed")
    if any(each.id == ANSWER and each.status == "pass" for each in proofs):
        return "It works", f"{mark} Claude Code answered through your gateway.", look
    return "Everything is in place", f"{mark} What was tried works. Claude Code itself has not answered yet.", look


def may_ask_claude(proofs: tuple[Verdict, ...]) -> bool:
    """Say whether Claude Code can be asked for an answer: it was not yet, and its helper and settings are right."""
    if not any(each.id == ANSWER and each.status == "skip" for each in proofs):
        return False
    others = [each for each in proofs if each.id in ("proof.helper", "proof.settings")]
    return bool(others) and all(each.status in ("pass", "warn") for each in others)


def exit_code(outcome: Outcome) -> int:
    """Return the exit code of a run that ended by leaving the screens or the plain lines."""
    match outcome.written:
        case "undone":
            return 0
        case "yes" | "nothing to do":
            return 1 if worst(outcome.proofs) == "fail" else 0
        case "refused":
            return 3
        case "failed" | "under way":
            return 4
        case "no":
            return 130


def last_words(outcome: Outcome, answers: Answers) -> str:
    """Return what stays in the scrollback: what was done, where, and how to undo it."""
    match outcome.written:
        case "yes":
            return "\n".join(_what_was_done(outcome, answers))
        case "nothing to do":
            return _unchanged(outcome, ": every file was already as you want it.")
        case "undone":
            return "\n".join(["The set-up was written and taken back again.", *outcome.undone])
        case "refused":
            return f"{outcome.error}\n{_unchanged(outcome)}"
        case "failed":
            return outcome.error
        case "under way":
            return "The write was cut off. The next start finishes it or takes it back."
        case "no":
            return _unchanged(outcome)


def _unchanged(outcome: Outcome, rest: str = ".") -> str:
    if not outcome.stored:
        return f"Nothing was changed{rest}"
    return "\n".join((*outcome.stored, f"Nothing else was changed{rest}", UNDO))


def _what_was_done(outcome: Outcome, answers: Answers) -> list[str]:
    lines = [f"Claude Code is set up for {answers.gateway.address.url}. Written:"]
    lines += [f"  {path}" for path in outcome.files]
    for verdict in outcome.proofs:
        if verdict.status == "fail":
            lines.append(f"Not working yet: {verdict.cause} {verdict.fix}".rstrip())
    lines.append("Restart running Claude Code sessions and IDEs, then run claude in a new shell.")
    lines.append(UNDO)
    return lines
