"""These files will change."""

from __future__ import annotations

from typing import Final

from wizard.answers import WRITE_FIELDS, Write
from wizard.apply.change import Change, Plan, Way
from wizard.plain.console import Back, Quit
from wizard.plain.forms import Form
from wizard.plain.state import Run
from wizard.record import replace
from wizard.review import (
    choose,
    may_write,
    other_leftovers,
    overridden,
    plan_of,
    shown,
    toggle,
    totals,
    waiting,
)
from wizard.words import count

_LEAVE: Final = "leave"


def show_and_ask(run: Run) -> None:
    """Show every file's diff, ask about what is the user's, and return on a yes to write. Raises Back, Quit."""
    run.ask_claude_version()
    run.console.heading("Review. These files will change")
    asked: set[str] = set()
    while True:
        _plan(run)
        if run.plan is not None and _ask_about_theirs(run, run.plan, asked):
            continue
        if _may_go_ahead(run):
            return


def _plan(run: Run) -> None:
    run.plan, problem = plan_of(run.draft, run.services)
    for title, text, verdicts in overridden(run.draft):
        run.console.say(f"! warning: {title}: {text}")
        for verdict in verdicts:
            run.console.row(verdict)
    if run.plan is None:
        run.console.wrong(f"Nothing can be written. {problem}")
        return
    for change in shown(run.plan):
        _show(run, change)
    for leftover in other_leftovers(run.plan):
        run.console.say(f"! found: {leftover.where}: {leftover.name}={leftover.value}")
        run.console.say(f"    {leftover.effect} {leftover.remedy}")
    for note in run.plan.notes:
        run.console.say(f"Note: {note}")
    for blocker in run.plan.blockers:
        run.console.wrong(f"This stops the write: {blocker}")


def _show(run: Run, change: Change) -> None:
    path = run.draft.machine.short(change.path)
    run.console.say(f"\n{path}: {change.state}, mode {change.mode:04o}")
    if change.conflict:
        run.console.say(f"! {change.conflict}")
    if change.drift and (since := change.drift.diff(path)):
        run.console.say(since)
    if diff := change.diff(path):
        run.console.say(diff)
    if change.before_mode is not None and change.before_mode != change.mode:
        run.console.say(f"Mode {change.before_mode:04o} becomes {change.mode:04o}.")
    for note in change.notes:
        run.console.say(note)


def _ask_about_theirs(run: Run, plan: Plan, asked: set[str]) -> bool:
    """Ask once about each file in the way and each old setting; say whether an answer changes the plan."""
    before = run.draft
    for change in waiting(plan, run.draft):
        if str(change.path) not in asked:
            _ask_way(run, change)
            asked.add(str(change.path))
    for migration in plan.migrations:
        if migration.name in asked or migration.chosen:
            continue
        asked.add(migration.name)
        for leftover in migration.leftovers:
            run.console.say(f"! found: {leftover.where}: {leftover.name}={leftover.value}. {leftover.effect}")
        if run.console.confirm(f"{migration.text} Take it out of force?"):
            run.draft = toggle(run.draft, migration)
    return run.draft != before


def _ask_way(run: Run, change: Change) -> None:
    path = run.draft.machine.short(change.path)
    explanation = "\n".join(f"{way}: {text}" for way, text in change.ways.items())
    run.console.say(explanation)
    said = run.console.choose(f"What shall become of {path}?", [*change.ways, _LEAVE], _LEAVE, explanation)
    chosen: Way | None = next((each for each in change.ways if each == said), None)
    run.draft = choose(run.draft, change, chosen)


def _may_go_ahead(run: Run) -> bool:
    """Ask for the yes; answer with another place, the step before, or the end instead. Raises Back, Quit."""
    plan = run.plan
    writable = may_write(plan, run.draft)
    if number := len(waiting(plan, run.draft)):
        stand = "file of yours stands" if number == 1 else "files of yours stand"
        run.console.say(f"{number} {stand} in the way, so nothing can be written. Choose another place, or go back.")
    if writable and plan is not None and plan.is_empty:
        run.console.say("Every file is already as you want it.")
        question, default = "Prove that it works?", "yes"
    elif writable and plan is not None:
        run.console.say(f"{totals(plan)}. Nothing is written before you say yes.")
        question, default = f"Write {count(len(plan.pending), 'file')}?", "no"
    else:
        question, default = "What now?", "back"
    choices = [*(["yes", "no"] if writable else ["again"]), "paths", "back", "quit"]
    said = run.console.choose(question, choices, default, "paths asks which files are written, and where.")
    if said == "paths":
        _ask_paths(run)
    elif said == "no":
        run.console.say("Nothing is written.")
        raise Quit
    return said == "yes"


def _ask_paths(run: Run) -> None:
    answers = run.draft.answers
    given: dict[str, object] = {each.name: getattr(answers.write, each.name) for each in WRITE_FIELDS}
    default = replace(answers, write=replace(answers.write, helper="")).helper_path
    given["helper"] = answers.write.helper or default
    try:
        values = Form(run.console, WRITE_FIELDS, "write", given).ask_all()
    except Back:
        return
    if values.get("helper") == default:
        values["helper"] = ""
    run.draft = run.draft.answered(replace(answers, write=Write(**values)))  # type: ignore[arg-type]
