"""It works, or what doesn't."""

from __future__ import annotations

import asyncio

from wizard.apply.signals import held_back
from wizard.outcome import ANSWER, judgement, may_ask_claude, write_now
from wizard.plain.console import Back
from wizard.plain.state import Run
from wizard.record import replace
from wizard.verdict import Verdict
from wizard.words import count


def write_and_prove(run: Run) -> None:
    """Write the plan that was shown; then have the real programs tried."""
    run.console.heading("Done. Writing")
    with held_back():  # a ^C waits until it is known what came of the write
        run.outcome = write_now(
            run.outcome, run.plan, run.draft, run.services, lambda stage: run.console.say(stage.text)
        )
    match run.outcome.written:
        case "yes":
            run.console.say(f"{count(len(run.outcome.files), 'file')} written.")
        case "nothing to do":
            run.console.say("Every file was already as you want it.")
        case _:
            run.console.wrong(run.outcome.error)
            return
    run.console.say("Asking the real programs.")
    _prove(run, ask_claude=False)
    if may_ask_claude(run.outcome.proofs) and _wants_answer(run):
        _prove(run, ask_claude=True)
    title, lead, _ = judgement(run.outcome.proofs)
    run.console.say(f"{title}. {lead}")


def _wants_answer(run: Run) -> bool:
    try:
        return run.console.confirm("Let Claude Code answer one question? It may cost a fraction of a cent.")
    except Back:
        return False


def _prove(run: Run, *, ask_claude: bool) -> None:
    draft = run.draft
    labels = dict(run.services.proof_rows(draft.answers, draft.machine))

    known = {each.id: each.cause for each in run.outcome.proofs}

    def report(verdict: Verdict) -> None:
        if verdict.cause == known.get(verdict.id) or (verdict.id == ANSWER and verdict.status == "skip"):
            return  # said before; or the question comes next
        run.console.row(verdict, labels.get(verdict.id, ""))

    proofs = asyncio.run(run.services.prove(draft.answers, draft.machine, report, ask_claude=ask_claude))
    run.outcome = replace(run.outcome, proofs=proofs)
