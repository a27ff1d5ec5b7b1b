"""Every check in order, each with its fix: what `check` prints."""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable, Collection, Iterable
from pathlib import Path
from typing import Final, Literal, get_args

from wizard import prove, trial
from wizard.answers import Answers
from wizard.apply import suspend
from wizard.apply.drift import drifts
from wizard.apply.plan import PlanError, make_plan
from wizard.doctor.catalogue import finding
from wizard.doctor.claude import claude_verdicts, first_run_verdict, login_verdict
from wizard.doctor.leftovers import leftover_verdicts, profile_verdicts
from wizard.doctor.settings import settings_verdicts
from wizard.gateway import health
from wizard.keys.backend import Report
from wizard.machine.model import Machine
from wizard.machine.survey import with_claude_version, wrong_user
from wizard.secret import redact
from wizard.verdict import Verdict, worst

Area = Literal["gateway", "key", "files", "proof"]
_EDITED: Final = {"changed": "edited-changed", "broken": "edited-broken", "gone": "edited-gone"}
AREAS: Final[tuple[Area, ...]] = get_args(Area)


async def check(
    answers: Answers, machine: Machine, confirmed: Collection[str], areas: Collection[Area], report: Report
) -> tuple[Verdict, ...]:
    """Run every check of the areas named and return the verdicts in order; a failing check never hides the others.

    A key is sent only to an origin in `confirmed`, and only when the gateway's own checks passed. Nothing is written
    and nothing is run that could cost money. A check that itself breaks becomes a verdict `check-broke`.
    """
    return await _Checkup(answers, machine, frozenset(confirmed), frozenset(areas), report).run()


class _Checkup:
    """One run over the areas."""

    def __init__(
        self, answers: Answers, machine: Machine, confirmed: frozenset[str], areas: frozenset[str], report: Report
    ) -> None:
        self.answers = answers
        self.machine = machine
        self.confirmed = confirmed
        self.areas = areas
        self.report = report
        self.verdicts: list[Verdict] = []

    async def run(self) -> tuple[Verdict, ...]:
        """Run what was asked for."""
        gateway: list[Verdict] = []
        if self.areas & {"gateway", "key"}:
            quiet = "gateway" not in self.areas
            await self.guarded("gateway.check", lambda: self.gateway(gateway.append if quiet else self.say, gateway))
        life: list[int] = []
        if "key" in self.areas:
            await self.guarded("key.check", lambda: self.key(gateway, life))
        if "files" in self.areas:
            await self.files(life[0] if life else None)
        if "proof" in self.areas:
            await self.guarded("proof.check", self.proof)
        return tuple(self.verdicts)

    def say(self, verdict: Verdict) -> None:
        self.verdicts.append(verdict)
        self.report(verdict)

    async def guarded(self, check: str, work: Callable[[], Awaitable[object]]) -> None:
        """Do one piece of work; what breaks in it is told as a verdict, and the rest goes on."""
        try:
            await work()
        except Exception as error:  # whatever it is, the other checks are worth having
            self.say(_broken(check, error))

    async def gateway(self, tell: Report, found: list[Verdict]) -> None:
        verdicts = await health.check_gateway(self.answers.gateway, self.machine, tell)
        found[:] = verdicts
        if "gateway" in self.areas:
            self.verdicts[:] = verdicts  # in the order of the rows, whatever came first

    async def key(self, gateway: list[Verdict], life: list[int]) -> None:
        trusted = self.confirmed
        if not gateway or worst(tuple(gateway)) == "fail":
            trusted -= {self.answers.gateway.address.origin}
        tried = await trial.try_key(self.answers, self.machine, trusted, self.say)
        if tried.life_seconds is not None:
            life.append(tried.life_seconds)

    async def proof(self) -> None:
        await prove.prove(self.answers, self.machine, self.say, ask_claude=False)

    async def files(self, life_seconds: int | None) -> None:
        """Tell what this machine's files say, one matter at a time."""
        machine, answers = self.machine, self.answers

        def off() -> bool:
            return suspend.is_off(machine)

        matters: dict[str, Callable[[Machine], Iterable[Verdict]]] = {
            "files.user": _user,
            "files.claude": lambda machine: claude_verdicts(answers, machine),
            "files.first-run": lambda machine: [first_run_verdict(machine, _folder(machine), off=off())],
            "files.login": lambda machine: [login_verdict(machine, off=off())],
            "files.settings": lambda machine: settings_verdicts(answers, machine, off=off()),
            "files.edited": _edited,
            "files.written": lambda machine: [_drift(answers, machine, life_seconds)],
            "files.profile": lambda machine: profile_verdicts(answers, machine),
            "files.leftover": lambda machine: leftover_verdicts(answers, machine),
        }
        try:
            machine = await with_claude_version(machine)
        except Exception as error:
            self.say(_broken("files.claude", error))
        for check, matter in matters.items():
            try:
                for verdict in matter(machine):
                    self.say(verdict)
            except Exception as error:
                self.say(_broken(check, error))


def _broken(check: str, error: BaseException) -> Verdict:
    """Return the verdict of a check that raised; of a group of errors the first is named, its place as a fact."""
    place = _place(error)
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
        place = _place(error) or place
    reason = redact(str(error)) or "it says no more."
    return finding(check, "check-broke", error=type(error).__name__, reason=reason, place=place)


def _place(error: BaseException) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1:]
    return f"{Path(last[0].filename).name}:{last[0].lineno}" if last else ""


def _folder(machine: Machine) -> Path:
    try:
        return Path.cwd()
    except OSError:
        return machine.home


def _user(machine: Machine) -> Iterable[Verdict]:
    if reason := wrong_user(machine):
        problem, _, fix = reason.partition(". ")
        yield finding("files.user", "wrong-user", problem=f"{problem}.", fix=fix)


def _edited(machine: Machine) -> Iterable[Verdict]:
    """Yield what changed in our files since we wrote them, each with the difference in its facts."""
    try:
        found = drifts(machine)
    except PlanError:
        return  # planning says so
    for each in found:
        path = machine.short(each.path)
        facts = {"path": path, "text": each.text, "diff": each.diff(path)}
        verdict = "answers-edited" if each.role == "answers" else _EDITED[each.kind]
        yield finding("files.edited", verdict, **facts)


def _drift(answers: Answers, machine: Machine, life_seconds: int | None) -> Verdict:
    if suspend.is_off(machine):
        return finding("files.written", "switched-off", text=suspend.SENTENCE)
    try:
        plan = make_plan(answers, machine, life_seconds=life_seconds)
    except PlanError as error:
        path = machine.short(error.path)
        return finding("files.written", "unplannable", path=path, problem=error.text)
    if plan.is_empty:
        count = len(plan.changes)
        return finding("files.written", "ok", text=f"All {count} files are as the answers say.", files=count)
    names = ", ".join(machine.short(each.path) for each in plan.pending)
    one = len(plan.pending) == 1
    paths = [str(each.path) for each in plan.pending]
    facts = {"names": f"{names} {'is' if one else 'are'}", "them": "it" if one else "them", "paths": paths}
    return finding("files.written", "drifted", **facts)
