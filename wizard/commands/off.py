"""`off`: suspends the set-up, so that Claude Code uses its own login; the answers stay."""

from __future__ import annotations

import argparse
import asyncio

from wizard.apply.errors import PlanError
from wizard.apply.plan import Plan
from wizard.apply.suspend import OPEN_TERMINALS, SENTENCE, is_off, plan_off
from wizard.commands.apply import Pipeline
from wizard.commands.shared import (
    CHECK_FAILED,
    OK,
    PROGRAM,
    REFUSED,
    Stop,
    machine_to_write_on,
    needed_answers,
    this_machine,
)
from wizard.proof.shells import shell_off_verdict
from wizard.verdict import Verdict, worst


def run(arguments: argparse.Namespace) -> int:
    """Suspend the set-up after a yes."""
    machine = machine_to_write_on()
    answers = needed_answers(machine)
    arguments.skip_checks, arguments.replace_existing = True, False
    return _Off(arguments, machine, answers, typed=frozenset(), named_tiers=()).run()


class _Off(Pipeline):
    """One `off`: plan, ask, write, and ask the shells whether they are free of it."""

    def run(self) -> int:
        """Do it all and return the exit code."""
        if is_off(self.machine):
            self.talk.say(f"{SENTENCE} Nothing to do. {PROGRAM} on brings it back.")
            return self.finish(OK, written=False)
        plan = self.plan()
        self.show(plan)
        if self.arguments.dry_run:
            self.talk.say("This was a dry run. Nothing was written.")
            return self.finish(OK, written=False, plan=plan)
        if plan.is_empty:
            raise Stop(REFUSED, f"None of it is in effect, so there is nothing to switch off. Run {PROGRAM} check.")
        self.confirm(plan)
        self.write(plan)
        return self.prove(plan)

    def plan(self) -> Plan:
        """Return what goes. Raises Stop where nobody can say."""
        try:
            return plan_off(self.machine)
        except PlanError as error:
            raise Stop(REFUSED, f"{self.machine.short(error.path)}: {error.text} Nothing was written.") from None

    def prove(self, plan: Plan) -> int:
        """Ask a fresh shell of each kind whether it is free of the gateway, and finish."""
        asyncio.run(self._ask_shells())
        failed = worst(tuple(self.verdicts)) == "fail"
        self.talk.say(f"\n{SENTENCE} Your answers are kept; {PROGRAM} on brings it back.")
        self.talk.say(OPEN_TERMINALS)
        return self.finish(CHECK_FAILED if failed else OK, written=True, plan=plan)

    async def _ask_shells(self) -> None:
        machine = this_machine()
        asking = (shell_off_verdict(name, self.answers, machine) for name in self.answers.write.shells)
        found: list[Verdict] = await asyncio.gather(*asking)
        for verdict in found:
            self.say(verdict)
