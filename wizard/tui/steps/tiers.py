"""Claude Code's tiers and the gateway's models: what is pinned, what is asked for, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from textual.content import Content

from wizard.answers import MODEL_FIELDS, Models
from wizard.flow import Draft
from wizard.services import Services

TIERS: Final = tuple(each.name for each in MODEL_FIELDS)
LABELS: Final = {each.name: each.label for each in MODEL_FIELDS}


@dataclass(frozen=True, slots=True)
class Tiers:
    """The pins so far, beside what Claude Code asks for without them (`wanted`) and what the gateway has (`models`)."""

    pins: Mapping[str, str]
    wanted: Mapping[str, str]
    models: tuple[str, ...]

    def pinned(self, tier: str, model: str) -> Tiers:
        """Return the same with one tier pinned to a model; an empty one leaves it to Claude Code."""
        return replace(self, pins={**self.pins, tier: model})

    @property
    def answers(self) -> Models:
        """The pins as they are answered."""
        return Models(**self.pins)

    def lines(self) -> list[Content]:
        """Return a row for each tier."""
        column = max(12, *(len(each) for each in self.pins.values())) + 2
        return [self._line(tier, column) for tier in TIERS]

    def _line(self, tier: str, column: int) -> Content:
        pin = self.pins[tier]
        name = Content(pin or "not pinned").truncate(column, pad=True).stylize("" if pin else "$text-muted")
        return Content.assemble((f"{LABELS[tier]:<9}", "bold"), name, self._note(tier))

    def _note(self, tier: str) -> tuple[str, str]:
        asked = self._asked(tier)
        if not asked or not self.models:
            return "", ""
        if asked not in self.models:
            return ("! not in the gateway's list" if self.pins[tier] else f"! asks for {asked}, not there"), "$warning"
        return ("✓ there" if self.pins[tier] else f"✓ asks for {asked}"), "$success"

    def _asked(self, tier: str) -> str:
        return self.pins[tier] or self.wanted.get(tier, "")

    def summary(self) -> tuple[str, str]:
        """Return what it comes to in one line, and how that looks."""
        if not self.models:
            return "! The gateway's list is not known: no key was tried. Type a name, or go on.", "-mixed"
        missing = [LABELS[tier] for tier in TIERS if self._asked(tier) and self._asked(tier) not in self.models]
        if missing:
            return f"! Claude Code would ask for what your gateway lacks. Pin {' and '.join(missing)}.", "-mixed"
        return "✓ Everything Claude Code will ask for is there.", "-good"


def first_tiers(draft: Draft, services: Services) -> Tiers:
    """Return the pins answered before; at first, what Claude Code would ask for, where the gateway has it."""
    models = draft.trial_now.models if draft.trial_now else ()
    version = draft.machine.claude.version if draft.machine.claude else None
    gateway = draft.answers.gateway
    asked = services.wanted_models(version, gateway.route, gateway.aws_region)
    wanted = {tier: asked[tier] for tier in ("opus", "sonnet", "haiku")}
    answered = draft.answers.models
    if answered != Models() or draft.saved is not None:
        return Tiers({tier: getattr(answered, tier) for tier in TIERS}, wanted, models)
    return Tiers({tier: _suggestion(tier, wanted[tier], models) for tier in TIERS}, wanted, models)


def _suggestion(tier: str, wanted: str, models: tuple[str, ...]) -> str:
    if wanted in models:
        return wanted
    alike = [each for each in models if tier in each.lower()]
    return alike[0] if len(alike) == 1 else ""


def matching(models: tuple[str, ...], text: str) -> tuple[str, ...]:
    """Return the models that hold every word of a text."""
    words = text.lower().split()
    return tuple(each for each in models if all(word in each.lower() for word in words)) if words else models
