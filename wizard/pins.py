"""Whether the gateway has the models that Claude Code will ask for: the pins, and its own choice where none is set."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase
from typing import Final

from wizard.answers import MODEL_FIELDS, Answers
from wizard.machine.claude_code import wanted_models
from wizard.machine.model import Machine
from wizard.verdict import Kind, Verdict, judge

CHECK: Final = "key.models"

TIERS: Final = tuple(each.name for each in MODEL_FIELDS)
_SHOWN: Final = 6

CATALOGUE: Final[Mapping[str, Kind]] = {
    "models-there": Kind("pass", "Everything Claude Code will ask for is there."),
    "pins-missing": Kind(
        "fail",
        "The gateway does not list {missing}, pinned for the server before.",
        "Pin one it has, like --set models.{tier}=NAME, or drop the pin with --set models.{tier}= . It has {listed}.",
    ),
    "pins-unlisted": Kind(
        "warn", "The gateway does not list {missing}, which is pinned all the same.", "It has {listed}."
    ),
    "defaults-missing": Kind(
        "warn",
        "Claude Code will ask for {missing}, which the gateway does not list.",
        "Pin one it has, like --set models.{tier}=NAME. It has {listed}.",
    ),
    "not-tried": Kind("skip", "Not tried: the gateway's list of models is not known."),
}


def missing(pins: Mapping[str, str], listed: Collection[str]) -> tuple[str, ...]:
    """Return the tiers whose model the gateway does not list. It lists wildcards as such (`*`, `bedrock/*`).

    Claude Code takes a trailing `[1m]` for itself and does not send it.
    """
    return tuple(tier for tier, model in pins.items() if model and not _is_listed(model.removesuffix("[1m]"), listed))


def _is_listed(model: str, listed: Collection[str]) -> bool:
    return model in listed or any(fnmatchcase(model, each) for each in listed if "*" in each)


def asked(answers: Answers, machine: Machine) -> Mapping[str, str]:
    """Return the model that Claude Code will ask for, by tier: the pin, else its own choice (none without it)."""
    gateway = answers.gateway
    own: Mapping[str, str] = {}
    if machine.claude is not None:
        found = wanted_models(machine.claude.version, gateway.route, gateway.aws_region)
        own = {tier: found[tier] for tier in ("opus", "sonnet", "haiku")}
    return {tier: getattr(answers.models, tier) or own.get(tier, "") for tier in TIERS}


def verdict(answers: Answers, machine: Machine, listed: Collection[str], *, meant: Collection[str]) -> Verdict:
    """Judge the pins. They must be there, but for those that the user `meant` for this very server."""
    if not listed:
        return judge(CATALOGUE, CHECK, "not-tried")
    models = asked(answers, machine)
    gone = missing(models, listed)
    pinned = [tier for tier in gone if getattr(answers.models, tier)]
    for kind, tiers in (
        ("pins-missing", [tier for tier in pinned if tier not in meant]),
        ("pins-unlisted", pinned),
        ("defaults-missing", gone),
    ):
        if tiers:
            names = {tier: models[tier] for tier in tiers}
            text = " and ".join(f"{model} ({tier})" for tier, model in names.items())
            return judge(CATALOGUE, CHECK, kind, missing=text, tier=tiers[0], listed=_shown(listed), models=names)
    return judge(CATALOGUE, CHECK, "models-there")


def _shown(listed: Collection[str]) -> str:
    first = sorted(listed)[:_SHOWN]
    more = len(listed) - len(first)
    return ", ".join(first) + (f" and {more} more" if more else "")
