"""The demo looking the same each time, whatever is measured, whichever ports are free, whatever is installed."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from wizard.apply.change import Change, Plan
from wizard.demo.faults import NO_FAULT, DemoFault
from wizard.demo.tour import Tour
from wizard.machine.model import Machine
from wizard.record import replace
from wizard.services import Services
from wizard.verdict import Verdict

if TYPE_CHECKING:
    from textual.app import App
    from textual.pilot import Pilot

HOME: Final = "/home/ada"
GATEWAY_PORT: Final = "44300"
VAULT_PORT: Final = "48200"
PROGRAMS: Final = ("bash", "curl", "jq")
"""What has to be here, as `tests.programs.require` finds it."""

_MEASURED: Final = (
    (re.compile(r"expires in \d+ years"), "expires in 73 years"),
    (re.compile(r"\b\d+ ms\b"), "90 ms"),
    (re.compile(r"\b\d+\.\d s\b"), "90 ms"),
    (re.compile(r"\b\d+\.\d+ seconds\b"), "0.6 seconds"),
)
_LOOKS: Final = 4
"""How many times in a row a screen has to look the same."""

_PATIENCE: Final = 60.0


class SteadyTour(Tour):
    """A tour on which every figure is the same each time."""

    _real: Plan

    def services(self) -> Services:
        """Return the demo's core with steady figures."""
        core = super().services()

        async def check_gateway(gateway: Any, machine: Machine, report: Any) -> tuple[Verdict, ...]:
            found = await core.check_gateway(gateway, machine, lambda verdict: report(self.steady(verdict)))
            return tuple(map(self.steady, found))

        async def try_key(answers: Any, machine: Machine, confirmed: Any, report: Any) -> Any:
            trial = await core.try_key(answers, machine, confirmed, lambda verdict: report(self.steady(verdict)))
            return replace(trial, verdicts=tuple(map(self.steady, trial.verdicts)))

        async def send_one_message(*arguments: Any) -> Verdict:
            return self.steady(await core.send_one_message(*arguments))

        async def prove(answers: Any, machine: Machine, report: Any, *, ask_claude: bool) -> tuple[Verdict, ...]:
            def told(verdict: Verdict) -> None:
                report(self.steady(verdict))

            return tuple(map(self.steady, await core.prove(answers, machine, told, ask_claude=ask_claude)))

        def make_plan(*arguments: Any, **options: Any) -> Plan:
            self._real = core.make_plan(*arguments, **options)
            return replace(self._real, changes=tuple(map(self._shown, self._real.changes)))

        def carry_out(plan: Plan, *arguments: Any, **options: Any) -> Any:
            return core.carry_out(self._real, *arguments, **options)

        return replace(
            core,
            survey=lambda machine: _with_few_programs(core.survey(machine)),
            check_gateway=check_gateway,
            try_key=try_key,
            send_one_message=send_one_message,
            make_plan=make_plan,
            carry_out=carry_out,
            prove=prove,
        )

    def steady(self, verdict: Verdict) -> Verdict:
        """Return a verdict without anything measured."""
        ms = None if verdict.ms is None else float(3 + sum(verdict.id.encode()) % 90)
        return replace(verdict, cause=self._text(verdict.cause), fix=self._text(verdict.fix), ms=ms)

    def picture(self, drawn: str) -> str:
        """Return a drawing with the same ports each time; they are as long as the real ones."""
        return drawn.replace(str(self.gateway.port), GATEWAY_PORT).replace(str(self.store.port), VAULT_PORT)

    def _text(self, text: str) -> str:
        text = text.replace(str(self.place.home), HOME)
        for pattern, word in _MEASURED:
            text = pattern.sub(word, text)
        return text

    def _shown(self, change: Change) -> Change:
        def at_home(content: bytes | None) -> bytes | None:
            return content and content.replace(str(self.place.home).encode(), HOME.encode())

        return replace(change, before=at_home(change.before), after=at_home(change.after))


def _with_few_programs(machine: Machine) -> Machine:
    """Return the machine as if nothing but bash, curl and jq were installed."""
    programs = {name: Path(f"/usr/bin/{name}") for name in PROGRAMS}
    return replace(machine, programs=programs, shells=tuple(each for each in machine.shells if each.name == "bash"))


@contextmanager
def steady_tour(fault: DemoFault = NO_FAULT) -> Iterator[SteadyTour]:
    """Make a tour whose ports have five digits each, which is nearly every one."""
    with SteadyTour(fault, {"SHELL": "/bin/bash", "TMPDIR": os.environ.get("TMPDIR", "")}) as tour:
        if min(tour.gateway.port, tour.store.port) > 9999:
            yield tour
            return
    with steady_tour(fault) as another:
        yield another


async def until_still(app: App[Any], pilot: Pilot[Any], look: Callable[[], str]) -> str:
    """Wait until no work is under way and the screen looks the same several times in a row; return that look.

    Nothing is filmed while a form is still being filled in or a row is still on its way.
    """
    from textual.widgets import Input

    last, same = "", 0
    async with asyncio.timeout(_PATIENCE):
        while same < _LOOKS:
            await pilot.pause()
            await app.workers.wait_for_complete()
            for each in app.screen.query(Input):
                each.cursor_blink = False
            await pilot.pause()
            now = look()
            last, same = now, same + 1 if now == last and not _is_filling(app) else 0
    return last


def _is_filling(app: App[Any]) -> bool:
    """Whether a form still has rows to make."""
    from wizard.tui.widgets.form import FieldRow

    return any(row.matters and not row.display and not row.is_made for row in app.screen.query(FieldRow))
