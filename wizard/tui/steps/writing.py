"""The write itself, and the words for what came of it and of the proofs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from textual.content import Content

from wizard.apply.errors import Refused, WriteFailed
from wizard.machine.background import in_daemon_thread
from wizard.tui import story
from wizard.tui.session import Outcome, Session
from wizard.verdict import Verdict, worst

if TYPE_CHECKING:
    from wizard.apply.transaction import Stage

WHAT_NEXT: Final = Content.assemble(
    ("Next    ", "$text-muted"),
    "Restart running Claude Code sessions and IDEs.\n",
    "        Open a new terminal and run ",
    ("claude\n", "bold"),
    ("Undo    ", "$text-muted"),
    (f"{story.PROGRAM} undo", "bold"),
    ", or u on this screen",
)


async def write_plan(session: Session, progress: Callable[[Stage], None]) -> Outcome:
    """Write the plan that was shown, in a thread, and return what came of it. `progress` is called in that thread."""
    plan, draft = session.plan, session.draft
    if plan is None or (plan.is_empty and not plan.is_kept):
        return Outcome("nothing to do")
    ticked = {Path(each) for each, way in draft.ways.items() if way == "replace"}
    try:
        receipt = await in_daemon_thread(
            partial(session.services.carry_out, plan, draft.machine, replace=ticked, progress=progress)
        )
    except Refused as error:
        return Outcome("refused", str(error))
    except WriteFailed as error:
        return Outcome("failed", str(error))
    if plan.is_empty:
        return Outcome("nothing to do")
    return Outcome("yes", files=tuple(draft.machine.short(each.path) for each in plan.pending), receipt=receipt)


async def take_back(session: Session) -> Outcome:
    """Undo the write of this run, in a thread, and return what came of it."""
    before, machine = session.outcome, session.draft.machine
    number = before.receipt.number if before.receipt else 0
    session.outcome = replace(before, written="under way")
    try:
        undone = await in_daemon_thread(partial(session.services.undo, machine, number))
    except (Refused, WriteFailed) as error:
        return replace(before, error=str(error))
    return Outcome("undone", files=before.files, undone=undone.lines(machine))


def judgement(proofs: tuple[Verdict, ...], *, answered: bool) -> tuple[str, str, str]:
    """Return title, lead and look. Nothing is called working before Claude Code itself has answered."""
    found = worst(proofs)
    if found == "fail":
        return "Not everything works yet", "✗ Look at the rows that failed; each says what to do.", "-bad"
    if found == "skip":
        return "Written, but not tried", "○ Nothing here could be tried.", ""
    mark, look = ("✓", "-good") if found == "pass" else ("!", "-mixed")
    if answered:
        return "It works", f"{mark} Claude Code answered through your gateway.", look
    return "Everything is in place", f"{mark} What was tried works. Claude Code itself has not answered yet.", look
