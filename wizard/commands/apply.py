"""`apply`: check, plan, ask, write, prove."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Collection, Sequence
from typing import Any

from wizard import pins
from wizard.answers import Answers, assign
from wizard.apply.plan import Plan, PlanError, make_plan
from wizard.apply.transaction import Refused, WriteFailed, carry_out
from wizard.commands import in_the_way
from wizard.commands.rows import Talk
from wizard.commands.shared import (
    CHECK_FAILED,
    OK,
    PROGRAM,
    REFUSED,
    USAGE,
    WRITE_FAILED,
    Stop,
    answers_from,
    is_somebody_there,
    is_yes,
    machine_to_write_on,
    print_json,
    read_table,
    saved_answers,
    this_machine,
)
from wizard.fields import AnswersError
from wizard.machine.model import Machine
from wizard.machine.survey import with_claude_version
from wizard.origins import origins, typed_origins, without_old_leave
from wizard.verdict import Verdict, worst


def run(arguments: argparse.Namespace) -> int:
    """Make the files what the answers say, after the checks and a yes."""
    machine = machine_to_write_on()
    given = assignments(arguments)
    if arguments.shell:
        given.append(f"write.shells={','.join(arguments.shell)}")
    before, confirmed = _given_table(arguments, machine, given)
    table = assigned(before, given)
    write = table.setdefault("write", {})
    if isinstance(write, dict) and "shells" not in write and machine.login_shell:
        table["write"] = {**write, "shells": [machine.login_shell]}
    named = set(pins.TIERS) if arguments.answers else named_tiers(given)
    typed = typed_origins(given) | confirmed
    return Pipeline(arguments, machine, answers_from(table), typed=typed, named_tiers=named).run()


def _given_table(
    arguments: argparse.Namespace, machine: Machine, given: Sequence[str]
) -> tuple[dict[str, Any], frozenset[str]]:
    """Return the answers to begin with: the saved ones, or a team's; and the origins that were confirmed for that."""
    saved = read_table(machine.answers_file) if machine.answers_file.exists() else {}
    if arguments.answers is None:
        return saved, frozenset()
    from wizard.commands.team import confirmed_origins, team_at
    from wizard.team import with_personal

    team = team_at(arguments.answers, machine, saved_answers(machine)[0])
    names = {each.partition("=")[0].strip() for each in given}
    ask = is_yes if is_somebody_there() and not arguments.yes else None
    confirmed = confirmed_origins(team, saved, given=names, yes=arguments.yes, ask=ask)
    return with_personal(team.table, saved), confirmed


def assignments(arguments: argparse.Namespace) -> list[str]:
    """Return the flags of a command line as `section.key=value`, those of `--set` last."""
    flags = {"gateway.url": arguments.server, "gateway.route": arguments.route, "key.backend": arguments.key}
    return [*(f"{name}={value}" for name, value in flags.items() if value), *arguments.set]


def assigned(before: dict[str, Any], given: Sequence[str]) -> dict[str, Any]:
    """Return a table of answers with assignments applied. Raises Stop for one that is none."""
    table = before
    try:
        for each in given:
            table = assign(table, each)
    except AnswersError as error:
        raise Stop(USAGE, str(error)) from None
    return without_old_leave(before, dict(table), {each.partition("=")[0].strip() for each in given})


def named_tiers(given: Sequence[str]) -> set[str]:
    """Return the tiers that assignments pin."""
    return {tier for tier in pins.TIERS if any(each.startswith(f"models.{tier}=") for each in given)}


class Pipeline:
    """Check, plan, ask, write, prove: what `apply` and `move` do once they know the answers.

    `typed` are the origins named in this run, `named_tiers` the tiers pinned in it.
    """

    restart = "Restart running Claude Code sessions and IDEs, then run claude in a new shell."
    still = ""

    def __init__(
        self,
        arguments: argparse.Namespace,
        machine: Machine,
        answers: Answers,
        *,
        typed: frozenset[str],
        named_tiers: Collection[str],
    ) -> None:
        self.arguments = arguments
        self.machine = machine
        self.answers = answers
        self.typed = typed
        self.named_tiers = named_tiers
        self.talk = Talk(sys.stderr)
        self.verdicts: list[Verdict] = []
        self.life: int | None = None
        self.chosen = in_the_way.choices(arguments, machine)

    def run(self) -> int:
        """Do it all and return the exit code."""
        passed = self.arguments.skip_checks or self.check()
        if not passed and not self.arguments.dry_run:
            self.talk.say("Nothing was written. Mend what failed, or add --skip-checks to write anyway." + self.still)
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
        elif plan.is_kept:
            self.write(plan)
            self.talk.say("Nothing to write: what you keep is noted, and every other file is as the answers say.")
        else:
            self.talk.say("Nothing to do: every file is as the answers say.")
        return self.prove(plan)

    def check(self) -> bool:
        """Run the health check and the key test; say whether both passed."""
        import asyncio

        asyncio.run(self._check())
        return worst(tuple(self.verdicts)) != "fail"

    async def _check(self) -> None:
        """Look at the gateway without a key; then, if it is fit for one, with it."""
        from wizard import trial
        from wizard.gateway.health import check_gateway

        trusted = self.confirmed()
        gateway = await check_gateway(self.answers.gateway, self.machine, self.say)
        if worst(gateway) == "fail":
            trusted -= {self.answers.gateway.address.origin}
        tried = await trial.try_key(self.answers, self.machine, trusted, self.say)
        self.life = tried.life_seconds
        machine = await with_claude_version(self.machine) if tried.models else self.machine
        self.say(pins.verdict(self.answers, machine, tried.models, meant=self.meant()))

    def meant(self) -> Collection[str]:
        """Return the tiers whose pins were meant for this server: named in this run, or written for it before."""
        saved, _ = saved_answers(self.machine)
        here = saved is not None and saved.gateway.address.origin == self.answers.gateway.address.origin
        return pins.TIERS if here else self.named_tiers

    def say(self, verdict: Verdict) -> None:
        """Note a verdict and show it."""
        self.verdicts.append(verdict)
        self.talk.row(verdict)

    def confirmed(self) -> frozenset[str]:
        """Return the origins a credential may be sent to: typed now, said yes to earlier, or asked for now."""
        wanted = origins(self.answers)
        saved, _ = saved_answers(self.machine)
        known = (origins(saved) if saved else frozenset()) | self.typed
        if self.arguments.yes or wanted <= known:
            return wanted
        new = sorted(wanted - known)
        if self.ask(f"Credentials would be sent to {' and '.join(new)}. Is that right?"):
            return wanted
        return known

    def plan(self) -> Plan:
        """Return the plan. Raises Stop where there can be none."""
        try:
            plan = make_plan(self.answers, self.machine, life_seconds=self.life, choices=self.chosen)
        except PlanError as error:
            raise Stop(REFUSED, f"{self.machine.short(error.path)}: {error.text} Nothing was written.") from None
        in_the_way.refuse_unknown(plan, self.chosen)
        if plan.blockers and not self.arguments.dry_run:
            raise Stop(REFUSED, "\n".join([*plan.blockers, "Nothing was written."]))
        return plan

    def show(self, plan: Plan) -> None:
        """Show the plan, and what else there is to know."""
        for change in plan.changes:
            if change.is_noop and not change.is_conflict:
                continue
            path = self.machine.short(change.path)
            self.talk.say(f"\n{path}: {change.state}, mode {change.mode:04o}")
            if change.drift and change.conflict and not self.arguments.json:
                print(change.drift.diff(path), flush=True)
            if not self.arguments.json:
                print(change.diff(path), flush=True)
            for note in change.notes:
                self.talk.say(note)
            if change.conflict:
                self.talk.say(f"! {change.conflict}")
        for leftover in plan.leftovers:
            self.talk.say(f"! {leftover.where} holds {leftover.name}: {leftover.effect} {leftover.remedy}")
        for each in plan.migrations:
            if not each.chosen:
                self.talk.say(f"  --migrate {shlex.quote(each.name)}: {each.text}")
        for text in (*plan.notes, *plan.blockers):
            self.talk.say(text)

    def refuse_conflicts(self, plan: Plan) -> None:
        """Raise Stop when something of the user would be replaced without its own yes."""
        in_the_way.refuse_open(plan, in_the_way.to_replace(self.arguments, self.chosen), self.machine)

    def confirm(self, plan: Plan) -> None:
        """Ask for the yes to write."""
        if self.arguments.yes:
            return
        count = len(plan.pending)
        if not self.ask(f"Write {count} file{'s' if count != 1 else ''}?"):
            raise Stop(REFUSED, "Nothing was changed.")

    def ask(self, question: str) -> bool:
        """Ask on the terminal. Raises Stop when nobody is there."""
        if not is_somebody_there():
            raise Stop(USAGE, f"{question} Nobody is there to answer. Add --yes, or --dry-run to see the plan only.")
        return is_yes(question)

    def write(self, plan: Plan) -> None:
        """Write."""
        agreed = in_the_way.to_replace(self.arguments, self.chosen)
        try:
            carry_out(plan, self.machine, replace=agreed, progress=lambda stage: self.talk.say(stage.text))
        except Refused as error:
            raise Stop(REFUSED, str(error)) from None
        except WriteFailed as error:
            raise Stop(WRITE_FAILED, str(error)) from None

    def prove(self, plan: Plan) -> int:
        """Have the real programs tried, and finish."""
        import asyncio

        from wizard import prove

        async def proofs() -> tuple[Verdict, ...]:
            machine = await with_claude_version(this_machine())
            return await prove.prove(self.answers, machine, self.talk.row, ask_claude=self.arguments.prove)

        found = asyncio.run(proofs())
        self.verdicts += found
        written = not plan.is_empty
        if written:
            self.talk.say(f"\n{self.restart}")
            self.talk.say(f"To undo: {PROGRAM} undo")
        return self.finish(CHECK_FAILED if worst(found) == "fail" else OK, written=written, plan=plan)

    def finish(self, code: int, *, written: bool, plan: Plan | None = None) -> int:
        """Print the JSON object where it is wanted; return the exit code."""
        if self.arguments.json:
            changes = [
                {
                    "path": str(each.path),
                    "role": each.role,
                    "state": each.state,
                    "conflict": each.conflict,
                    "ways": {way: text for way, text in each.ways.items() if each.conflict},
                    "drift": each.drift.text if each.drift else "",
                }
                for each in (plan.changes if plan else ())
            ]
            migrations = [
                {"name": each.name, "chosen": each.chosen, "text": each.text}
                for each in (plan.migrations if plan else ())
            ]
            checks = [each.as_json() for each in self.verdicts]
            result = {"ok": code == OK, "written": written, **self.more_json(), "changes": changes}
            result |= {"migrations": migrations, "checks": checks}
            print_json(result)
        return code

    def more_json(self) -> dict[str, object]:
        """Return what a command adds to the JSON object."""
        return {}
