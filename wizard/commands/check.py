"""`check`: the doctor's findings, as rows or JSON."""

from __future__ import annotations

import argparse
import asyncio
import sys

from wizard import doctor
from wizard.answers import Answers, Gateway
from wizard.commands.shared import USAGE, Stop, Talk, exit_code, needed_answers, print_json, this_machine
from wizard.fields import Problem, unsafe
from wizard.net.address import AddressError, parse_address
from wizard.origins import origins


def run(arguments: argparse.Namespace) -> int:
    """Check and print; with `--server` only that gateway, and never with a key."""
    machine = this_machine()
    areas: tuple[doctor.Area, ...] = (arguments.only,) if arguments.only else doctor.AREAS
    if arguments.server is None:
        answers = needed_answers(machine)
    elif arguments.only in (None, "gateway"):
        areas = ("gateway",)
        answers = _another(arguments.server)
    else:
        raise Stop(USAGE, "--server checks a gateway without a key. Leave --only out, or use --only gateway.")
    talk = Talk(sys.stdout, quiet=arguments.json)
    verdicts = asyncio.run(doctor.check(answers, machine, origins(answers), areas, talk.row))
    if arguments.json:
        print_json({"ok": exit_code(verdicts) == 0, "checks": [each.as_json() for each in verdicts]})
    return exit_code(verdicts)


def _another(url: str) -> Answers:
    """Return answers for a gateway named on the command line; http is fine, since no key goes there."""
    try:
        parse_address(url, allow_http=True)
    except AddressError as error:
        raise Stop(USAGE, str(Problem("--server", url, unsafe(url) or str(error)))) from None
    return Answers(gateway=Gateway(url=url, allow_http=True))
