"""Every check in order, each with its fix: what `check` prints."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, Literal, get_args

from wizard import prove, trial
from wizard.answers import Answers
from wizard.apply import suspend
from wizard.apply.plan import PlanError, make_plan
from wizard.gateway import health
from wizard.keys.backend import Report
from wizard.machine.leftover_advice import leftovers_for
from wizard.machine.model import Machine
from wizard.machine.survey import with_claude_version, wrong_user
from wizard.verdict import Kind, Verdict, judge, worst

Area = Literal["gateway", "key", "files", "proof"]
AREAS: Final[tuple[Area, ...]] = get_args(Area)

CATALOGUE: Final = {
    "ok": Kind("pass", "{text}"),
    "claude-missing": Kind(
        "fail",
        "Claude Code is not on PATH.",
        "Install it with npm install -g @anthropic-ai/claude-code, then check again.",
    ),
    "claude-version-unknown": Kind(
        "warn", "{program} is there but tells no version.", "Run {program} --version and mend what it says."
    ),
    "wrong-user": Kind("fail", "{text}", ""),
    "layer-wins": Kind(
        "fail",
        "{path} sets {names} and beats your own settings.",
        "Ask whoever keeps that file to take them out, or change them there.",
    ),
    "layer-bad": Kind("fail", "Claude Code ignores {path}: {problem}", "Mend the file, then check again."),
    "drifted": Kind("warn", "{names} no longer as the wizard would write them.", "{fix}"),
    "switched-off": Kind("warn", "{text}", "Run claude-litellm-wizard on to bring the set-up back."),
    "unplannable": Kind("fail", "{path} stands in the way: {problem}", "Mend that, then check again."),
    "leftover": Kind("warn", "{where} holds {name}: {effect}", "{remedy}"),
}


async def check(
    answers: Answers, machine: Machine, confirmed: Collection[str], areas: Collection[Area], report: Report
) -> tuple[Verdict, ...]:
    """Run every check of the areas named and return the verdicts in order; a failing check never hides the others.

    A key is sent only to an origin in `confirmed`, and only when the gateway's own checks passed. Nothing is written
    and nothing is run that could cost money.
    """
    verdicts: list[Verdict] = []

    def say(verdict: Verdict) -> None:
        verdicts.append(verdict)
        report(verdict)

    gateway: tuple[Verdict, ...] = ()
    if {"gateway", "key"} & set(areas):
        tell = say if "gateway" in areas else _nothing
        gateway = await health.check_gateway(answers.gateway, machine, tell)
    life: int | None = None
    if "key" in areas:
        trusted = frozenset(confirmed)
        if worst(gateway) == "fail":
            trusted -= {answers.gateway.address.origin}
        tried = await trial.try_key(answers, machine, trusted, say)
        life = tried.life_seconds
    if "files" in areas:
        for verdict in await files(answers, machine, life):
            say(verdict)
    if "proof" in areas:
        await prove.prove(answers, machine, say, ask_claude=False)
    return tuple(verdicts)


def _nothing(_: Verdict) -> None:
    """Take a verdict that nobody asked to see."""


async def files(answers: Answers, machine: Machine, life_seconds: int | None) -> tuple[Verdict, ...]:
    """Return what this machine's files say: Claude Code, its settings, drift from the answers, leftovers."""
    machine = await with_claude_version(machine)
    found = [_claude(machine)]
    if reason := wrong_user(machine):
        found.append(judge(CATALOGUE, "files.user", "wrong-user", text=reason))
    found += _layers(machine)
    found.append(_drift(answers, machine, life_seconds))
    found += [
        judge(
            CATALOGUE,
            "files.leftover",
            "leftover",
            where=each.where,
            name=each.name,
            effect=each.effect,
            remedy=each.remedy,
        )
        for each in leftovers_for(answers, machine)
    ]
    return tuple(found)


def _claude(machine: Machine) -> Verdict:
    claude = machine.claude
    if claude is None:
        return judge(CATALOGUE, "files.claude", "claude-missing")
    program = machine.short(claude.program)
    if claude.version is None:
        return judge(CATALOGUE, "files.claude", "claude-version-unknown", program=program)
    text = f"Claude Code {claude.version} at {program}."
    return judge(CATALOGUE, "files.claude", "ok", text=text, version=claude.version)


def _layers(machine: Machine) -> list[Verdict]:
    found = []
    for layer in machine.layers:
        path = machine.short(layer.path)
        if layer.problem:
            found.append(judge(CATALOGUE, "files.settings", "layer-bad", path=path, problem=layer.problem))
        elif layer.wins:
            names = ", ".join([*(["apiKeyHelper"] if layer.helper else []), *layer.env])
            found.append(judge(CATALOGUE, "files.settings", "layer-wins", path=path, names=names))
    if not found:
        found.append(judge(CATALOGUE, "files.settings", "ok", text="No other settings file beats yours."))
    return found


def _drift(answers: Answers, machine: Machine, life_seconds: int | None) -> Verdict:
    if suspend.is_off(machine):
        return judge(CATALOGUE, "files.written", "switched-off", text=suspend.SENTENCE)
    try:
        plan = make_plan(answers, machine, life_seconds=life_seconds)
    except PlanError as error:
        path = machine.short(error.path)
        return judge(CATALOGUE, "files.written", "unplannable", path=path, problem=error.text)
    if plan.is_empty:
        count = len(plan.changes)
        return judge(CATALOGUE, "files.written", "ok", text=f"All {count} files are as the answers say.", files=count)
    names = ", ".join(machine.short(each.path) for each in plan.pending)
    verb = "is" if len(plan.pending) == 1 else "are"
    fix = "Run claude-litellm-wizard apply --dry-run to see the difference, and apply to write it."
    paths = [str(each.path) for each in plan.pending]
    return judge(CATALOGUE, "files.written", "drifted", names=f"{names} {verb}", fix=fix, paths=paths)
