"""After the write: what the real programs make of it. Fresh shells, the installed helper, Claude Code itself."""

from __future__ import annotations

import asyncio

from wizard.answers import Answers
from wizard.apply import suspend
from wizard.keys.backend import Report
from wizard.machine.model import Machine
from wizard.proof.catalogue import not_tried
from wizard.proof.claude import answer_not_asked, answer_verdict, base_url, helper_verdict, settings_verdict
from wizard.proof.settings import read_settings
from wizard.proof.shells import shell_verdict, wanted_exports
from wizard.verdict import Verdict


def rows(answers: Answers, _: Machine) -> tuple[tuple[str, str], ...]:
    """Return id and label of the verdicts that `prove` reports, in order."""
    return (
        *((f"proof.{name}", f"new {name}") for name in answers.write.shells),
        ("proof.helper", "key helper"),
        ("proof.settings", "settings"),
        ("proof.answer", "answer"),
    )


async def prove(answers: Answers, machine: Machine, report: Report, *, ask_claude: bool) -> tuple[Verdict, ...]:
    """Try the set-up that is on disk with the real programs, report each verdict in the order of `rows`, return them.

    Nothing is written but a folder of the wizard's own that goes again. `ask_claude` has Claude Code answer once
    through the gateway, which may cost money: the caller has asked. Raises AddressError when the answers hold no usable
    URL. A set-up that is switched off has nothing to try.
    """
    if suspend.is_off(machine):
        off = tuple(not_tried(each, suspend.SENTENCE) for each, _ in rows(answers, machine))
        for verdict in off:
            report(verdict)
        return off
    settings = read_settings(machine)
    wanted = wanted_exports(answers, machine, settings)
    base_url(answers, machine)
    verdicts: list[Verdict] = []

    def say(verdict: Verdict) -> None:
        verdicts.append(verdict)
        report(verdict)

    async with asyncio.TaskGroup() as group:
        shells = [group.create_task(shell_verdict(name, wanted, answers, machine)) for name in answers.write.shells]
        helper = group.create_task(helper_verdict(answers, machine, settings))
        reading = group.create_task(settings_verdict(answers, machine, settings))
        for shell in shells:
            say(await shell)
        helped, key = await helper
        say(helped)
        say(await reading)
    works_so_far = all(each.status in ("pass", "warn") for each in verdicts[-2:])
    if ask_claude and works_so_far:
        say(await answer_verdict(answers, machine, key))
    else:
        say(answer_not_asked(machine, works_so_far=works_so_far))
    return tuple(verdicts)
