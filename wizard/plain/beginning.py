"""How a run begins that does not begin from nothing: with a team's answers, or where an earlier one stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wizard.answers import to_table
from wizard.plain.console import Back
from wizard.plain.state import Run

if TYPE_CHECKING:
    from wizard.resume import Unfinished
    from wizard.team import Team


def begin(run: Run, team: Team | None, unfinished: Unfinished | None) -> None:
    """Fill in what is known, after the questions that takes."""
    if team is not None:
        _with_team(run, team)
    elif unfinished is not None:
        _go_on_or_not(run, unfinished)


def _with_team(run: Run, team: Team) -> None:
    from wizard.team import begin as with_team

    known = to_table(run.draft.saved) if run.draft.saved else {}
    asks = team.open_asks(known)
    run.console.heading(f"Answers from {team.where}")
    if asks:
        run.console.say("These need your yes, one by one. No leaves that answer out.")
    refused: list[str] = []
    place = 0
    while place < len(asks):
        ask = asks[place]
        run.console.say(ask.line)
        try:
            if not run.console.confirm(f"{ask.why} Is that right?"):
                refused.append(ask.name)
            place += 1
        except Back:
            place = max(0, place - 1)
            refused = [each for each in refused if each != asks[place].name]
    run.draft = with_team(run.draft, team, refused)
    run.first = run.draft.answers
    run.console.say("They stand in brackets below.")


def _go_on_or_not(run: Run, unfinished: Unfinished) -> None:
    from wizard.resume import forget, go_on

    run.console.heading(unfinished.told())
    for origin in unfinished.origins:
        run.console.say(f"Going on confirms that your credential may be sent to {origin}.")
    while True:
        try:
            said = run.console.choose("Go on there?", ["go on", "start over", "quit"], "go on")
            break
        except Back:
            continue
    if said == "go on":
        run.draft = go_on(run.draft, unfinished)
        run.heading = unfinished.step
    else:
        forget(run.draft.machine)
