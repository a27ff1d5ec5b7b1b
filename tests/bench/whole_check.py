"""How long the whole health check of a good gateway takes beside the slowest of its questions asked alone.

A question alone is one chain: TCP, TLS where it is used, one request. Both are timed turn by turn in one process, with
the gateway in another.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.machines import machine_at
from wizard.answers import Gateway
from wizard.gateway.elsewhere import IDENTITY
from wizard.gateway.health import ALIVE, READY, ROUTES, SIGN_IN_FACTS, check_gateway
from wizard.gateway.way import way_to
from wizard.net.http import find, request
from wizard.verdict import worst

QUESTIONS: Final = (ALIVE, READY, IDENTITY, *ROUTES.values(), SIGN_IN_FACTS)


@dataclass
class Figures:
    """Seconds of every round: of the whole check, and of each question alone."""

    check: list[float] = field(default_factory=list)
    alone: Mapping[str, list[float]] = field(default_factory=lambda: {each: [] for each in QUESTIONS})

    @property
    def slowest(self) -> str:
        """The question that takes longest alone."""
        return max(QUESTIONS, key=lambda each: statistics.median(self.alone[each]))

    @property
    def ratio(self) -> float:
        """The whole check's median over that of the slowest question alone."""
        return statistics.median(self.check) / statistics.median(self.alone[self.slowest])

    def __str__(self) -> str:
        check, chain = statistics.median(self.check), statistics.median(self.alone[self.slowest])
        times = f"{check * 1000:.1f} ms, the slowest chain ({self.slowest}) {chain * 1000:.1f} ms"
        return f"The whole check takes {times}: {self.ratio:.2f} times as long."


async def measure(gateway: Gateway, home: Path, rounds: int, figures: Figures) -> None:
    """Time some rounds; the first, which warms everything up, does not count.

    A question alone also reads the trusted authorities, as the check does once.
    """
    machine = machine_at(home, env={})
    for turn in range(rounds + 1):
        for path in QUESTIONS:
            started = time.perf_counter()
            await request(await find(await way_to(gateway, machine)), "GET", path)
            if turn:
                figures.alone[path].append(time.perf_counter() - started)
        started = time.perf_counter()
        verdicts = await check_gateway(gateway, machine, lambda _: None)
        if turn:
            figures.check.append(time.perf_counter() - started)
        assert worst(verdicts) == "pass", verdicts


def compare(gateway: Gateway, home: Path, rounds: int, figures: Figures) -> Figures:
    """Add rounds to the figures."""
    asyncio.run(measure(gateway, home, rounds, figures))
    return figures
