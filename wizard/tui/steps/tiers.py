"""Claude Code's tiers and the gateway's models: what is pinned, what is asked for, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping

from textual.content import Content

from wizard.answering import LABELS, TIERS, first_pins, wanted_models
from wizard.answers import Models
from wizard.flow import Draft
from wizard.record import dataclass, replace
from wizard.services import Services


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
    """Return the tiers as the step begins."""
    wanted = wanted_models(draft.machine, draft.answers.gateway, services)
    models = draft.trial_now.models if draft.trial_now else ()
    return Tiers(first_pins(draft, wanted), wanted, models)
