"""`check`: the doctor's findings, as rows, as JSON, or as a text for a ticket."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from typing import Final

from wizard import doctor
from wizard.answers import GATEWAY_FIELDS, Answers, Gateway
from wizard.commands.rows import Talk, summary
from wizard.commands.shared import (
    CHECK_FAILED,
    USAGE,
    Stop,
    answers_from,
    exit_code,
    is_somebody_there,
    is_yes,
    needed_answers,
    print_json,
    saved_answers,
    this_machine,
)
from wizard.doctor import report
from wizard.doctor.catalogue import finding
from wizard.fields import Problem, unsafe
from wizard.machine.model import Machine
from wizard.net.address import AddressError, parse_address
from wizard.origins import origins
from wizard.record import replace
from wizard.verdict import Verdict

_WAY: Final = {
    f"gateway.{each.name}": each
    for each in GATEWAY_FIELDS
    if each.name in ("route", "ca_file", "client_cert", "client_key", "proxy", "no_proxy")
}
"""What `--set` may change for a check."""


def run(arguments: argparse.Namespace) -> int:
    """Check and print; with `--server` only that gateway, and never with a key."""
    machine = this_machine()
    areas = tuple(each for each in doctor.AREAS if each in (arguments.only or doctor.AREAS))
    if arguments.server is not None:
        if set(arguments.only or ("gateway",)) != {"gateway"}:
            raise Stop(USAGE, "--server checks a gateway without a key. Leave --only out, or use --only gateway.")
        areas = ("gateway",)
    saved, trouble = saved_answers(machine)
    if arguments.report and saved is None and arguments.server is None and arguments.answers is None:
        return _report(arguments, machine, None, (_nothing_set_up(machine, trouble),))
    answers, trusted = _asked_about(arguments, machine)
    answers = replace(answers, gateway=_by_another_way(answers.gateway, arguments.set))
    talk = Talk(sys.stdout, quiet=arguments.json or arguments.report)
    started = time.monotonic()
    verdicts = asyncio.run(doctor.check(answers, machine, trusted, areas, talk.row))
    if arguments.report:
        return _report(arguments, machine, answers, verdicts)
    if arguments.json:
        print_json({"ok": exit_code(verdicts) == 0, "checks": [each.as_json() for each in verdicts]})
    else:
        print(f"\n{summary(verdicts, time.monotonic() - started, talk.look)}")
    return exit_code(verdicts)


def _asked_about(arguments: argparse.Namespace, machine: Machine) -> tuple[Answers, frozenset[str]]:
    """Return the answers to check, and the origins among them that a credential may be sent to."""
    if arguments.server is not None:
        return _another(arguments.server), frozenset()
    if arguments.answers is not None:
        return _of_a_team(arguments, machine)
    answers = needed_answers(machine)
    return answers, origins(answers)


def _of_a_team(arguments: argparse.Namespace, machine: Machine) -> tuple[Answers, frozenset[str]]:
    """Return a team's answers, and the origins among them that a credential may be sent to."""
    from wizard.answers import to_table
    from wizard.commands.team import confirmed_origins, team_at
    from wizard.team import with_personal

    saved, _ = saved_answers(machine)
    known = to_table(saved) if saved else {}
    team = team_at(arguments.answers, machine, saved)
    ask = is_yes if is_somebody_there() and not arguments.yes else None
    confirmed = confirmed_origins(team, known, yes=arguments.yes, ask=ask)
    answers = answers_from(with_personal(team.table, known))
    agreed = origins(answers) if arguments.yes and not team.is_fetched else confirmed
    return answers, agreed | (origins(saved) if saved else frozenset())


def _report(
    arguments: argparse.Namespace, machine: Machine, answers: Answers | None, verdicts: tuple[Verdict, ...]
) -> int:
    told = asyncio.run(report.collect(answers, machine, verdicts))
    if arguments.json:
        print_json(told)
    else:
        print(report.as_text(told), end="")
    return exit_code(verdicts) if answers is not None else CHECK_FAILED


def _nothing_set_up(machine: Machine, trouble: str) -> Verdict:
    if trouble:
        return finding("files.answers", "answers-bad", problem=trouble)
    return finding("files.answers", "nothing-set-up", path=machine.short(machine.answers_file))


def _by_another_way(gateway: Gateway, given: Sequence[str]) -> Gateway:
    """Return the gateway with the way to it changed by `--set`; never its URL, for which keys have been confirmed."""
    for each in given:
        name, equals, value = (part.strip() for part in each.partition("="))
        field = _WAY.get(name)
        if not equals or field is None:
            raise Stop(USAGE, str(Problem("--set", each, f"check takes one of these here: {', '.join(_WAY)}.")))
        read = field.read(value, "gateway") if value else ""
        if isinstance(read, Problem):
            raise Stop(USAGE, str(read))
        gateway = replace(gateway, **{field.name: read})  # type: ignore[arg-type]
    return gateway


def _another(url: str) -> Answers:
    """Return answers for a gateway named on the command line; http is fine, since no key goes there."""
    try:
        parse_address(url, allow_http=True)
    except AddressError as error:
        raise Stop(USAGE, str(Problem("--server", url, unsafe(url) or str(error)))) from None
    return Answers(gateway=Gateway(url=url, allow_http=True))
