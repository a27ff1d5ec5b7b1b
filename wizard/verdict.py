"""What a check found, in the user's words. One source for the screens, `check`, JSON and the README."""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import Final, Literal

from wizard.record import dataclass, field, replace

Status = Literal["pass", "warn", "fail", "skip"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of one check.

    `id` names the check ("gateway.tls") and `verdict` what was found ("tls-expired"); both are stable and part
    of the JSON contract. `cause` says what is, `fix` what to do (empty when there is nothing to do), `facts`
    carry the same in machine-readable form and never hold a secret. `ms` is how long the check took, if it was timed.
    """

    id: str
    status: Status
    verdict: str
    cause: str
    fix: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)
    ms: float | None = None

    def timed(self, ms: float) -> Verdict:
        """Return the same verdict with its duration in milliseconds."""
        return replace(self, ms=ms)

    def as_json(self) -> dict[str, object]:
        """Return the object that `check --json` prints for this check."""
        return {
            "id": self.id,
            "status": self.status,
            "verdict": self.verdict,
            "cause": self.cause,
            "fix": self.fix,
            "facts": dict(self.facts),
            "ms": None if self.ms is None else round(self.ms, 1),
        }


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Kind:
    """The texts of one verdict; `{name}` is filled from the facts, and from `defaults` where nobody found one."""

    status: Status
    cause: str
    fix: str = ""
    defaults: Mapping[str, object] = field(default_factory=dict)


def judge(
    catalogue: Mapping[str, Kind],
    check: str,
    verdict: str,
    *,
    ms: float | None = None,
    **facts: object,
) -> Verdict:
    """Build the verdict of a check from a catalogue of texts, filling them from the facts.

    A fact that a text names and nobody gave is a mistake in the program: raises KeyError.
    """
    kind = catalogue[verdict]
    fill = string.Formatter().vformat
    known = {**kind.defaults, **facts}
    return Verdict(
        check,
        kind.status,
        verdict,
        fill(kind.cause, (), known),
        fill(kind.fix, (), known),
        facts,
        ms,
    )


GLYPHS: Final[Mapping[Status, str]] = {"pass": "✓", "warn": "!", "fail": "✗", "skip": "○"}
ASCII_GLYPHS: Final[Mapping[Status, str]] = {"pass": "+", "warn": "!", "fail": "x", "skip": "o"}


def worst(verdicts: tuple[Verdict, ...]) -> Status:
    """Return the status that decides for a group: fail before warn before pass; all skipped is skip."""
    found = {each.status for each in verdicts}
    for status in ("fail", "warn", "pass"):
        if status in found:
            return status
    return "skip"
