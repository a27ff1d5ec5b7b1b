"""How the screens begin when they don't begin from nothing: with a team's answers, or where a run was left early."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from wizard.answers import to_table
from wizard.flow import Step
from wizard.resume import Unfinished, forget, go_on
from wizard.team import Team
from wizard.team import begin as with_team
from wizard.tui.widgets.beginnings import Choice, ResumeDialog, TeamDialog

if TYPE_CHECKING:
    from wizard.tui.app import WizardApp
    from wizard.tui.session import Session


def begin(app: WizardApp, session: Session) -> None:
    """Ask what has to be asked, and fill the answers in."""
    match session.beginning:
        case Team() as team:
            known = to_table(session.draft.saved) if session.draft.saved else {}
            app.push_screen(TeamDialog(team.where, team.open_asks(known)), partial(_with_team, app, session, team))
        case Unfinished() as unfinished:
            app.push_screen(ResumeDialog(unfinished), partial(_go_on_or_not, app, session, unfinished))
        case None:
            pass


def _with_team(app: WizardApp, session: Session, team: Team, refused: Sequence[str] | None) -> None:
    session.draft = with_team(session.draft, team, refused or ())
    session.first = session.draft.answers
    app.restart(Step.SERVER)


def _go_on_or_not(app: WizardApp, session: Session, unfinished: Unfinished, choice: Choice | None) -> None:
    if choice == "start over":
        threading.Thread(target=forget, args=(session.draft.machine,), daemon=True).start()
    if choice != "go on":
        return
    session.draft = go_on(session.draft, unfinished)
    session.heading = unfinished.step
    session.reach(Step.SERVER if unfinished.step is Step.SERVER else Step.HEALTH)
    app.restart(session.at)
