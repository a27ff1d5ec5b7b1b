"""Walks the seven steps in a fresh process and prints, as JSON, how long each change held the event loop up.

The core behind the screens answers at once from `tests.tui.fixture`; what is imported on the way is the real thing. Run
as `python -m tests.bench.step_changes`; an argument names a number of milliseconds to block on purpose in each change.
"""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import json
import sys
import time

from textual.pilot import Pilot

from tests.tui.fixture import Fake, later_draft
from wizard.flow import STEPS, Step
from wizard.services import REAL
from wizard.tui.app import WizardApp
from wizard.tui.session import Session

_PULSE = 0.002
_PATIENCE = 10.0


class Pulse:
    """A task that wants to run every two milliseconds and notes the longest time it was kept from it.

    It counts what the event loop's thread was at work: other programs, which keep all of it waiting, don't count.
    """

    def __init__(self) -> None:
        self.longest = 0.0
        self._task = asyncio.ensure_future(self._beat())

    async def _beat(self) -> None:
        last = time.thread_time()
        while True:
            await asyncio.sleep(_PULSE)
            now = time.thread_time()
            self.longest = max(self.longest, now - last)
            last = now

    def take(self) -> float:
        """Return the longest hold-up in milliseconds since the last call."""
        longest, self.longest = self.longest, 0.0
        return longest * 1000

    async def stop(self) -> None:
        """End the task."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def walk(block_ms: float) -> dict[str, float]:
    """Return the longest hold-up of each change: to Review, back to the first step, and all the way to Done."""
    fake = Fake()
    services = dataclasses.replace(fake.services(), warm=REAL.warm)
    app = WizardApp(Session(later_draft(), services))
    held: dict[str, float] = {}
    async with app.run_test(size=(80, 24)) as pilot:
        pulse = Pulse()
        await settled(pilot)

        async def change(key: str, step: Step) -> None:
            pulse.take()
            app.call_later(lambda: _work(block_ms / 1000))
            await go(pilot, key, step.value)
            name = f"{key} to {step.value}"
            held[f"{name} again" if name in held else name] = pulse.take()

        for step in (*STEPS[1:-1], *reversed(STEPS[:-2]), *STEPS[1:]):
            forward = STEPS.index(step) > [each.value for each in STEPS].index(shown(pilot))
            await change("w" if step is Step.DONE else "enter" if forward else "escape", step)
        await pulse.stop()
        app.exit(0)
    return held


def _work(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


async def go(pilot: Pilot[int], key: str, name: str) -> None:
    """Press a key and wait until the step it leads to stands."""
    deadline = time.monotonic() + _PATIENCE
    await pilot.press(key)
    while shown(pilot) != name:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{key} leads to {shown(pilot)}, not to {name}")
        await pilot.pause(0.01)
    await settled(pilot)


async def settled(pilot: Pilot[int]) -> None:
    """Wait until what a change set off has been drawn."""
    await pilot.pause(0.15)


def shown(pilot: Pilot[int]) -> str:
    """Return the name of the step on the screen."""
    step = getattr(pilot.app.screen, "STEP", None)
    return str(step.value) if step else ""


if __name__ == "__main__":
    gc.disable()  # as `wizard.commands.screens` does; the app turns it on again
    print(json.dumps(asyncio.run(walk(float(sys.argv[1]) if sys.argv[1:] else 0))))
