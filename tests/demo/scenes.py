"""What the pictures and the recording show: the demo taken by keys, one scene after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tests.demo.steady import SteadyTour, steady_tour, until_still
from wizard.demo.faults import BY_NAME, NO_FAULT, DemoFault

SIZE: Final = (80, 24)


@dataclass(frozen=True)
class Scene:
    """One stretch: the keys that lead there, and what it is for.

    With `seconds` it stands that long in the recording, over these words; with a `name` it is a picture of its own.
    """

    keys: Sequence[str] = ()
    words: str = ""
    seconds: float = 0
    name: str = ""


GOOD: Final = (
    Scene((), "claude-litellm-wizard --demo", 3, "server"),
    Scene(("enter",), "Enter   the server is checked, without a key and at no cost", 4, "health"),
    Scene(("enter",), "Enter   where the key comes from, found on this machine", 3.5, "key"),
    Scene(("enter",), "Enter   the very helper that will be installed is tried", 4.5, "test"),
    Scene(("y",), "y       one tiny message, only on a yes", 3),
    Scene(("enter",), "Enter   which models Claude Code asks for", 3, "models"),
    Scene(("enter", "down"), "Enter   every file that would change", 3, "review"),
    Scene(("enter",), "Enter   as a diff, your own lines kept", 4),
    Scene(("escape", "w"), "w       all or nothing is written, then proven", 5, "done"),
)
EXPIRED: Final = (
    Scene((), "claude-litellm-wizard --demo expired-certificate", 2.5),
    Scene(("enter",), "Enter   a fault has a cause and a fix", 5),
)
TO_HEALTH: Final = ("enter",)
TO_TEST: Final = ("enter",) * 3
TOURS: Final[tuple[tuple[DemoFault, tuple[Scene, ...]], ...]] = (
    (NO_FAULT, GOOD),
    (BY_NAME["expired-certificate"], EXPIRED),
    (BY_NAME["untrusted-authority"], (Scene(TO_HEALTH, name="failed-untrusted"),)),
    (BY_NAME["login-page"], (Scene(TO_HEALTH, name="failed-sign-in"),)),
    (BY_NAME["vault-sealed"], (Scene(TO_TEST, name="failed-vault"),)),
    (BY_NAME["expired-key"], (Scene(TO_TEST, name="failed-key"),)),
)
NAMES: Final = tuple(scene.name for _, scenes in TOURS for scene in scenes if scene.name)


@dataclass(frozen=True)
class Frame:
    """What one scene looks like: a screen as Textual draws it."""

    drawn: str
    scene: Scene


async def filmed(tours: Sequence[tuple[DemoFault, Sequence[Scene]]] = TOURS) -> tuple[Frame, ...]:
    """Take tours and return their frames."""
    frames: list[Frame] = []
    for fault, scenes in tours:
        with steady_tour(fault) as tour:
            frames += await _taken(tour, scenes)
    return tuple(frames)


async def _taken(tour: SteadyTour, scenes: Sequence[Scene]) -> list[Frame]:
    from wizard.tui.app import WizardApp
    from wizard.tui.session import Session

    app = WizardApp(Session(tour.draft(), tour.services()), "dark")
    frames = []
    async with app.run_test(size=SIZE) as pilot:

        def look() -> str:
            return tour.picture(app.export_screenshot(simplify=True))

        for scene in scenes:
            drawn = await until_still(app, pilot, look)
            for key in scene.keys:
                await pilot.press(key)
                drawn = await until_still(app, pilot, look)
            frames.append(Frame(drawn, scene))
    return frames
