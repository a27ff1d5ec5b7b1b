"""`apply`: check, plan, ask, write, prove."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Any

from wizard import doctor, prove
from wizard.answers import Answers, assign
from wizard.apply.plan import Plan, PlanError, make_plan
from wizard.apply.transaction import Refused, WriteFailed, carry_out
from wizard.commands.shared import (
    CHECK_FAILED,
    OK,
    PROGRAM,
    REFUSED,
    USAGE,
    WRITE_FAILED,
    Stop,
    Talk,
    answers_from,
    machine_to_write_on,
    print_json,
    read_table,
    saved_answers,
    this_machine,
)
from wizard.fields import AnswersError
from wizard.machine.model import Machine
from wizard.machine.survey import with_claude_version
from wizard.net.address import AddressError, parse_address
from wizard.origins import origins
from wizard.verdict import Verdict, worst


def run(arguments: argparse.Namespace) -> int:
    """Make the files what the answers say, after the checks and a yes."""
    machine = machine_to_write_on()
    return _Apply(arguments, machine, answers_from(_asked_table(arguments, machine))).run()


def _asked_table(arguments: argparse.Namespace, machine: Machine) -> dict[str, Any]:
    """Return the answers' table: the file given (or the saved one), with the flags on top."""
    table = _given_table(arguments.answers, machine)
    flags = {"gateway.url": arguments.server, "gateway.route": arguments.route, "key.backend": arguments.key}
    wanted = [f"{name}={value}" for name, value in flags.items() if value]
    if arguments.shell:
        wanted.append(f"write.shells={','.join(arguments.shell)}")
    try:
        for each in [*wanted, *arguments.set]:
            table = assign(table, each)
    except AnswersError as error:
        raise Stop(USAGE, str(error)) from None
    write = table.setdefault("write", {})
    if isinstance(write, dict) and "shells" not in write and machine.login_shell:
        table["write"] = {**write, "shells": [machine.login_shell]}
    return table


def _given_table(path: Path | None, machine: Machine) -> dict[str, Any]:
    if path is not None:
        return read_table(path)
    return read_table(machine.answers_file) if machine.answers_file.exists() else {}


def _typed_origins(arguments: argparse.Namespace) -> frozenset[str]:
    """Return the origins typed on this command line: `--server`, and addresses given with `--set`."""
    typed = [arguments.server or ""]
    typed += [each.partition("=")[2] for each in arguments.set if each.startswith(("gateway.url=", "key."))]
    found = set()
    for text in typed:
        try:
            found.add(parse_address(text, allow_http=True).origin)
        except AddressError:
            continue
    return frozenset(found)


class _Apply:
    """One `apply`: check, plan, ask, write, prove."""

    def __init__(self, arguments: argparse.Namespace, machine: Machine, answers: Answers) -> None:
        self.arguments = arguments
        self.machine = machine
        self.answers = answers
        self.talk = Talk(sys.stderr)
        self.verdicts: list[Verdict] = []
        self.life: int | None = None

    def run(self) -> int:
        passed = self.arguments.skip_checks or self.check()
        if not passed and not self.arguments.dry_run:
            self.talk.say("Nothing was written. Mend what failed, or add --skip-checks to write anyway.")
            return self.finish(CHECK_FAILED, written=False)
        if self.arguments.skip_checks:
            self.talk.say("The gateway and the key were not checked, because you gave --skip-checks.")
        plan = self.plan()
        self.show(plan)
        if self.arguments.dry_run:
            self.talk.say("This was a dry run. Nothing was written.")
            return self.finish(OK if passed else CHECK_FAILED, written=False, plan=plan)
        self.refuse_conflicts(plan)
        if not plan.is_empty:
            self.confirm(plan)
            self.write(plan)
        else:
            self.talk.say("Nothing to do: every file is as the answers say.")
        return self.prove(plan)

    def check(self) -> bool:
        """Run the health check and the key test; say whether both passed."""
        asyncio.run(self._check())
        return worst(tuple(self.verdicts)) != "fail"

    async def _check(self) -> None:
        confirmed = self.confirmed()
        found = await doctor.check(self.answers, self.machine, confirmed, ("gateway", "key"), self.talk.row)
        self.verdicts += found
        told = next((each.facts.get("life_seconds") for each in found if each.id == "key.life"), None)
        self.life = told if isinstance(told, int) else None

    def confirmed(self) -> frozenset[str]:
        """Return the origins a credential may be sent to: typed now, said yes to earlier, or asked for now."""
        wanted = origins(self.answers)
        saved, _ = saved_answers(self.machine)
        known = (origins(saved) if saved else frozenset()) | _typed_origins(self.arguments)
        if self.arguments.yes or wanted <= known:
            return wanted
        new = sorted(wanted - known)
        if self.ask(f"Credentials would be sent to {' and '.join(new)}. Is that right?"):
            return wanted
        return known

    def plan(self) -> Plan:
        try:
            plan = make_plan(self.answers, self.machine, life_seconds=self.life)
        except PlanError as error:
            raise Stop(REFUSED, f"{self.machine.short(error.path)}: {error.text} Nothing was written.") from None
        if plan.blockers and not self.arguments.dry_run:
            raise Stop(REFUSED, "\n".join([*plan.blockers, "Nothing was written."]))
        return plan

    def show(self, plan: Plan) -> None:
        for change in plan.pending:
            path = self.machine.short(change.path)
            self.talk.say(f"\n{path}: {change.state}, mode {change.mode:04o}")
            if not self.arguments.json:
                print(change.diff(path), flush=True)
            for note in change.notes:
                self.talk.say(note)
            if change.conflict:
                self.talk.say(f"! {change.conflict}")
        for leftover in plan.leftovers:
            self.talk.say(f"! {leftover.where} holds {leftover.name}: {leftover.effect} {leftover.remedy}")
        for text in (*plan.notes, *plan.blockers):
            self.talk.say(text)

    def refuse_conflicts(self, plan: Plan) -> None:
        if plan.conflicts and not self.arguments.replace_existing:
            names = ", ".join(self.machine.short(each.path) for each in plan.conflicts)
            text = f"{names}: something of yours would be replaced. Add --replace-existing if that is what you want."
            raise Stop(REFUSED, f"{text} Nothing was written.")

    def confirm(self, plan: Plan) -> None:
        if self.arguments.yes:
            return
        count = len(plan.pending)
        if not self.ask(f"Write {count} file{'s' if count != 1 else ''}?"):
            raise Stop(REFUSED, "Nothing was changed.")

    def ask(self, question: str) -> bool:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise Stop(USAGE, f"{question} Nobody is there to answer. Add --yes, or --dry-run to see the plan only.")
        print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
        return sys.stdin.readline().strip().lower() in ("y", "yes")

    def write(self, plan: Plan) -> None:
        chosen: Any = "all" if self.arguments.replace_existing else ()
        try:
            carry_out(plan, self.machine, replace=chosen, progress=lambda stage: self.talk.say(stage.text))
        except Refused as error:
            raise Stop(REFUSED, str(error)) from None
        except WriteFailed as error:
            raise Stop(WRITE_FAILED, str(error)) from None

    def prove(self, plan: Plan) -> int:
        async def proofs() -> tuple[Verdict, ...]:
            machine = await with_claude_version(this_machine())
            return await prove.prove(self.answers, machine, self.talk.row, ask_claude=self.arguments.prove)

        found = asyncio.run(proofs())
        self.verdicts += found
        written = not plan.is_empty
        if written:
            self.talk.say("\nRestart running Claude Code sessions and IDEs, then run claude in a new shell.")
            self.talk.say(f"To undo: {PROGRAM} undo")
        return self.finish(CHECK_FAILED if worst(found) == "fail" else OK, written=written, plan=plan)

    def finish(self, code: int, *, written: bool, plan: Plan | None = None) -> int:
        if self.arguments.json:
            changes = [
                {
                    "path": str(each.path),
                    "role": each.role,
                    "state": each.state,
                    "conflict": each.conflict,
                }
                for each in (plan.changes if plan else ())
            ]
            checks = [each.as_json() for each in self.verdicts]
            result = {"ok": code == OK, "written": written, "changes": changes, "checks": checks}
            print_json(result)
        return code
