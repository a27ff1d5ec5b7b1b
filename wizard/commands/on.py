"""`on`: resumes a set-up that was switched off: checks, and writes what the answers say."""

from __future__ import annotations

import argparse

from wizard.apply.plan import Plan
from wizard.apply.suspend import as_before_off, is_off, life_before_off
from wizard.commands.apply import Pipeline
from wizard.commands.shared import PROGRAM, REFUSED, Stop, machine_to_write_on, needed_answers


def run(arguments: argparse.Namespace) -> int:
    """Bring the set-up back, after the checks and a yes."""
    machine = machine_to_write_on()
    answers = needed_answers(machine)
    if not is_off(machine):
        raise Stop(REFUSED, f"It is not switched off. Run {PROGRAM} apply to write what your answers say.")
    return _On(arguments, machine, answers, typed=frozenset(), named_tiers=()).run()


class _On(Pipeline):
    """One `on`: an `apply` of the saved answers that brings back, byte for byte, what `off` took away."""

    def plan(self) -> Plan:
        """Return the plan. Raises Stop where there can be none."""
        self.life = self.life or life_before_off(self.machine)
        return as_before_off(super().plan(), self.machine)
