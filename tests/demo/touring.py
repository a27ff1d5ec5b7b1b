"""Walks through the demo in a test: without screens, and by keys."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final

from tests.tui.fixture import Fake
from tests.tui.walking import LARGE, Walk
from wizard.answers import Route
from wizard.apply.change import Choices
from wizard.demo.faults import NO_FAULT, DemoFault
from wizard.demo.tour import Tour
from wizard.flow import sendable
from wizard.tui.app import WizardApp
from wizard.tui.session import Session
from wizard.verdict import Verdict

MODEL = "claude-haiku-5-5"


@dataclass(frozen=True)
class Seen:
    """What a tour without screens came to."""

    checks: dict[str, Verdict]
    proofs: tuple[Verdict, ...] = ()


async def toured(tour: Tour, *, write: bool = False, route: Route = "anthropic", model: str = MODEL) -> Seen:
    """Take a tour without screens: what each check said, and after a write each proof."""
    services, draft = tour.services(), tour.draft()
    draft = draft.answered(replace(draft.answers, gateway=replace(draft.answers.gateway, route=route)))
    machine = await asyncio.to_thread(services.survey, draft.machine)
    draft = replace(draft, machine=machine).confirming(draft.answers.gateway.address.origin, tour.vault)
    health = await services.check_gateway(draft.answers.gateway, machine, lambda _: None)
    draft = draft.checked(health)
    trial = await services.try_key(draft.answers, machine, sendable(draft), lambda _: None)
    found = {each.id: each for each in (*health, *trial.verdicts)}
    if trial.models and sendable(draft):
        message = await services.send_one_message(draft.answers, machine, sendable(draft), model)
        found[message.id] = message
    if not write:
        return Seen(found)
    plan = services.make_plan(draft.answers, machine, life_seconds=trial.life_seconds, choices=Choices())
    await asyncio.to_thread(lambda: services.carry_out(plan, machine, replace=(), progress=lambda _: None))
    return Seen(found, await services.prove(draft.answers, machine, lambda _: None, ask_claude=True))


@asynccontextmanager
async def on_screens(fault: DemoFault = NO_FAULT, size: tuple[int, int] = LARGE) -> AsyncIterator[tuple[Walk, Tour]]:
    """Start the demo's screens without a terminal."""
    with Tour(fault) as tour:
        app = WizardApp(Session(tour.draft(), tour.services()))
        async with app.run_test(size=size) as pilot:
            walk = Walk(app, pilot, Fake())
            await walk.settle()
            yield walk, tour


BUSY: Final = frozenset({"ok-slow", "helper-slow"})
"""What a check says on a busy machine, of something that is well."""


def not_well(checks: Iterable[Verdict]) -> list[Verdict]:
    """Return the checks that something is wrong with."""
    return [each for each in checks if each.status != "pass" and each.verdict not in BUSY]


def in_one_line(text: str) -> str:
    """Return a screen's text, or a sentence, as the words one reads."""
    return " ".join(re.findall(r"[^\s│▌▐]+", text))


if __name__ == "__main__":  # as a process of its own, to be looked at from outside
    with Tour() as made:
        proofs = asyncio.run(toured(made, write=True)).proofs
    sys.exit(any(each.status == "fail" for each in proofs))
