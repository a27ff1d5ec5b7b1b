"""Presses keys on every screen in a fresh process and prints, as JSON, how long each repaint took.

A repaint is timed from the press to the moment when its bytes go to the terminal, in the processor time of this
process: what other programs take does not count, nor does the wait for the next of Textual's sixty frames a second. The
core answers at once from `tests.tui.fixture`, with as many models as an argument names. Run as `python -m
tests.bench.key_presses MODELS SLOWER`; SLOWER is a number of milliseconds to spend on purpose at each press.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from textual.pilot import Pilot

from tests.bench.step_changes import go, settled, shown
from tests.tui.fixture import KEY_WORKS, THREE_MONTHS, Fake, later_draft
from wizard.flow import Step
from wizard.trial import Trial
from wizard.tui.app import WizardApp
from wizard.tui.session import Session

KEYS: Final[Mapping[Step, tuple[str, Sequence[str]]]] = {
    Step.SERVER: ("end", "abcdefgh"),
    Step.HEALTH: ("", ("ctrl+r",) * 8),
    Step.KEY: ("tab", ("down", "up") * 4),
    Step.TEST: ("", ("ctrl+r",) * 8),
    Step.MODELS: ("slash", "claude-5"),
    Step.REVIEW: ("", ("tab", "shift+tab") * 4),
    Step.DONE: ("", ("ctrl+r",) * 8),
}
"""For each screen a key that leads to where the others are pressed, and those, each of which changes something."""

_BREATH: Final = 0.05
"""Seconds after a press for what else it set off."""
_PATIENCE: Final = 10.0


class Repaints:
    """Times repaints: wraps what sends them to the terminal."""

    def __init__(self, app: WizardApp, slower_ms: float) -> None:
        self._app = app
        self._slower = slower_ms / 1000
        self._painted = asyncio.Event()
        self._at = 0.0
        display = app._display

        def displayed(*arguments: Any) -> None:
            display(*arguments)
            self._at = time.process_time()
            self._painted.set()

        vars(app)["_display"] = displayed  # Textual has no signal for it

    async def after(self, pilot: Pilot[int], key: str) -> float:
        """Press a key and return the milliseconds until what it changed has been painted."""
        self._painted.clear()
        began = time.process_time()
        end = began + self._slower
        while time.process_time() < end:
            pass
        self._app.simulate_key(key)
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._painted.wait()
        except TimeoutError:
            raise AssertionError(f"{key} changes nothing on {shown(pilot)}, where {self._app.focused} is") from None
        took = self._at - began
        await pilot.pause(_BREATH)
        return took * 1000


async def measure(models: int, slower_ms: float) -> dict[str, list[float]]:
    """Return the milliseconds of every press, by the step it was made on."""
    names = tuple(f"vendor-{number % 50}/claude-{number % 7}-{number}" for number in range(models))
    app = WizardApp(Session(later_draft(), Fake(trial=Trial(KEY_WORKS, names, THREE_MONTHS)).services()))
    found: dict[str, list[float]] = {}
    async with app.run_test(size=(80, 24)) as pilot:
        repaints = Repaints(app, slower_ms)
        await settled(pilot)
        for step, (first, keys) in KEYS.items():
            if shown(pilot) != step.value:
                await go(pilot, "w" if step is Step.DONE else "enter", step.value)
            if first:
                await pilot.press(first)
                await settled(pilot)
            found[step.value] = [await repaints.after(pilot, key) for key in keys]
            if step is Step.SERVER:
                await pilot.press(*["backspace"] * len(keys))
            elif step is Step.MODELS:
                await pilot.press("escape")
            await settled(pilot)
        app.exit(0)
    return found


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(int(sys.argv[1]), float(sys.argv[2])))))
