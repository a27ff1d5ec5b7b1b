"""What a plan comes to before it is written: what waits for a word, what was overridden, whether it may go ahead."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wizard.apply.change import Change, Choices, Migration, Plan, Way
from wizard.apply.errors import PlanError
from wizard.flow import Draft, Step
from wizard.record import replace
from wizard.words import count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wizard.machine.model import Leftover
    from wizard.services import Services
    from wizard.verdict import Verdict


def plan_of(draft: Draft, services: Services) -> tuple[Plan | None, str]:
    """Return the plan of a draft and of what was chosen on it, or none and why. It reads files."""
    life = draft.trial_now.life_seconds if draft.trial_now else None
    choices = Choices({Path(path): way for path, way in draft.ways.items()}, draft.migrations)
    try:
        return services.make_plan(draft.answers, draft.machine, life_seconds=life, choices=choices), ""
    except PlanError as error:
        return None, f"{draft.machine.short(error.path)}: {error.text}"


def way_of(change: Change, draft: Draft) -> Way | None:
    """Return what was chosen for a file, as far as it can be had."""
    way = draft.ways.get(str(change.path))
    return way if way in change.ways else None


def waiting(plan: Plan | None, draft: Draft) -> tuple[Change, ...]:
    """Return the files of the user's in the way that wait for a choice."""
    return tuple(each for each in (plan.conflicts if plan else ()) if way_of(each, draft) != "replace")


def may_write(plan: Plan | None, draft: Draft) -> bool:
    """Say whether nothing stands in the way of writing."""
    return plan is not None and not plan.blockers and not waiting(plan, draft)


def choose(draft: Draft, change: Change, way: Way | None) -> Draft:
    """Return the draft with a way chosen for a file; None takes the choice back."""
    path = str(change.path)
    others = {each: kept for each, kept in draft.ways.items() if each != path}
    return replace(draft, ways=others if way is None else {**others, path: way})


def toggle(draft: Draft, migration: Migration) -> Draft:
    """Return the draft with something old chosen to go, or no longer."""
    return replace(draft, migrations=draft.migrations ^ {migration.name})


def shown(plan: Plan) -> tuple[Change, ...]:
    """Return the changes there is something to look at: what changes, conflicts, and what was chosen."""
    return tuple(each for each in plan.changes if not each.is_noop or each.is_conflict or each.way)


def other_leftovers(plan: Plan) -> tuple[Leftover, ...]:
    """Return what else speaks to Claude Code on this machine, beside what can be migrated."""
    told = [leftover for each in plan.migrations for leftover in each.leftovers]
    return tuple(each for each in plan.leftovers if each not in told)


def overridden(draft: Draft) -> Iterator[tuple[str, str, tuple[Verdict, ...]]]:
    """Yield title, sentence and failed verdicts of each check that the user goes on without."""
    if Step.HEALTH in draft.overridden:
        text = "You go on although the server failed these checks. No key was sent there: nothing shows that it works."
        yield "Server not healthy", text, _failed(draft.health_now or ())
    if Step.TEST in draft.overridden:
        verdicts = draft.trial_now.verdicts if draft.trial_now else ()
        yield "Key does not work", "You go on although the key did not work.", _failed(verdicts)


def _failed(verdicts: tuple[Verdict, ...]) -> tuple[Verdict, ...]:
    return tuple(each for each in verdicts if each.status == "fail")


def totals(plan: Plan) -> str:
    """Return what a plan comes to, like "5 files: 3 new, 2 changed"."""
    states = [each.state for each in plan.pending]
    parts = [f"{states.count(state)} {state}" for state in ("new", "changed", "removed") if state in states]
    return f"{count(len(states), 'file')}: {', '.join(parts)}"
