"""`--answers`: a team's answers on the command line, and the yes that some of them need."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping
from typing import Any

from wizard.answers import Answers, Gateway
from wizard.commands.shared import REFUSED, USAGE, Stop
from wizard.machine.model import Machine
from wizard.record import replace
from wizard.team import Ask, Team, TeamError, load


def team_at(where: str, machine: Machine, saved: Answers | None) -> Team:
    """Read a team file, and say on stderr what of it is left out. Raises Stop."""
    way = replace(saved.gateway, client_cert="", client_key="") if saved else Gateway()
    if "://" in where:
        print("Fetching the answers. No key is sent.", file=sys.stderr, flush=True)
    try:
        team = load(where, machine, way)
    except TeamError as error:
        raise Stop(USAGE, str(error)) from None
    for warning in team.warnings:
        print(warning, file=sys.stderr, flush=True)
    return team


def confirmed_origins(
    team: Team,
    known: Mapping[str, Any],
    *,
    given: Collection[str] = (),
    yes: bool,
    ask: Callable[[str], bool] | None,
) -> frozenset[str]:
    """Have everything confirmed that needs it, one by one; return the origins that were.

    `known` are answers that were confirmed before, `given` the names answered on the command line. `yes` stands for
    every yes to a local file, and for none to one from the network. Without anybody to ask (`ask` is None), or with a
    no, raises Stop.
    """
    asks = team.open_asks(known, given)
    if yes and not team.is_fetched:
        return frozenset()
    if asks and ask is None:
        raise Stop(USAGE, "\n".join([*_unconfirmed(team, asks), "Nothing was changed."]))
    for each in asks:
        if ask is not None and not ask(f"{each.line}\n  {each.why} Is that right?"):
            raise Stop(REFUSED, f"{each.name} was not confirmed. Nothing was changed.")
    return frozenset(each.origin for each in asks if each.origin)


def _unconfirmed(team: Team, asks: Collection[Ask]) -> list[str]:
    advice = "name each yourself, like --set NAME=VALUE" if team.is_fetched else "add --yes"
    lines = [f"{team.where} says what needs a yes of yours first. Run it in a terminal, or {advice}:"]
    return [*lines, *(f"  {each.line}  {each.why}" for each in asks)]
