"""Walks the screens in a test: by keys, reading what a person would read."""

from __future__ import annotations

import asyncio
import html
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from rich.cells import cell_len
from textual.pilot import Pilot
from textual.widget import Widget

from tests.tui.fixture import Fake
from wizard.flow import Draft
from wizard.tui.app import WizardApp
from wizard.tui.look import Face
from wizard.tui.session import Session
from wizard.tui.steps.base import StepScreen

W = TypeVar("W", bound=Widget)
SMALL, LARGE = (80, 24), (120, 36)

_TEXT = re.compile(r'<text [^>]*?x="([\d.]+)" y="([\d.]+)" textLength[^>]*>([^<]*)</text>')


@dataclass
class Walk:
    """The wizard under way."""

    app: WizardApp
    pilot: Pilot[Any]
    fake: Fake

    @property
    def session(self) -> Session:
        """The session of the run."""
        return self.app.session

    @property
    def step(self) -> str:
        """The step on the screen, or the name of what is in front of it."""
        screen = self.app.screen
        return screen.STEP.value if isinstance(screen, StepScreen) else type(screen).__name__

    async def press(self, *keys: str) -> None:
        """Press keys, and wait after each until everything has settled."""
        for key in keys:
            await self.pilot.press(key)
            await self.settle()

    async def settle(self) -> None:
        """Wait until every worker has ended and its messages are handled."""
        async with asyncio.timeout(30):
            await self.pilot.pause()
            await self.app.workers.wait_for_complete()
            await self.pilot.pause()

    async def paste(self, text: str) -> None:
        """Paste a text into the field in focus."""
        from textual.events import Paste

        self.app.post_message(Paste(text))
        await self.settle()

    async def until(self, text: str) -> None:
        """Wait until a text stands on the screen, whatever is under way."""
        async with asyncio.timeout(60):
            while text not in self.text():
                await self.pilot.pause(0.02)

    def text(self) -> str:
        """Return what stands on the screen, line by line."""
        lines: dict[float, str] = defaultdict(str)
        for x, y, text in _TEXT.findall(self.app.export_screenshot()):
            column = round(float(x) / 12.2)
            line = lines[float(y)]
            lines[float(y)] = line.ljust(column) + html.unescape(text).replace("\xa0", " ")
        return "\n".join(lines[y].rstrip() for y in sorted(lines))

    async def click(self, text: str, *, among: str = "") -> None:
        """Click the last place on the screen where a text stands, in a line with another text if that is given."""
        lines = [strip.text for strip in self.app.screen._compositor.render_strips()]
        row = max(place for place, line in enumerate(lines) if text in line and among in line)
        await self.pilot.click(offset=(cell_len(lines[row][: lines[row].rindex(text)]), row))
        await self.settle()

    def find(self, selector: str, kind: type[W]) -> W:
        """Return a widget of the screen on top."""
        return self.app.screen.query_one(selector, kind)

    def footer(self) -> str:
        """Return the last line."""
        return self.text().splitlines()[-1]


@asynccontextmanager
async def walking(
    draft: Draft,
    fake: Fake | None = None,
    size: tuple[int, int] = SMALL,
    face: Face | None = None,
    trouble: str = "",
    prepare: Callable[[Session], None] = lambda _: None,
) -> AsyncIterator[Walk]:
    """Start the wizard without a terminal; `prepare` gives its session what it begins with."""
    fake = fake or Fake()
    session = Session(draft, fake.services(), trouble)
    prepare(session)
    app = WizardApp(session, face)
    async with app.run_test(size=size) as pilot:
        walk = Walk(app, pilot, fake)
        await walk.settle()
        yield walk
