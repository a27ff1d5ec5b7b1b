"""What a key helper costs beside the bare command it wraps, run in turn."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

PAIRS: Final = 20
ROUNDS: Final = 5
"""Rounds of 20 pairs before a noisy machine fails; one good one is enough."""

TIMES: Final = 1.15
MORE: Final = 0.010
"""Seconds that a helper may take on top, if that is more than 1.15 times the bare command."""

COLUMNS: Final = f"{'helper of':<22}{'helper':>9}{'bare':>9}{'times':>7}{'more':>9}"


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A helper, and the bare command that a person would write for the same."""

    name: str
    helper: Path
    bare: Sequence[str | Path]
    env: Mapping[str, str] = field(repr=False)
    prints_the_same: bool = True

    def ran(self, argv: Sequence[str | Path]) -> subprocess.CompletedProcess[bytes]:
        """Run one of the two as Claude Code runs a helper: its stdin is no terminal, its output is read."""
        return subprocess.run(
            argv, env=dict(self.env), stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False
        )

    def check(self) -> None:
        """Make sure that both do the same work."""
        helper, bare = self.ran(["/bin/sh", "-c", str(self.helper)]), self.ran(self.bare)
        assert (helper.returncode, helper.stderr) == (0, b""), helper.stderr
        assert bare.returncode == 0 and bare.stdout.strip(), bare.stderr
        if self.prints_the_same:
            assert helper.stdout.strip() == bare.stdout.strip()

    def measured(self) -> Cost:
        """Return the medians of 20 pairs; either goes first in turn."""
        helpers, bares = [], []
        for turn in range(PAIRS):
            if turn % 2:
                helpers.append(self._seconds(["/bin/sh", "-c", str(self.helper)]))
                bares.append(self._seconds(self.bare))
            else:
                bares.append(self._seconds(self.bare))
                helpers.append(self._seconds(["/bin/sh", "-c", str(self.helper)]))
        return Cost(self.name, statistics.median(helpers), statistics.median(bares))

    def best(self, rounds: int = ROUNDS) -> Cost:
        """Return the first round that is within bounds, else the best one."""
        costs = []
        for _ in range(rounds):
            costs.append(self.measured())
            if costs[-1].is_within:
                return costs[-1]
        return min(costs, key=lambda each: each.helper - each.bare)

    def _seconds(self, argv: Sequence[str | Path]) -> float:
        began = time.perf_counter()
        self.ran(argv)
        return time.perf_counter() - began


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds a helper took, and those of the bare command, as medians."""

    name: str
    helper: float
    bare: float

    @property
    def is_within(self) -> bool:
        """Whether the helper takes at most 1.15 times as long, or 10 ms more."""
        return self.helper <= max(self.bare * TIMES, self.bare + MORE)

    def __str__(self) -> str:
        more = (self.helper - self.bare) * 1000
        times = self.helper / self.bare
        return f"{self.name:<22}{self.helper * 1000:6.1f} ms{self.bare * 1000:6.1f} ms{times:7.2f}{more:6.1f} ms"
